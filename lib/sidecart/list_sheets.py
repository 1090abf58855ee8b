"""List sheets: rows in, rows of base lists out, one anchor after another.

A sheet is what the lists of some anchors of one category are made of: first the candidates that fit the category, then
each anchor with the candidates that it met, best first. They come as rows of one table, told apart by `kind`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sidecart.bitsets import words
from sidecart.compiled import Ints
from sidecart.fill_kernel import Drawing, Filled, Shelf
from sidecart.list_kernel import Candidates, Cutter, Orders, Tree
from sidecart.sorted_rows import run_starts, whole_anchors

POOLED, PAGE, MET, MET_THERE = range(4)
"""Kinds of rows: a candidate that fits the category; an anchor; a candidate it met, in the whole shop's order; the same
in the order of a region, named by slot."""
NOBODY = -1
"""The anchor of a candidate that fits a category."""
_ROWS_OUT = 200_000


@dataclass(frozen=True)
class ListMaker:
    """What lists are cut by: the tree of slots, how fills are drawn, and `payload`, the columns that a candidate met
    carries along.
    """

    tree: Tree
    drawing: Drawing
    payload: tuple[str, ...]

    def lists(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Rows of the base lists that are to be stored: slot, rank, fill_support and the payload.

        In: rows sorted by category_id, part, anchor, kind, slot and, of candidates, best first. A fill has of the
        payload anchor, candidate, tier, score_key and category_lift.
        """
        cutter, shelf = Cutter(self.tree), _Category(None)
        for table in whole_anchors(batches):
            pages = _Pages(table, cutter)
            for begin, end in pages.runs():
                if pages.kinds[begin] == POOLED or pages.category(begin) != shelf.category_id:
                    yield from pages.told(shelf, self.payload)
                    shelf = _Category(pages.category(begin))
                if pages.kinds[begin] == POOLED:
                    shelf.shelf = Shelf(table.slice(begin, end - begin), self.drawing)
                else:
                    pages.cut(begin, end, shelf)
                    if pages.rows > _ROWS_OUT:
                        yield from pages.told(shelf, self.payload)
            yield from pages.told(shelf, self.payload)


@dataclass
class _Category:
    """The category whose anchors are at hand, and its shelf where anything fits it."""

    category_id: str | None
    shelf: Shelf | None = None


