"""The counting kernel: pairs of one shard of baskets, in numpy over Arrow, bounded by the events of one anchor.

A pair event is (anchor, candidate) met in one basket, directed. An anchor's event with itself counts the anchor.
Packed into one 64-bit integer and sorted, equal (node, anchor, candidate) stand together, and within them equal
buyers: run lengths are the two supports.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]

CHUNK_EVENTS = 2_000_000
"""Events packed and sorted at a time; an anchor with more is a chunk of its own."""

_LIST = pa.list_(pa.int32())
ANCHOR_ROWS = pa.schema(
    [
        ("node", pa.int32()),
        ("anchor", pa.int32()),
        ("anchor_buyers", pa.int32()),
        ("anchor_baskets", pa.int32()),
        ("candidates", _LIST),
        ("pair_buyers", _LIST),
        ("pair_baskets", _LIST),
    ]
)


@dataclass(frozen=True)
class Shard:
    """Baskets as flat arrays: basket b holds items[starts[b]:starts[b + 1]], by buyer buyers[b], at nodes[:, b]."""

    starts: Ints
    items: Ints
    variants: Ints
    buyers: Ints
    nodes: Ints

    @staticmethod
    def from_table(table: pa.Table) -> Shard:
        """From columns buyer_key, nodes (root first) and variants; items and buyers become dense codes."""
        lists = table.column("variants").combine_chunks()
        values = lists.flatten().to_numpy(zero_copy_only=False)
        variants, items = np.unique(values, return_inverse=True)
        buyers = pc.dictionary_encode(table.column("buyer_key").combine_chunks())
        return Shard(
            starts=_starts(lists),
            items=items.astype(np.int64),
            variants=variants.astype(np.int64),
            buyers=buyers.indices.to_numpy(zero_copy_only=False).astype(np.int64),
            nodes=_levels(table.column("nodes").combine_chunks()),
        )


def anchor_rows(shard: Shard, owned: Callable[[Ints], npt.NDArray[np.bool_]]) -> Iterator[pa.RecordBatch]:
    """Rows of ANCHOR_ROWS for the variants that `owned` says are this shard's, at every node with a basket."""
    is_owned = owned(shard.variants)
    places = np.flatnonzero(is_owned[shard.items])
    places = places[np.argsort(shard.items[places], kind="stable")]
    basket = np.searchsorted(shard.starts, places, side="right") - 1
    sizes = np.diff(shard.starts)[basket]
    for first, last in _chunks(shard.items[places], sizes):
        yield from _chunk_rows(shard, shard.items[places[first:last]], basket[first:last], sizes[first:last])


def _chunks(anchors: Ints, sizes: Ints) -> Iterator[tuple[int, int]]:
    """Ranges of places that hold whole anchors and at most CHUNK_EVENTS events, where an anchor allows it."""
    if not len(anchors):
        return
    bounds = np.append(np.flatnonzero(np.diff(anchors, prepend=anchors[0] - 1)), len(anchors))
    events = np.append(0, np.cumsum(sizes))[bounds]
    first = 0
    while first < len(bounds) - 1:
        last = int(np.searchsorted(events, events[first] + CHUNK_EVENTS, side="right")) - 1
        last = max(last, first + 1)
        yield int(bounds[first]), int(bounds[last])
        first = last


