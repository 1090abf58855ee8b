"""List sheets: rows in, rows of base lists out, one anchor after another.

A sheet is what the lists of some anchors are made of: first who sells what; then for each category the candidates that
fit it, and each anchor with the candidates that it met, best first, and what regions counted of it. They come as rows
of one table, told apart by `kind`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import pyarrow as pa

from sidecart.bitsets import words
from sidecart.compiled import Ints, bounds
from sidecart.fill_kernel import Drawing, Filled, Shelf
from sidecart.list_kernel import Candidates, Cutter, Orders, Tree
from sidecart.regional_kernel import Counted, OwnOrder, Scored, Weighing, own_orders
from sidecart.sorted_rows import run_starts, whole_anchors

SOLD, POOLED, PAGE, MET, COUNTED = range(5)
"""Kinds of rows: a variant and who sells it; a candidate that fits the category; an anchor; a candidate it met, in the
whole shop's order; what a region, named by slot, counted of the anchor."""
NOBODY = -1
"""The anchor of what is not about one."""
_ROWS_OUT = 200_000
_REGIONAL = {
    "evidence_slot": pa.int32(),
    "region_pair_support": pa.int32(),
    "region_anchor_support": pa.int32(),
    "region_weight": pa.float64(),
}
TOLD = ("slot", "rank", "fill_support", *_REGIONAL)
"""What a row of a list has beside the payload; of a region's evidence null where the whole shop's made the order."""


