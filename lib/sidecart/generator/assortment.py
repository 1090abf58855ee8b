"""The goods of a generated shop: their arrangement, how often each sells and when, and who complements whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sidecart.generator.dice import Dice, Flags, Ints, Weighted, mixed, scaled
from sidecart.generator.layout import Layout, layout_of
from sidecart.generator.planting import Planting, anchor_sales, matched_sales, planting_of
from sidecart.generator.popularity import Floats, normal_quantiles, tail_weights
from sidecart.generator.settings import GeneratorSettings

_TASTE, _LIFE = 15, 16
_TASTES = 4096


@dataclass(frozen=True)
class Goods(Layout):
    """The arrangement and what is bought of it, by variant."""

    expected: Floats
    """Items expected from draws by popularity; 0 for bananas, which have a chance of their own."""
    bananas: Ints
    banana_shares: Floats
    """Share of baskets that hold each banana."""
    listed_day: Ints
    gone_day: Ints
    """Days of history on which a variant enters and leaves the shop."""
    planted: Planting

    @property
    def weighted(self) -> Weighted:
        """The variants to draw from by popularity."""
        return Weighted.of(self.expected)


def goods_of(settings: GeneratorSettings) -> Goods:
    """The whole catalogue of the shop."""
    layout = layout_of(settings)
    expected = _expected(settings, layout)
    expected[np.isin(layout.group, layout.matched)] = matched_sales(settings)
    bananas = _bananas(settings, layout)
    planted = planting_of(settings, layout, expected, bananas)
    expected[bananas] = 0
    is_core = np.isin(np.arange(layout.count), np.concatenate([bananas, planted.variants]))
    listed, gone = _lives(settings, is_core)
    shares = np.geomspace(settings.look.top_share, settings.look.last_banana_share, max(len(bananas), 1))
    return Goods(**vars(layout), expected=expected, bananas=bananas, banana_shares=shares[: len(bananas)],
                 listed_day=listed, gone_day=gone, planted=planted)  # fmt: skip


def _expected(settings: GeneratorSettings, layout: Layout) -> Floats:
    """Expected sales: the long tail's quantiles, given out so that variants of one group are alike."""
    look, count = settings.look, layout.count
    quantiles = normal_quantiles(_TASTES)
    of_group = quantiles[scaled(mixed(settings.seed, _TASTE, layout.group), _TASTES)]
    of_variant = quantiles[scaled(mixed(settings.seed, _TASTE, np.arange(count), 1), _TASTES)]
    order = np.argsort(0.8 * of_group + 0.6 * of_variant, kind="stable")
    cap = settings.orders * look.last_banana_share * 0.6
    added = settings.anchors * settings.complements * settings.complement_chance * anchor_sales(settings)[0]
    total = max(settings.orders * look.mean_basket * 0.9 - added, count * 5.0)
    lifted = settings.anchors * settings.complements * look.tail_share / count  # complements leave the tail
    expected = np.empty(count)
    expected[order] = tail_weights(count, total, min(look.tail_share + lifted, 0.9), cap)
    return expected


def _bananas(settings: GeneratorSettings, layout: Layout) -> Ints:
    """One variant each of groups spread over the shelves."""
    free = np.flatnonzero(~np.isin(layout.group, layout.matched))
    places = (np.arange(settings.bananas) * 2 + 1) * len(free) // (2 * max(settings.bananas, 1))
    return np.asarray(free[places], np.int64)


def _lives(settings: GeneratorSettings, is_core: Flags) -> tuple[Ints, Ints]:
    """First and last day of each variant; bananas and planted goods are there throughout."""
    count, days = len(is_core), settings.days
    dice = Dice(settings.seed, _LIFE)
    is_new = dice.happens(settings.new_share, count) & ~is_core
    is_gone = dice.happens(settings.gone_share, count) & ~is_core & ~is_new
    listed = np.where(is_new, days - dice.below(max(days // 10, 1) + 1, count), 0)
    gone = np.where(is_gone, days // 4 + dice.below(days // 2, count), days + 1)
    return listed, gone