def _chunk_rows(shard: Shard, anchors: Ints, basket: Ints, sizes: Ints) -> Iterator[pa.RecordBatch]:
    event = np.repeat(np.arange(len(basket)), sizes)
    offset = np.arange(len(event)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    candidate = shard.items[shard.starts[basket][event] + offset]
    anchor = anchors[event]
    buyer = _dense(shard.buyers[basket])[event]
    for level in shard.nodes:
        node = level[basket][event]
        here = node >= 0
        if here.all():
            yield _level_rows(shard, node, anchor, candidate, buyer)
        elif here.any():
            yield _level_rows(shard, node[here], anchor[here], candidate[here], buyer[here])


def _level_rows(shard: Shard, node: Ints, anchor: Ints, candidate: Ints, buyer: Ints) -> pa.RecordBatch:
    """Count the events of one level of the tree, every node of it for itself."""
    first_node, first_anchor = int(node.min()), int(anchor.min())
    widest = (node.max() - first_node, anchor.max() - first_anchor, len(shard.variants), buyer.max())
    bits = [_bits(value) for value in widest]
    pair = ((node - first_node) << (bits[1] + bits[2])) | ((anchor - first_anchor) << bits[2]) | candidate
    pairs, buyers, baskets = _run_lengths(pair, buyer, sum(bits[:3]), bits[3])
    candidates = pairs & ((1 << bits[2]) - 1)
    row = pairs >> bits[2]
    anchors = (row & ((1 << bits[1]) - 1)) + first_anchor
    nodes = (row >> bits[1]) + first_node
    return _as_rows(shard.variants, nodes, anchors, candidates, buyers, baskets)


def _run_lengths(pair: Ints, buyer: Ints, pair_bits: int, buyer_bits: int) -> tuple[Ints, Ints, Ints]:
    """Distinct pairs ascending, with their distinct buyers and their events."""
    if pair_bits + buyer_bits > 63:
        distinct, pair = np.unique(pair, return_inverse=True)
        places, buyers, baskets = _run_lengths(pair.astype(np.int64), buyer, _bits(len(distinct)), buyer_bits)
        return distinct[places], buyers, baskets
    packed = (pair << buyer_bits) | buyer
    packed.sort()
    is_new_buyer = np.append(True, packed[1:] != packed[:-1])
    packed >>= buyer_bits
    bounds = np.flatnonzero(np.append(True, packed[1:] != packed[:-1]))
    buyers = np.add.reduceat(is_new_buyer, bounds, dtype=np.int64)
    return packed[bounds], buyers, np.diff(np.append(bounds, len(packed)))


def _as_rows(
    variants: Ints, nodes: Ints, anchors: Ints, candidates: Ints, buyers: Ints, baskets: Ints
) -> pa.RecordBatch:
    """One row per (node, anchor): the pair with itself gives the anchor's counts, the rest its arrays."""
    is_self = candidates == anchors
    others = ~is_self
    sizes = np.diff(np.append(np.flatnonzero(np.append(True, _changes(nodes, anchors))), len(nodes))) - 1
    offsets = pa.array(np.append(0, np.cumsum(sizes)).astype(np.int32))

    def lists(values: Ints) -> pa.ListArray:
        return pa.ListArray.from_arrays(offsets, pa.array(values[others].astype(np.int32)))

    columns = [nodes[is_self], variants[anchors[is_self]], buyers[is_self], baskets[is_self]]
    singles = [pa.array(column.astype(np.int32)) for column in columns]
    return pa.RecordBatch.from_arrays(
        [*singles, lists(variants[candidates]), lists(buyers), lists(baskets)], schema=ANCHOR_ROWS
    )


def _changes(nodes: Ints, anchors: Ints) -> npt.NDArray[np.bool_]:
    changes: npt.NDArray[np.bool_] = (nodes[1:] != nodes[:-1]) | (anchors[1:] != anchors[:-1])
    return changes


def _bits(largest: int) -> int:
    return max(1, int(largest).bit_length())


def _dense(codes: Ints) -> Ints:
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)


def _starts(lists: pa.ListArray) -> Ints:
    lengths = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
    return np.append(0, np.cumsum(lengths)).astype(np.int64)


def _levels(lists: pa.ListArray) -> Ints:
    """nodes[level, basket], -1 below where the basket's own region ends."""
    starts = _starts(lists)
    depth = np.diff(starts)
    levels = np.full((int(depth.max(initial=1)), len(depth)), -1, dtype=np.int64)
    basket = np.repeat(np.arange(len(depth)), depth)
    levels[np.arange(len(basket)) - starts[basket], basket] = lists.flatten().to_numpy(zero_copy_only=False)
    return levels
