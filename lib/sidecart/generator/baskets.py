"""Baskets of a generated shop, a chunk of orders at a time: who bought what, where and on which day."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sidecart.generator.assortment import Goods
from sidecart.generator.dice import Dice, Flags, Ints, Weighted, Words, mixed, scaled
from sidecart.generator.places import Places
from sidecart.generator.popularity import Floats, basket_sizes, chance_per_item, normal_quantiles
from sidecart.generator.settings import GeneratorSettings

CHUNK = 50_000
"""Orders drawn at a time; part of what makes two runs equal, so it is no setting."""

GUEST = -1
_BUYERS, _EXTREMES, _CHUNKS, _HABITS, _SUBSTITUTES = range(30, 35)
_FAVOURITES = 16
_EXTREME_ORDER_SHARE = 0.004
_PILOT = 20_000


@dataclass(frozen=True)
class Crowd:
    """Everything that draws baskets: made once per shop."""

    settings: GeneratorSettings
    goods: Goods
    places: Places
    popular: Weighted
    shelves: Weighted
    buyers: Weighted
    buyer_region: Ints
    sizes: Floats
    """Basket sizes to draw from, uniformly."""
    bulk_orders: Ints
    """Orders of hundreds of lines."""
    sellers: Ints
    """Variants outside the tail: what bulk orders take evenly from, so that the tail stays a tail."""
    item_chances: Floats
    """Chance per item of each banana."""
    days: Ints
    """First order of each day."""


@dataclass(frozen=True)
class Baskets:
    """Orders first .. first + n - 1 and their lines; lines are sorted by order, each variant once per order."""

    first: int
    buyer: Ints
    """Per order: the buyer, GUEST for none; from `settings.buyers` on they are extreme."""
    region: Ints
    day: Ints
    order: Ints
    """Per line: its order, counted from `first`."""
    variant: Ints


def crowd_of(settings: GeneratorSettings, goods: Goods, places: Places) -> Crowd:
    """The shop's crowd, its basket sizes adjusted by a pilot so that the mean is met."""
    look = settings.look
    luck = mixed(settings.seed, _BUYERS, np.arange(settings.buyers))
    activity = np.exp(0.8 * normal_quantiles(1024))[scaled(luck, 1024)]
    homes = places.weighted.draw(mixed(settings.seed, _BUYERS, np.arange(settings.buyers), 1))
    wanted = basket_sizes(look.mean_basket, look.p99_basket)
    item_chances = np.array([chance_per_item(float(share), wanted) for share in goods.banana_shares])
    per_shelf = np.add.reduceat(np.maximum(goods.expected, 1e-9), goods.shelf_first[:-1])
    bulk = np.unique(scaled(mixed(settings.seed, _EXTREMES, np.arange(settings.extreme_orders)), settings.orders))
    crowd = Crowd(
        settings, goods, places, goods.weighted, Weighted.of(per_shelf), Weighted.of(activity), homes, wanted, bulk,
        _sellers(settings, goods), item_chances, _day_starts(settings),
    )  # fmt: skip
    return _tuned(crowd, wanted)


