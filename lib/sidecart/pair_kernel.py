"""The counting kernel: the pairs of a shard's anchors, in compiled loops over Arrow's flat arrays.

A pair event is (anchor, candidate) met in one basket, directed. An anchor's event with itself counts the anchor.
For each anchor its baskets are walked node by node and, within a node, buyer by buyer: a dense array over the shard's
variants holds baskets, buyers and the buyer seen last. No event is ever stored, so memory is the shard's baskets,
however often an anchor or a buyer stands in them; docs/decisions/0009 has the measurements.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sidecart.basket_messages import Baskets, Ints, messages
from sidecart.compiled import compiled

ROWS_PER_BATCH = 1_000_000
"""Most (anchor, candidate) rows held at a time; an anchor with more is a batch of its own."""

_LIST = pa.list_(pa.int32())
_GROUP = pa.struct([("pair_buyers", pa.int32()), ("pair_baskets", pa.int32()), ("candidates", _LIST)])
_ONE, _NONE = np.uint64(1), np.uint64(0)
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
"""Times a power of two it has other highest six bits for each, so they say which power it is."""
_PLACES = np.zeros(64, dtype=np.int64)
for _power in range(64):
    _PLACES[((int(_DE_BRUIJN) << _power) % 2**64) >> 58] = _power
ANCHOR_ROWS = pa.schema(
    [
        ("node", pa.int32()),
        ("anchor", pa.int32()),
        ("anchor_buyers", pa.int32()),
        ("anchor_baskets", pa.int32()),
        ("met", pa.list_(_GROUP)),
    ]
)


def anchor_rows(baskets: Baskets, shard: int, shards: int) -> Iterator[pa.RecordBatch]:
    """Rows of ANCHOR_ROWS for the variants that are this shard's, at every node with a basket.

    The baskets are spent: their items are coded anew in place.
    """
    variants = _code(baskets.items)
    is_owned = variants % shards == shard
    anchors = np.flatnonzero(is_owned).astype(np.int32)
    if not len(anchors):
        return
    place_of = np.where(is_owned, np.cumsum(is_owned) - 1, -1).astype(np.int32)
    work = _Work(baskets.starts, baskets.items, place_of, anchors, variants)
    for nodes in baskets.paths.T:
        node = nodes[baskets.places]
        here = np.flatnonzero(node >= 0).astype(np.int32)
        # They come buyer by buyer, and so they stay within a node.
        order = here[np.argsort(node[here], kind="stable")] if len(np.unique(nodes)) > 1 else here
        yield from work.rows_of_level(order, node, baskets.buyers)


def warm() -> None:
    """Compile the loops: once per process, a second or two."""
    told = pa.table(
        {"buyer": pa.array([bytes(16)]), "nodes": pa.array([[0]], _LIST), "variants": pa.array([[0, 1]], _LIST)}
    )
    for message in messages(told.to_batches(), 1):
        for _ in anchor_rows(Baskets.of_messages(message.to_pylist()), 0, 1):
            pass


@dataclass(frozen=True)
class _Work:
    """A shard's baskets in dense codes of its variants."""

    starts: Ints
    items: Ints
    place_of: Ints
    """Per variant its place among the anchors, -1 where another shard owns it."""
    anchors: Ints
    variants: Ints

    def rows_of_level(self, order: Ints, node: Ints, buyers: Ints) -> Iterator[pa.RecordBatch]:
        """Count one level of the tree, every node of it for itself; `order`: its baskets by node, then buyer."""
        bounds, met = _by_anchor(self.starts, self.items, self.place_of, order, len(self.anchors))
        events = _events(self.starts, bounds, met)
        nodes = len(np.unique(node[order]))
        rooms = np.append(0, np.cumsum(np.minimum(np.diff(events), len(self.variants) * nodes)))
        most_rows = np.append(0, np.cumsum(np.minimum(np.diff(bounds), nodes)))
        held = np.zeros((len(self.variants), 4), dtype=np.int32)  # the fourth keeps a variant's on one line of cache
        marks = np.zeros((2, len(self.variants) // 64 + 1), dtype=np.uint64)
        first = 0
        while first < len(self.anchors):
            last = max(first + 1, int(np.searchsorted(rooms, rooms[first] + ROWS_PER_BATCH, side="right")) - 1)
            room = int(rooms[last] - rooms[first])
            candidates, groups = np.empty(room, dtype=np.int32), np.empty((3, room), dtype=np.int32)
            rows = np.empty((5, int(most_rows[last] - most_rows[first])), dtype=np.int64)
            among = (bounds[first : last + 1], met, self.anchors[first:last], node, buyers)
            count = _count(self.starts, self.items, *among, held, marks, candidates, groups, rows)
            yield self._as_rows(rows[:, :count], groups, candidates)
            first = last

    def _as_rows(self, rows: Ints, groups: Ints, candidates: Ints) -> pa.RecordBatch:
        node, anchor, buyers, baskets, ends = rows
        buyers_of, baskets_of, last = groups[:, : int(ends[-1]) if len(ends) else 0]
        found = self.variants[candidates[: int(last[-1]) if len(last) else 0]]
        in_groups = pa.ListArray.from_arrays(_offsets(last), pa.array(found))
        counts = [pa.array(buyers_of), pa.array(baskets_of)]
        grouped = pa.StructArray.from_arrays([*counts, in_groups], fields=list(_GROUP))
        singles = [node, self.variants[anchor], buyers, baskets]
        return pa.RecordBatch.from_arrays(
            [
                *(pa.array(column.astype(np.int32)) for column in singles),
                pa.ListArray.from_arrays(_offsets(ends), grouped),
            ],
            schema=ANCHOR_ROWS,
        )


def _offsets(ends: Ints) -> pa.Array:
    return pa.array(np.append(0, ends).astype(np.int32))


@compiled
def _by_anchor(starts: Ints, items: Ints, place_of: Ints, order: Ints, anchors: int) -> tuple[Ints, Ints]:
    """The baskets of each anchor in the order given: those of anchor a are met[bounds[a]:bounds[a + 1]]."""
    bounds = np.zeros(anchors + 1, np.int64)
    for basket in order:
        for item in range(starts[basket], starts[basket + 1]):
            anchor = place_of[items[item]]
            if anchor >= 0:
                bounds[anchor + 1] += 1
    for anchor in range(anchors):
        bounds[anchor + 1] += bounds[anchor]
    met = np.empty(bounds[anchors], np.int32)
    place = bounds[:-1].copy()
    for basket in order:
        for item in range(starts[basket], starts[basket + 1]):
            anchor = place_of[items[item]]
            if anchor >= 0:
                met[place[anchor]] = basket
                place[anchor] += 1
    return bounds, met


@compiled
def _events(starts: Ints, bounds: Ints, met: Ints) -> Ints:
    """Events up to each bound."""
    events = np.zeros(len(bounds), np.int64)
    for anchor in range(len(bounds) - 1):
        total = 0
        for place in range(bounds[anchor], bounds[anchor + 1]):
            total += starts[met[place] + 1] - starts[met[place]]
        events[anchor + 1] = events[anchor] + total
    return events


@compiled
def _count(  # noqa: PLR0917
    starts: Ints,
    items: Ints,
    bounds: Ints,
    met: Ints,
    anchors: Ints,
    node: Ints,
    buyers: Ints,
    held: Ints,
    marks: Ints,
    candidates: Ints,
    groups: Ints,
    rows: Ints,
) -> int:
    """Fill `candidates`, `groups` of them (buyers, baskets, where it ends) and `rows` (node, anchor, its buyers, its
    baskets, where its groups end); how many rows.

    `held`: per variant baskets, 0 before and after, buyers and the last buyer; `marks`: a bit per variant that was met,
    and one per 64 of them, none before and after.
    """
    row, filled, grouped = 0, 0, 0
    of_anchor = np.empty((3, len(held)), np.int32)
    for anchor in range(len(anchors)):
        place, end = bounds[anchor], bounds[anchor + 1]
        while place < end:
            here = node[met[place]]
            while place < end and node[met[place]] == here:
                basket = met[place]
                _add(starts, items, basket, buyers[basket], held, marks)
                place += 1
            own = anchors[anchor]
            rows[0, row], rows[1, row] = here, own
            rows[2, row], rows[3, row] = held[own, 1], held[own, 0]
            count = _emit(own, held, marks, of_anchor)
            grouped = _group(of_anchor, count, filled, candidates, grouped, groups)
            filled += count
            rows[4, row] = grouped
            row += 1
    return row


@compiled
def _add(starts: Ints, items: Ints, basket: int, buyer: int, held: Ints, marks: Ints) -> None:
    """Count a basket."""
    for item in range(starts[basket], starts[basket + 1]):
        candidate = items[item]
        if held[candidate, 0] == 0:
            marks[0, candidate >> 6] |= _ONE << np.uint64(candidate & 63)
            marks[1, candidate >> 12] |= _ONE << np.uint64((candidate >> 6) & 63)
            held[candidate, 1] = 1
        elif held[candidate, 2] != buyer:
            held[candidate, 1] += 1
        held[candidate, 2] = buyer
        held[candidate, 0] += 1


@compiled
def _emit(own: int, held: Ints, marks: Ints, room: Ints) -> int:
    """Put what was met into `room` (candidates ascending, buyers, baskets), without the anchor itself, and forget it;
    how many.
    """
    filled = 0
    # An anchor of few candidates among millions of variants would otherwise look through all their words.
    for page in range(len(marks[0]) // 64 + 1):
        words = marks[1, page]
        while words != _NONE:
            place = (page << 6) + _lowest(words)
            words &= words - _ONE
            word = marks[0, place]
            marks[0, place] = _NONE
            while word != _NONE:
                candidate = (place << 6) + _lowest(word)
                word &= word - _ONE
                if candidate != own:
                    room[0, filled] = candidate
                    room[1, filled] = held[candidate, 1]
                    room[2, filled] = held[candidate, 0]
                    filled += 1
                held[candidate, 0] = 0
        marks[1, page] = _NONE
    return filled


@compiled
def _lowest(word: int) -> int:
    """The place of a word's lowest bit."""
    place: int = _PLACES[((word & (~word + _ONE)) * _DE_BRUIJN) >> np.uint64(58)]
    return place


@compiled
def _group(met: Ints, count: int, filled: int, candidates: Ints, grouped: int, groups: Ints) -> int:
    """Put `count` candidates behind the first `filled`: those of equal counts together and ascending, most buyers
    first, then most baskets. How many groups there are then.
    """
    often = 0
    for place in range(count):
        often += met[2, place] > 1
    counts, places = np.empty(often, np.int64), np.empty(often, np.int32)
    # The pairs of a single basket, most of all, go behind the others and need no sorting.
    single, end = filled + often, 0
    for place in range(count):
        if met[2, place] > 1:
            counts[end] = -((np.int64(met[1, place]) << 32) | met[2, place])
            places[end] = place
            end += 1
        else:
            candidates[single] = met[0, place]
            single += 1
    last = np.int64(0)
    for nth in np.argsort(counts, kind="mergesort"):
        place = places[nth]
        if counts[nth] != last:
            last = counts[nth]
            groups[0, grouped], groups[1, grouped] = met[1, place], met[2, place]
            grouped += 1
        candidates[filled] = met[0, place]
        filled += 1
        groups[2, grouped - 1] = filled
    if often < count:
        groups[0, grouped], groups[1, grouped], groups[2, grouped] = 1, 1, single
        grouped += 1
    return grouped


def _code(items: Ints) -> Ints:
    """Code items, in place, as the places of their variants; the distinct variants, ascending."""
    largest = int(items.max(initial=0))
    if largest > 4 * len(items) + 1_000_000:
        variants, places = np.unique(items, return_inverse=True)
        items[:] = places
        return variants
    is_there = np.zeros(largest + 1, dtype=np.bool_)
    is_there[items] = True
    place_of = (np.cumsum(is_there) - 1).astype(np.int32)
    np.take(place_of, items, out=items, mode="clip")
    return np.flatnonzero(is_there).astype(np.int32)
