"""Order rows of a generated shop: the lines of the baskets, and what was cancelled or sent back."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sidecart.generator.baskets import GUEST, Baskets, Crowd
from sidecart.generator.dice import Dice, Ints
from sidecart.generator.names import cents

_LINES, _FATES = 40, 41
_FIRST_ORDER = 1_000_000
_DAY = 86_400
_SALE, _CANCEL, _RETURN, _UNLINKED = range(4)
_STATUSES = pa.array(["sale", "cancel", "return", "return"])


def order_rows(crowd: Crowd, chunk: int, bought: Baskets, variant_ids: pa.Array) -> pa.Table:
    """The orders input of one chunk: sales first, then cancellations and returns; none later than `as_of`.

    A cancellation or linked return names its order and line; an unlinked return names neither.
    """
    sales = _Sales(crowd, chunk, bought)
    dice = Dice(crowd.settings.seed, _FATES, chunk)
    look, count = crowd.settings.look, len(bought.order)
    luck = dice.words(count) / 2.0**32
    edges = np.cumsum([crowd.settings.cancel_share, look.return_share, look.unlinked_share])
    fate = np.where(luck >= edges[2], _SALE, 1 + np.searchsorted(edges, luck, side="right"))
    delay = np.where(fate == _CANCEL, dice.below(7_200, count), _DAY + dice.below(28 * _DAY, count))
    end = int(crowd.settings.as_of.timestamp())
    taken = np.flatnonzero((fate != _SALE) & (sales.seconds + delay < end))
    every = np.arange(count)
    kept = sales.rows(every, np.full(count, _SALE), sales.seconds, variant_ids)
    back = sales.rows(taken, fate[taken], (sales.seconds + delay)[taken], variant_ids)
    return pa.concat_tables([kept, back])


def order_seconds(crowd: Crowd, chunk: int, bought: Baskets) -> Ints:
    """When each order was placed, in seconds since 1970: between eight and twenty-two o'clock of its day."""
    dice = Dice(crowd.settings.seed, _LINES, chunk)
    start = int((crowd.settings.as_of - timedelta(days=crowd.settings.days)).timestamp())
    return start + bought.day * _DAY + 8 * 3_600 + dice.below(14 * 3_600, len(bought.day))


class _Sales:
    """The sold lines of a chunk, column by column."""

    def __init__(self, crowd: Crowd, chunk: int, bought: Baskets) -> None:
        dice = Dice(crowd.settings.seed, _LINES, chunk, 1)
        count = len(bought.order)
        self._crowd, self._bought = crowd, bought
        size = np.bincount(bought.order, minlength=len(bought.buyer))
        self._line = 1 + np.arange(count) - np.repeat(np.cumsum(size) - size, size)
        self._quantity = 1 + dice.happens(0.15, count) + 2 * dice.happens(0.03, count)
        self._prices = cents(crowd.settings, crowd.goods)
        self.seconds = order_seconds(crowd, chunk, bought)[bought.order]

    def rows(self, line: Ints, fate: Ints, seconds: Ints, variant_ids: pa.Array) -> pa.Table:
        """Order rows for the lines, with that fate at that time."""
        bought, order = self._bought, self._bought.order[line]
        is_linked = pa.array(fate != _UNLINKED)
        sign = np.where(fate == _SALE, 1, -1)
        columns = {
            "order_id": _where(is_linked, pa.array(_FIRST_ORDER + bought.first + order).cast(pa.string())),
            "line_no": _where(is_linked, pa.array(self._line[line]).cast(pa.string())),
            "buyer_id": buyer_ids(bought.buyer[order]),
            "variant_id": variant_ids.take(pa.array(bought.variant[line])),
            "region_id": region_ids(self._crowd, bought.region[order]),
            "quantity": pa.array(sign * self._quantity[line]),
            "unit_price": money(self._prices[bought.variant[line]]),
            "ordered_at": instants(seconds),
            "currency": pa.repeat("EUR", len(line)),
            "status": _STATUSES.take(pa.array(fate)),
        }
        return pa.table(columns)


def buyer_ids(buyer: Ints) -> pa.Array:
    """Ids of buyers; none for guests."""
    texts = pc.binary_join_element_wise("b", pa.array(buyer + 1).cast(pa.string()), "")
    return _where(pa.array(buyer != GUEST), texts)


def region_ids(crowd: Crowd, region: Ints) -> pa.Array:
    """Ids of regions; none in a shop without regions."""
    if crowd.settings.regions == 0:
        return pa.nulls(len(region), pa.string())
    return pa.array(crowd.places.ids, pa.string()).take(pa.array(region))


def instants(seconds: Ints) -> pa.Array:
    return pa.array(seconds * 1_000_000).cast(pa.timestamp("us", "UTC"))


def money(hundredths: Ints) -> pa.Array:
    """Whole cents as decimals."""
    return pa.array(hundredths / 100).cast(pa.decimal128(18, 4))


def order_ids(bought: Baskets, order: Ints) -> pa.Array:
    return pa.array(_FIRST_ORDER + bought.first + order).cast(pa.string())


def _where(condition: pa.Array, values: pa.Array) -> pa.Array:
    return pc.if_else(condition, values, pa.scalar(None, pa.string()))