def baskets(crowd: Crowd, chunk: int) -> Baskets:
    """The orders of one chunk."""
    settings = crowd.settings
    first = chunk * CHUNK
    count = min(CHUNK, settings.orders - first)
    dice = Dice(settings.seed, _CHUNKS, chunk)
    buyer, region = _who_and_where(crowd, dice, count)
    number = first + np.arange(count)
    day = np.searchsorted(crowd.days, number, side="right") - 1
    size = _sizes(crowd, dice, buyer, number)
    order = np.repeat(np.arange(count), size)
    place = np.arange(len(order)) - np.repeat(np.cumsum(size) - size, size)
    variant = _items(crowd, dice, order, place, buyer)
    variant = _on_sale(crowd, dice, variant, region[order], day[order])
    order, variant = _with_complements(crowd, dice, order, variant)
    order, variant = _with_siblings(crowd, dice, order, variant)
    is_sold = sold_on(crowd, variant, region[order], day[order]) & (variant >= 0)
    keys = np.unique(order[is_sold] * crowd.goods.count + variant[is_sold])
    return Baskets(first, buyer, region, day, keys // crowd.goods.count, keys % crowd.goods.count)


def chunk_count(settings: GeneratorSettings) -> int:
    """How many chunks the shop's orders make."""
    return -(-settings.orders // CHUNK)


def sold_on(crowd: Crowd, variant: Ints, region: Ints, day: Ints) -> Flags:
    """Whether the region sold the variant that day."""
    goods = crowd.goods
    is_listed = (goods.listed_day[variant] <= day) & (day < goods.gone_day[variant])
    return np.asarray(is_listed & crowd.places.sells(region, variant))


def _tuned(crowd: Crowd, wanted: Floats) -> Crowd:
    """Doubles and refusals shorten a basket, complements lengthen it: sizes are stretched until the mean is met."""
    stretch = 1.0
    for _ in range(3):
        orders = min(_PILOT, CHUNK, crowd.settings.orders)
        trial = baskets(replace(crowd, sizes=wanted * stretch), 0)
        plain = (trial.buyer < crowd.settings.buyers) & ~np.isin(np.arange(len(trial.buyer)), crowd.bulk_orders)
        sizes = np.bincount(trial.order, minlength=len(trial.buyer))[plain][:orders]
        stretch = round(stretch * float(wanted.mean()) / float(sizes[sizes > 0].mean()), 3)
    return replace(crowd, sizes=wanted * stretch)


def _sellers(settings: GeneratorSettings, goods: Goods) -> Ints:
    ranked = np.argsort(goods.expected, kind="stable")
    return np.sort(ranked[int(settings.look.tail_share * goods.count) :])


def _day_starts(settings: GeneratorSettings) -> Ints:
    """Weekends sell more: the first order of each day."""
    weekday = (settings.last_day.weekday() - np.arange(settings.days)[::-1]) % 7
    weight = np.where(weekday >= 5, 140, np.where(weekday == 4, 120, 90)).cumsum()
    return np.concatenate([[0], weight[:-1] * settings.orders // weight[-1]])


def _who_and_where(crowd: Crowd, dice: Dice, count: int) -> tuple[Ints, Ints]:
    """Buyers mostly order at home; guests and extreme buyers anywhere."""
    settings = crowd.settings
    buyer = crowd.buyers.draw(dice.words(count))
    anywhere = crowd.places.weighted.draw(dice.words(count))
    region = np.where(dice.happens(0.9, count), crowd.buyer_region[buyer], anywhere)
    is_guest = dice.happens(settings.guest_share, count)
    is_extreme = dice.happens(_EXTREME_ORDER_SHARE if settings.extreme_buyers else 0.0, count)
    extreme = settings.buyers + dice.below(max(settings.extreme_buyers, 1), count)
    return (
        np.where(is_extreme, extreme, np.where(is_guest, GUEST, buyer)),
        np.where(is_extreme | is_guest, anywhere, region),
    )


def _sizes(crowd: Crowd, dice: Dice, buyer: Ints, number: Ints) -> Ints:
    """Items to draw per order; extreme buyers fill large baskets, bulk orders huge ones."""
    settings = crowd.settings
    plain = np.maximum(1, dice.rounded(crowd.sizes[dice.below(len(crowd.sizes), len(number))]))
    large = 50 + dice.below(50, len(number))
    huge = np.minimum(500 + dice.below(601, len(number)), settings.variants // 2)
    return np.where(np.isin(number, crowd.bulk_orders), huge, np.where(buyer >= settings.buyers, large, plain))


def _items(crowd: Crowd, dice: Dice, order: Ints, place: Ints, buyer: Ints) -> Ints:
    """One variant per item: a banana, a favourite, something of a mission, or anything popular."""
    look, count = crowd.settings.look, len(order)
    anything = crowd.popular.draw(_habitual(crowd, dice, order, buyer[order]))
    mission = _mission_items(crowd, dice, order, place)
    is_mission = dice.happens(look.mission_share, count)
    item = np.where(is_mission, mission, anything)
    item = _in_theme_colour(crowd, dice, item, order)
    is_bulk = (buyer >= crowd.settings.buyers)[order] | np.isin(order, crowd.bulk_orders)
    item = np.where(is_bulk, crowd.sellers[dice.below(len(crowd.sellers), count)], item)
    return _with_bananas(crowd, dice, item)


def _habitual(crowd: Crowd, dice: Dice, order: Ints, buyer: Ints) -> Words:
    """Words to draw popular items with; a buyer's favourites are words of its own, the same in every order."""
    count = len(order)
    own = mixed(crowd.settings.seed, _HABITS, buyer, dice.below(_FAVOURITES, count))
    is_habit = dice.happens(crowd.settings.look.habit_share, count) & (buyer != GUEST)
    return np.where(is_habit, own, dice.words(count))


def _mission_items(crowd: Crowd, dice: Dice, order: Ints, place: Ints) -> Ints:
    """Items from the mission's shelf (two of five) or from one of the shelves that complement it."""
    goods, count = crowd.goods, len(order)
    mission = mixed(dice.words(1).astype(np.int64), order, place // crowd.settings.look.mission_items)
    shelf = crowd.shelves.draw(mission)
    friend = goods.friends[shelf, dice.below(goods.friends.shape[1], count)]
    shelf = np.where(dice.happens(0.4, count), shelf, friend)
    return crowd.popular.draw_between(dice.words(count), goods.shelf_first[shelf], goods.shelf_first[shelf + 1])


def _in_theme_colour(crowd: Crowd, dice: Dice, item: Ints, order: Ints) -> Ints:
    """Some items change to their group's variant in the colour of the basket's first item."""
    goods = crowd.goods
    starts = np.flatnonzero(np.r_[True, order[1:] != order[:-1]])
    theme = goods.colour[item[starts]][order]
    pulled = dice.happens(crowd.settings.look.colour_pull, len(item)) & (theme >= 0) & (goods.colour[item] >= 0)
    swapped = item.copy()
    group = goods.group[item]
    for step in range(int(np.diff(goods.first).max())):
        sibling = goods.first[group] + step
        fits = pulled & (sibling < goods.first[group + 1])
        sibling = np.minimum(sibling, goods.count - 1)
        fits &= (goods.colour[sibling] == theme) & (goods.size[sibling] == goods.size[item])
        swapped[fits] = sibling[fits]
    return swapped


def _with_bananas(crowd: Crowd, dice: Dice, item: Ints) -> Ints:
    """Any item may be a banana instead, whatever else is in the basket."""
    if not len(crowd.goods.bananas):
        return item
    ends = np.cumsum(np.append(crowd.item_chances, 0))
    luck = dice.words(len(item)) / 2.0**32
    which = np.searchsorted(ends[:-1], luck, side="right")
    is_banana = which < len(crowd.goods.bananas)
    return np.where(is_banana, crowd.goods.bananas[np.minimum(which, len(crowd.goods.bananas) - 1)], item)


def _on_sale(crowd: Crowd, dice: Dice, variant: Ints, region: Ints, day: Ints) -> Ints:
    """What the region does not sell is replaced, twice at most, by something of its shelf."""
    result = variant.copy()
    for _ in range(2):
        refused = np.flatnonzero(~sold_on(crowd, result, region, day))
        if len(refused) == 0:
            break
        shelf_span = goods_of_shelf(crowd, result[refused])
        result[refused] = crowd.popular.draw_between(dice.words(len(refused)), *shelf_span)
    return result


def goods_of_shelf(crowd: Crowd, variant: Ints) -> tuple[Ints, Ints]:
    """The span of variants on the same shelf."""
    shelf = crowd.goods.shelf[variant]
    return crowd.goods.shelf_first[shelf], crowd.goods.shelf_first[shelf + 1]


def _with_complements(crowd: Crowd, dice: Dice, order: Ints, variant: Ints) -> tuple[Ints, Ints]:
    """Items that are planted anchors bring each of their complements with its chance; bulk brings none."""
    planted = crowd.goods.planted
    row = planted.row[variant]
    found = np.flatnonzero(row >= 0)
    complements = planted.complements[row[found]]
    chances = planted.chances[row[found]]
    comes = dice.happens(chances.ravel(), chances.size).reshape(chances.shape) & (complements >= 0)
    added = np.repeat(order[found], comes.sum(axis=1))
    return np.concatenate([order, added]), np.concatenate([variant, complements[comes]])


def _with_siblings(crowd: Crowd, dice: Dice, order: Ints, variant: Ints) -> tuple[Ints, Ints]:
    """Some orders hold another variant of one of their products: to send one of them back."""
    share = crowd.settings.look.sibling_share
    if share == 0:
        return order, variant
    goods = crowd.goods
    _, starts = np.unique(order, return_index=True)
    chosen = starts[dice.happens(share, len(starts))]
    group = goods.group[variant[chosen]]
    size = goods.first[group + 1] - goods.first[group]
    step = 1 + dice.below(np.maximum(size - 1, 1), len(chosen))
    sibling = goods.first[group] + (variant[chosen] - goods.first[group] + step) % size
    return np.concatenate([order, order[chosen]]), np.concatenate([variant, sibling])