@dataclass(frozen=True)
class ListMaker:
    """What lists are cut by: the tree of slots, how fills are drawn, how a region's evidence is weighed, and `payload`,
    the columns that a candidate met carries along.
    """

    tree: Tree
    drawing: Drawing
    weighing: Weighing
    payload: tuple[str, ...]

    def lists(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Rows of the base lists that are to be stored: TOLD and the payload.

        In: one sheet, sorted by category_id (who sells what has none and comes first), part, anchor, kind, slot and, of
        candidates, best first. A fill has of the payload anchor, candidate, tier, score_key and category_lift.
        """
        cutter, shelf, sold = Cutter(self.tree), _Category(None), None
        for table in whole_anchors(batches):
            if sold is None:
                head = int((table.column("kind").to_numpy() == SOLD).sum())
                sold = _Sold(table.slice(0, head), self.tree.words)
                table = table.slice(head)  # noqa: PLW2901
            pages = _Pages(table, cutter, sold, self.weighing)
            for begin, end in pages.runs():
                if pages.kinds[begin] == POOLED or pages.category(begin) != shelf.category_id:
                    yield from pages.told(shelf, self.payload)
                    shelf = _Category(pages.category(begin))
                if pages.kinds[begin] == POOLED:
                    shelf = shelf.filled(table.slice(begin, end - begin), self.drawing, sold)
                else:
                    pages.cut(begin, end, shelf)
                    if pages.rows > _ROWS_OUT:
                        yield from pages.told(shelf, self.payload)
            yield from pages.told(shelf, self.payload)


class _Sold:
    """Who sells what: a bitset of slots per variant."""

    def __init__(self, table: pa.Table, width: int) -> None:
        variants = table.column("candidate").to_numpy()
        # The last row is of what nobody sells: the root has a page of it all the same.
        self.words = np.zeros((len(variants) + 1, width), np.int64)
        self.words[:-1] = words(table.column("slots").combine_chunks(), width)
        self.words[-1, 0] = 1
        self._rows = np.full(int(variants.max(initial=-1)) + 2, len(variants), np.int32)
        self._rows[variants] = np.arange(len(variants), dtype=np.int32)

    def rows(self, variants: Ints) -> Ints:
        """The rows of variants among the words."""
        found: Ints = self._rows[np.minimum(variants, len(self._rows) - 1)]
        return found

    def of(self, variant: int) -> Ints:
        """The bitset of one variant."""
        found: Ints = self.words[self.rows(np.array(variant))]
        return found


@dataclass(frozen=True)
class _Category:
    """The category whose anchors are at hand; its shelf where anything fits it, and the rows of that in _Sold."""

    category_id: str | None
    shelf: Shelf | None = None
    rows: Ints = field(default_factory=lambda: _NONE)

    def filled(self, table: pa.Table, drawing: Drawing, sold: _Sold) -> _Category:
        """With the candidates that fit it."""
        shelf = Shelf(table, drawing)
        return replace(self, shelf=shelf, rows=sold.rows(shelf.candidates))


class _Pages:
    """The rows of some anchors, and what was cut of them since it was last told."""

    def __init__(self, table: pa.Table, cutter: Cutter, sold: _Sold, weighing: Weighing) -> None:
        self.kinds = table.column("kind").to_numpy()
        self.rows = 0
        """How many rows of lists wait to be told."""
        self._table, self._cutter, self._sold, self._weighing = table, cutter, sold, weighing
        self._candidates = table.column("candidate").to_numpy()
        self._rows = sold.rows(self._candidates)
        self._tiers = table.column("tier").to_numpy()
        self._slots = table.column("slot").to_numpy()
        self._categories = table.column("category_id").combine_chunks()
        self._anchors = self._filled()
        scores = _OF_SCORE if (self.kinds == COUNTED).any() else ()
        self._scored = {name: table.column(name).to_numpy() for name in scores}
        self._met: list[Ints] = []
        self._there: list[tuple[Ints, Ints]] = []
        self._fills: list[Ints] = []

    def runs(self) -> Iterator[tuple[int, int]]:
        """Where the rows of each anchor, or of a category, begin and end."""
        yield from pairwise([*run_starts(self._table.column("anchor").to_numpy()).tolist(), self._table.num_rows])

    def category(self, row: int) -> str | None:
        """The category of a row."""
        found: str | None = self._categories[row].as_py()
        return found

    def cut(self, begin: int, end: int, category: _Category) -> None:
        """Cut the lists of the anchor whose rows these are: its page, what it met, and what regions counted."""
        first = begin + 1
        met_end = begin + int(np.searchsorted(self.kinds[begin:end], COUNTED))
        anchor, filled = self._anchors[begin]
        taken = np.sort(self._candidates[first:met_end])
        fills = None if category.shelf is None else category.shelf.fills(filled, taken)
        rows = fills.rows if fills else _NONE
        page = self._sold.of(anchor)
        own = self._own_orders(begin, met_end, end, page)
        met_rows = np.concatenate([np.arange(met_end - first), *(order.rows for order in own)])
        lists = self._cutter.cut(
            page,
            Candidates(self._sold.words, self._rows[first:met_end][met_rows], category.rows[rows]),
            self._orders(self._tiers[first:met_end], own, fills.tiers if fills else _NONE),
        )
        is_there, is_met = lists[2] >= met_end - first, lists[2] >= 0
        met, there, filling = lists[:, is_met & ~is_there], lists[:, is_there], lists[:, ~is_met]
        self._met.append(np.vstack([met[:2], met[2] + first]))
        if there.shape[1]:
            self._there.append(_by_own_order(there[:2], there[2], met_rows, first, own))
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
            yield self._batch({"slot": _int32(slot), "rank": _int32(rank)}, self._kept(row, payload), payload)
        if self._there:
            yield self._told_there(payload)
        if self._fills and category.shelf:
            yield self._told_fills(category.shelf, payload)
        self._met, self._there, self._fills, self.rows = [], [], [], 0

    def _kept(self, rows: Ints, payload: Sequence[str]) -> dict[str, pa.Array]:
        """The payload of candidates met."""
        kept = self._table.select(payload).take(pa.array(rows))
        return {name: kept.column(name).combine_chunks() for name in payload}

    def _batch(self, places: dict[str, pa.Array], kept: dict[str, pa.Array], payload: Sequence[str]) -> pa.RecordBatch:
        """Rows of lists; what neither names is null."""
        named, rows = kept | places, len(places["slot"])
        schema = self._table.schema
        types = {"rank": pa.int32(), **_REGIONAL}
        names = [*TOLD, *payload]
        return pa.RecordBatch.from_arrays(
            [
                named[n] if n in named else pa.nulls(rows, types[n] if n in types else schema.field(n).type)
                for n in names
            ],
            names=names,
        )

    def _told_there(self, payload: tuple[str, ...]) -> pa.RecordBatch:
        slot, rank, row, key, evidence_slot, support, anchor_support = np.hstack([ints for ints, _ in self._there])
        confidence = np.concatenate([shares for _, shares in self._there])
        weight = anchor_support / (anchor_support + self._weighing.prior_support)
        places = {
            "slot": _int32(slot),
            "rank": _int32(rank),
            "score_key": pa.array(key),
            "confidence": pa.array(confidence),
            "evidence_slot": _int32(evidence_slot),
            "region_pair_support": _int32(support),
            "region_anchor_support": _int32(anchor_support),
            "region_weight": pa.array(weight),
        }
        return self._batch(places, self._kept(row, payload), payload)

    def _told_fills(self, shelf: Shelf, payload: tuple[str, ...]) -> pa.RecordBatch:
        slot, rank, row, anchor, tier, key = np.hstack(self._fills)
        filled = {
            "fill_support": pa.array(shelf.fill_support[row]),
            "anchor": _int32(anchor),
            "candidate": _int32(shelf.candidates[row]),
            "tier": _int32(tier),
            "score_key": pa.array(key),
            "category_lift": pa.array(shelf.category_lift[row]),
        }
        return self._batch({"slot": _int32(slot), "rank": _int32(rank)}, filled, payload)

    def _own_orders(self, begin: int, met_end: int, end: int, page: Ints) -> list[OwnOrder]:
        """The orders of regions that counted enough of the anchor; of what orders bring."""
        if met_end == end:
            return []
        first = begin + 1
        by_orders = first + _by_orders(self._tiers[first:met_end])
        parts = {name: values[first:by_orders] for name, values in self._scored.items()}
        sold = self._sold.words[self._rows[first:by_orders]]
        met = Scored(candidates=self._candidates[first:by_orders], sold=sold, **parts)
        counted = self._table.column("counted").slice(met_end, end - met_end).combine_chunks()
        groups = [_groups(counted[at].values, self._weighing.support_unit) for at in range(end - met_end)]
        regions = [
            Counted(int(slot), int(support), *of)
            for slot, support, of in zip(
                self._slots[met_end:end], self._scored["support"][met_end:end], groups, strict=True
            )
        ]
        return own_orders(met, regions, self._cutter.tree.parents, page, self._weighing)

    def _orders(self, tiers: Ints, own: Sequence[OwnOrder], fill_tiers: Ints) -> Orders:
        """The whole shop's order, and those of regions: what orders say is theirs, the rest the whole shop's."""
        by_orders = _by_orders(tiers)
        fills = -1 - np.arange(len(fill_tiers))
        behind_tiers = np.concatenate([tiers[by_orders:], fill_tiers])
        behind = np.concatenate([np.arange(by_orders, len(tiers)), fills])
        # Views stand in tiers that fills have none of, so a stable sort by tier keeps the order within each.
        behind = behind[np.argsort(behind_tiers, kind="stable")]
        ends = len(tiers) + bounds([len(order.rows) for order in own])
        theirs = [np.arange(start, end) for start, end in pairwise(ends)]
        orders = [part for first in [np.arange(by_orders), *theirs] for part in (first, behind)]
        sizes = [len(first) + len(behind) for first in [tiers[:by_orders], *theirs]]
        slots = np.array([order.slot for order in own], np.int32)
        return Orders(np.concatenate(orders).astype(np.int32), bounds(sizes), slots)

    def _filled(self) -> dict[int, tuple[int, Filled]]:
        """The anchors by the rows of their pages."""
        at = np.flatnonzero(self.kinds == PAGE)
        told = self._table.select(_OF_PAGE).take(pa.array(at)).to_pylist()
        return {
            int(row): (page.pop("anchor"), Filled(**(page | {"keys": tuple(key or "" for key in page["keys"])})))
            for row, page in zip(at, told, strict=True)
        }


def _by_orders(tiers: Ints) -> int:
    """How many of what an anchor met orders brought."""
    return int(np.searchsorted(tiers, 0, side="right"))


def _groups(groups: pa.StructArray, unit: str) -> tuple[Ints, Ints]:
    """Candidates that a region counted, and how often each."""
    alike = groups.field("candidates")
    sizes = alike.value_lengths().to_numpy()
    return alike.flatten().to_numpy(), np.repeat(groups.field(f"pair_{unit}").to_numpy(), sizes)


def _by_own_order(places: Ints, chosen: Ints, met_rows: Ints, first: int, own: Sequence[OwnOrder]) -> tuple[Ints, Ints]:
    """Slot, rank, row, score_key, evidence_slot and support of what regions' orders brought; and confidence."""
    nth = chosen - (len(met_rows) - sum(len(order.rows) for order in own))
    sizes = [len(order.rows) for order in own]
    of = {
        name: np.concatenate([getattr(order, name) for order in own])[nth] for name in ("keys", "support", "confidence")
    }
    slots = np.repeat([order.slot for order in own], sizes)[nth]
    anchors = np.repeat([order.anchor_support for order in own], sizes)[nth]
    return np.vstack([places, met_rows[chosen] + first, of["keys"], slots, of["support"], anchors]), of["confidence"]


_OF_SCORE = (
    "confidence",
    "anchor_support",
    "candidate_support",
    "category_lift",
    "exposure_factor",
    "support",
    "candidate_id_order",
)
_OF_PAGE = ("anchor", "group", "own", "brand", "brand_mode", "draw", "is_sold", "keys")
_NONE: Ints = np.zeros(0, np.int32)


def _int32(values: Ints) -> pa.Array:
    return pa.array(values.astype(np.int32))
