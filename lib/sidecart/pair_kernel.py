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

from sidecart.basket_messages import Baskets, messages
from sidecart.compiled import Ints, compiled
from sidecart.met_groups import LIST, MET, emptied, grouped, mark, met_array, no_marks

ROWS_PER_BATCH = 1_000_000
"""Most (anchor, candidate) rows held at a time; an anchor with more is a batch of its own."""

ANCHOR_ROWS = pa.schema(
    [
        ("node", pa.int32()),
        ("anchor", pa.int32()),
        ("anchor_buyers", pa.int32()),
        ("anchor_baskets", pa.int32()),
        ("met", MET),
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
        {"buyer": pa.array([bytes(16)]), "nodes": pa.array([[0]], LIST), "variants": pa.array([[0, 1]], LIST)}
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
        marks = no_marks(len(self.variants))
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
        filled = int(groups[2, ends[-1] - 1]) if len(ends) and ends[-1] else 0
        singles = [node, self.variants[anchor], buyers, baskets]
        met = met_array(ends, groups, self.variants[candidates[:filled]])
        return pa.RecordBatch.from_arrays(
            [*(pa.array(column.astype(np.int32)) for column in singles), met], schema=ANCHOR_ROWS
        )


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

    `held`: per variant baskets and buyers, 0 before and after, and the last buyer; `marks`: none before and after.
    """
    row, filled, ends = 0, 0, 0
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
            count = emptied(own, held, marks, of_anchor)
            ends = grouped(of_anchor, count, filled, candidates, ends, groups)
            filled += count
            rows[4, row] = ends
            row += 1
    return row


@compiled
def _add(starts: Ints, items: Ints, basket: int, buyer: int, held: Ints, marks: Ints) -> None:
    """Count a basket."""
    for item in range(starts[basket], starts[basket + 1]):
        candidate = items[item]
        if held[candidate, 0] == 0:
            mark(marks, candidate)
            held[candidate, 1] = 1
        elif held[candidate, 2] != buyer:
            held[candidate, 1] += 1
        held[candidate, 2] = buyer
        held[candidate, 0] += 1


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
