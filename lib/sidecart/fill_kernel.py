"""The filling kernel: what stands behind a short list, drawn from the best fits to the anchor's category.

One call has the short lists of one category and the candidates that fit it. Candidates are drawn, not ranked alone, so
that the lists of one category differ: Gumbel noise on a logarithm draws without replacement in proportion to the fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sidecart.bitsets import bits
from sidecart.draws import chance

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Column = npt.NDArray[np.generic]

NONE = -1
"""A brand or category that matches none."""
_BRAND_FIRST = 1e6
"""More than any two keys differ by."""
_POOLED = (
    "step", "candidate", "fit", "plain_fit", "group", "own", "brand", "draw", "fill_support", "category_lift",
)  # fmt: skip
FILLED = pa.schema(
    [
        ("slot", pa.int32()),
        ("anchor", pa.int32()),
        ("candidate", pa.int32()),
        ("step", pa.int32()),
        ("is_same_brand", pa.bool_()),
        ("fill_support", pa.int64()),
        ("category_lift", pa.float64()),
        ("score_key", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Pool:
    """Candidates of one step and key, best fit first; `columns` by name, `member` per slot and candidate."""

    columns: dict[str, Column]
    member: Flags


@dataclass(frozen=True)
class Anchor:
    """Whose lists are filled: its own group and excluded category, its brand, and what its fills are drawn by."""

    variant: int
    group: int
    own: int
    brand: int
    brand_mode: str
    draw: int
    is_sold: bool
    keys: tuple[str, ...]
    """Per step, the key of the pool that serves it."""


def fills(short: pa.Table, pools: pa.Table, size: int) -> pa.Table:
    """Rows that fill the short lists.

    short: one row per list (slot, anchor, group, own, brand, brand_mode, draw, is_sold, need, keys, taken_groups).
    pools: one row per (step, key, candidate) with fit (ln of O/n L), plain_fit (ln of O/sqrt(n) L), group, own, brand,
    draw, slots, fill_support and category_lift. A list is filled from step 0 on, each time from the pool of its key
    there, of which the first `size` that the slot may sell are drawn from.
    """
    if not short.num_rows or not pools.num_rows:
        return FILLED.empty_table()
    short = short.sort_by([("anchor", "ascending"), ("slot", "ascending")])
    anchors = short.column("anchor").to_numpy()
    starts = np.flatnonzero(np.append(True, anchors[1:] != anchors[:-1]))
    shelf = _Shelf(pools, size)
    found: list[dict[str, Column]] = []
    for begin, end in zip(starts, np.append(starts[1:], len(anchors)), strict=True):
        lists = short.slice(int(begin), int(end - begin))
        found += _fill(lists, _anchor(lists), shelf)
    if not found:
        return FILLED.empty_table()
    return pa.table({name: np.concatenate([part[name] for part in found]) for name in FILLED.names}, schema=FILLED)


class _Shelf:
    """The pools by step and key, each made when it is first asked for."""

    def __init__(self, table: pa.Table, size: int) -> None:
        self._column: dict[str, Column] = {n: table.column(n).to_numpy() for n in _POOLED}
        self._slots = table.column("slots").combine_chunks()
        keys = table.column("key").combine_chunks().dictionary_encode()
        names = keys.dictionary.to_pylist()
        place = self._column["step"].astype(np.int64) * len(names) + keys.indices.to_numpy()
        by_key = np.argsort(place, kind="stable")
        found, starts = np.unique(place[by_key], return_index=True)
        parts = np.split(by_key, starts[1:])
        self._rows = {
            (int(at) // len(names), names[int(at) % len(names)]): rows for at, rows in zip(found, parts, strict=True)
        }
        self._size = size
        self._made: dict[tuple[int, str, bool], Pool] = {}

    def pool(self, step: int, anchor: Anchor) -> Pool | None:
        """The pool of the anchor's key at the step, None where nothing fits."""
        at = step, anchor.keys[step]
        if at not in self._rows:
            return None
        made = (*at, anchor.is_sold)
        if made not in self._made:
            self._made[made] = self._make(self._rows[at], "fit" if anchor.is_sold else "plain_fit")
        return self._made[made]

    def _make(self, rows: Ints, fit: str) -> Pool:
        order = rows[np.lexsort((self._column["candidate"][rows], -self._column[fit][rows].astype(np.float64)))]
        member = bits(self._slots.take(pa.array(order)))
        member &= np.cumsum(member, axis=1, dtype=np.int32) <= self._size
        useful = member.any(axis=0)
        columns = {name: values[order][useful] for name, values in self._column.items()}
        return Pool(columns | {"fit": columns[fit]}, member[:, useful])