class _Pages:
    """The rows of some anchors, and what was cut of them since it was last told."""

    def __init__(self, table: pa.Table, cutter: Cutter) -> None:
        self.kinds = table.column("kind").to_numpy()
        self.rows = 0
        """How many rows of lists wait to be told."""
        self._table, self._cutter = table, cutter
        # Copies: Arrow's own arrays can't be written, and loops would be compiled for either kind.
        self._candidates = table.column("candidate").to_numpy().copy()
        self._tiers = table.column("tier").to_numpy()
        self._slots = table.column("slot").to_numpy().copy()
        self._words = words(table.column("slots").combine_chunks())
        self._categories = table.column("category_id").combine_chunks()
        self._anchors = self._filled()
        self._met: list[Ints] = []
        self._fills: list[Ints] = []

    def runs(self) -> Iterator[tuple[int, int]]:
        """Where the rows of each anchor, or of a category, begin and end."""
        starts = run_starts(self._table.column("anchor").to_numpy()).tolist()
        yield from zip(starts, [*starts[1:], self._table.num_rows], strict=True)

    def category(self, row: int) -> str | None:
        """The category of a row."""
        found: str | None = self._categories[row].as_py()
        return found

    def cut(self, begin: int, end: int, category: _Category) -> None:
        """Cut the lists of the anchor whose rows these are: its page, what it met, and the same by regions."""
        first = begin + 1
        met_end = begin + int(np.searchsorted(self.kinds[begin:end], MET_THERE))
        anchor, filled = self._anchors[begin]
        taken = np.sort(self._candidates[first:met_end])
        fills = None if category.shelf is None else category.shelf.fills(filled, taken)
        behind = category.shelf.words if category.shelf else self._words
        rows = fills.rows if fills else _NONE
        lists = self._cutter.cut(
            self._words[begin],
            Candidates(self._candidates[first:end], self._words[first:end], behind, rows),
            self._orders(first, met_end, end, fills.tiers if fills else _NONE),
        )
        is_met = lists[2] >= 0
        met, filling = lists[:, is_met], lists[:, ~is_met]
        self._met.append(np.vstack([met[:2], met[2] + first]))
        if fills and filling.shape[1]:
            place = -1 - filling[2]
            of_anchor = np.full(len(place), anchor)
            told = [filling[0], filling[1], rows[place], of_anchor, fills.tiers[place], fills.keys[place]]
            self._fills.append(np.vstack(told))
        self.rows += lists.shape[1]

    def told(self, category: _Category, payload: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        """What waits, as batches."""
        if self._met:
            slot, rank, row = np.hstack(self._met)
            kept = self._table.select(payload).take(pa.array(row))
            none = pa.nulls(len(row), pa.int64())
            columns = [_int32(slot), _int32(rank), none, *(c.combine_chunks() for c in kept.columns)]
            yield pa.RecordBatch.from_arrays(columns, names=["slot", "rank", "fill_support", *payload])
        if self._fills and category.shelf:
            yield self._told_fills(category.shelf, payload)
        self._met, self._fills, self.rows = [], [], 0

    def _told_fills(self, shelf: Shelf, payload: tuple[str, ...]) -> pa.RecordBatch:
        slot, rank, row, anchor, tier, key = np.hstack(self._fills)
        named = {
            "slot": _int32(slot),
            "rank": _int32(rank),
            "fill_support": pa.array(shelf.fill_support[row]),
            "anchor": _int32(anchor),
            "candidate": _int32(shelf.candidates[row]),
            "tier": _int32(tier),
            "score_key": pa.array(key),
            "category_lift": pa.array(shelf.category_lift[row]),
        }
        names = ["slot", "rank", "fill_support", *payload]
        schema = self._table.schema
        return pa.RecordBatch.from_arrays(
            [named[n] if n in named else pa.nulls(len(row), schema.field(n).type) for n in names], names=names
        )

    def _orders(self, first: int, met_end: int, end: int, fill_tiers: Ints) -> Orders:
        """The whole shop's order, and those of regions: what orders say is theirs, the rest the whole shop's."""
        tiers = self._tiers[first:met_end]
        by_orders = int(np.searchsorted(tiers, 0, side="right"))
        fills = -1 - np.arange(len(fill_tiers))
        behind_tiers = np.concatenate([tiers[by_orders:], fill_tiers])
        behind = np.concatenate([np.arange(by_orders, met_end - first), fills])
        # Views stand in tiers that fills have none of, so a stable sort by tier keeps the order within each.
        behind = behind[np.argsort(behind_tiers, kind="stable")]
        slots = self._slots[met_end:end]
        starts = run_starts(slots) if len(slots) else _NONE
        theirs = np.split(np.arange(met_end - first, end - first), starts[1:]) if len(slots) else []
        orders = [part for own in [np.arange(by_orders), *theirs] for part in (own, behind)]
        sizes = [len(own) + len(behind) for own in [tiers[:by_orders], *theirs]]
        bounds = np.append(0, np.cumsum(sizes))
        return Orders(np.concatenate(orders).astype(np.int32), bounds, slots[starts])

    def _filled(self) -> dict[int, tuple[int, Filled]]:
        """The anchors by the rows of their pages."""
        at = np.flatnonzero(self.kinds == PAGE)
        told = self._table.select(_OF_PAGE).take(pa.array(at)).to_pylist()
        return {
            int(row): (page.pop("anchor"), Filled(**(page | {"keys": tuple(key or "" for key in page["keys"])})))
            for row, page in zip(at, told, strict=True)
        }


_OF_PAGE = ("anchor", "group", "own", "brand", "brand_mode", "draw", "is_sold", "keys")
_NONE = np.zeros(0, np.int64)


def _int32(values: Ints) -> pa.Array:
    return pa.array(values.astype(np.int32))