def _anchor(lists: pa.Table) -> Anchor:
    first = {name: lists.column(name)[0].as_py() for name in lists.column_names if name != "taken_groups"}
    return Anchor(
        variant=first["anchor"],
        group=first["group"],
        own=first["own"],
        brand=first["brand"],
        brand_mode=first["brand_mode"],
        draw=first["draw"],
        is_sold=first["is_sold"],
        keys=tuple(key or "" for key in first["keys"]),
    )


def _fill(lists: pa.Table, anchor: Anchor, shelf: _Shelf) -> Iterator[dict[str, Column]]:
    slots, need = lists.column("slot").to_numpy(), lists.column("need").to_numpy().copy()
    taken = [groups.values.to_numpy() for groups in lists.column("taken_groups")]
    for step in range(len(anchor.keys)):
        waiting = np.flatnonzero(need > 0)
        pool = shelf.pool(step, anchor) if len(waiting) else None
        if pool is None:
            continue
        offer = _offer(anchor, pool)
        for place in waiting:
            slot = int(slots[place])
            chosen = offer.best(pool.member[slot], taken[place], int(need[place]))
            need[place] -= len(chosen)
            taken[place] = np.append(taken[place], offer.group[chosen])
            yield _rows(slot, anchor, offer, pool, chosen)


@dataclass(frozen=True)
class _Offer:
    """A pool as one anchor sees it: by candidate, what it may have and in which order."""

    candidate: Column
    group: Column
    key: Floats
    is_same: Flags
    """Of the anchor's brand, which comes first."""
    allowed: Flags

    def best(self, member: Flags, taken: Column, need: int) -> Ints:
        """The first `need` rows of what a slot sells, one of each group and none that is taken."""
        there = np.flatnonzero(member & self.allowed)
        there = there[~np.isin(self.group[there], taken)]
        # Adding a constant keeps the order of keys, so whatever stands among the first is above the cut.
        strength = self.key[there] + self.is_same[there] * _BRAND_FIRST
        looked_at = need
        while True:
            first = there
            if looked_at < len(there):
                first = there[strength >= np.partition(strength, -looked_at)[-looked_at]]
            first = first[np.lexsort((self.candidate[first], -self.key[first], ~self.is_same[first]))]
            _, of_group = np.unique(self.group[first], return_index=True)
            if len(of_group) >= need or looked_at >= len(there):
                return first[np.sort(of_group)[:need]]
            looked_at *= 4


def _offer(anchor: Anchor, pool: Pool) -> _Offer:
    column = pool.columns
    is_same = (column["brand"] == anchor.brand) & (anchor.brand != NONE) & (anchor.brand_mode != "off")
    allowed = (column["group"] != anchor.group) & ((column["own"] != anchor.own) | (anchor.own == NONE))
    if anchor.brand_mode == "only":
        allowed &= is_same
    return _Offer(column["candidate"], column["group"], _keys(anchor, column), is_same, allowed)


def _keys(anchor: Anchor, column: dict[str, Column]) -> Floats:
    """The fit, with noise by the draws of anchor and candidate; an anchor never sold has the plain one."""
    fit = column["fit"].astype(np.float64)
    if not anchor.is_sold:
        return fit
    return np.asarray(fit - np.log(-np.log(chance(anchor.draw, column["draw"].astype(np.int64)))), np.float64)


def _rows(slot: int, anchor: Anchor, offer: _Offer, pool: Pool, chosen: Ints) -> dict[str, Column]:
    told = {name: pool.columns[name][chosen] for name in ("candidate", "step", "fill_support", "category_lift")}
    return told | {
        "slot": np.full(len(chosen), slot, np.int32),
        "anchor": np.full(len(chosen), anchor.variant, np.int32),
        "is_same_brand": offer.is_same[chosen],
        "score_key": np.rint(offer.key[chosen] * 1e6).astype(np.int64),
    }
