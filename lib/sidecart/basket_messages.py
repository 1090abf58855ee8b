"""Baskets on their way to the shards that count them: each goes once to every shard that owns one of its variants.

A part is all baskets of some buyers, so within it a buyer is a number, and no key travels. A message is what a part
sends to a shard: baskets buyer by buyer, each as the steps from one of its variants to the next, the bytes of all
integers in planes, compressed. docs/decisions/0009 has what that saves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sidecart.compiled import Ints, bounds, compiled, integers, list_bounds

MESSAGE = pa.schema(
    [
        *((name, pa.int32()) for name in ("shard", "baskets", "items", "places", "levels")),
        *((name, pa.binary()) for name in ("sizes", "steps", "place_of", "nodes", "is_next_buyer")),
    ]
)
"""Baskets of a part for a shard: how many, of how many items, at how many places of so many levels. Then, packed: the
size of each basket; its first variant and the steps to the next ones; its place; the nodes of each place, root first,
one higher, 0 where there is none; and 1 where a basket is another buyer's than the one before."""


_SEED, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
"""Of the FNV-1a hash (Fowler, Noll and Vo)."""


@dataclass(frozen=True)
class Baskets:
    """Baskets as flat arrays, buyer by buyer: basket b holds items[starts[b]:starts[b + 1]], ascending, is of
    buyers[b], at paths[places[b]].
    """

    starts: Ints
    items: Ints
    buyers: Ints
    places: Ints
    paths: Ints
    """One row per place: its nodes from the root down, then -1."""

    @staticmethod
    def of_part(part: pa.Table) -> Baskets:
        """From columns buyer, nodes (root first, the last one names the place) and variants (ascending)."""
        lists = part.column("variants").combine_chunks()
        starts, items = list_bounds(lists), integers(lists.flatten())
        buyers = _ranks(part.column("buyer").combine_chunks())
        paths, places = _paths(part.column("nodes").combine_chunks())
        # A shuffle brings rows in any order; a task that is run again must send what it sent before.
        order = np.lexsort((_fingerprints(starts, items, places), buyers))
        sizes, items = _in_order(starts, items, order)
        return Baskets(bounds(sizes), items, buyers[order], places[order], paths)

    @staticmethod
    def of_messages(messages: Sequence[Mapping[str, Any]]) -> Baskets:
        """The baskets of messages to one shard, each part's buyers apart from every other's."""
        counts = {name: bounds([message[name] for message in messages]) for name in ("baskets", "items", "places")}
        starts = np.zeros(counts["baskets"][-1] + 1, np.int64)
        buyers, places = (np.empty(counts["baskets"][-1], np.int32) for _ in range(2))
        items = np.empty(counts["items"][-1], np.int32)
        paths = np.full((counts["places"][-1], max(message["levels"] for message in messages)), -1, np.int32)
        last_buyer = 0
        for number, message in enumerate(messages):
            baskets, held, known = (slice(*counts[name][number : number + 2]) for name in counts)
            sizes = _unpacked(message["sizes"], message["baskets"])
            np.cumsum(sizes, out=starts[baskets.start + 1 : baskets.stop + 1])
            starts[baskets.start + 1 : baskets.stop + 1] += held.start
            _follow(sizes, _unpacked(message["steps"], message["items"]), items[held])
            np.cumsum(_unpacked(message["is_next_buyer"], message["baskets"]), out=buyers[baskets])
            buyers[baskets] += last_buyer
            last_buyer = buyers[baskets.stop - 1] + 1
            places[baskets] = _unpacked(message["place_of"], message["baskets"]) + known.start
            nodes = _unpacked(message["nodes"], message["places"] * message["levels"])
            paths[known, : message["levels"]] = nodes.reshape(-1, message["levels"]) - 1
        return Baskets(starts, items, buyers, places, paths)

    def message(self, shard: int, chosen: Ints) -> dict[str, object]:
        """A row of MESSAGE: the chosen baskets, ascending, for a shard."""
        sizes, items = _in_order(self.starts, self.items, chosen)
        _step(sizes, items)
        buyers = self.buyers[chosen]
        places, place_of = np.unique(self.places[chosen], return_inverse=True)
        return {
            "shard": shard,
            "baskets": len(sizes),
            "items": len(items),
            "places": len(places),
            "levels": self.paths.shape[1],
            "sizes": _packed(sizes),
            "steps": _packed(items),
            "place_of": _packed(place_of),
            "nodes": _packed(self.paths[places].ravel() + 1),
            "is_next_buyer": _packed(np.diff(buyers, prepend=buyers[0]) != 0),
        }


def messages(part: Iterable[pa.RecordBatch], shards: int) -> Iterator[pa.RecordBatch]:
    """Rows of MESSAGE, one per batch: every basket of a part to each shard that owns one of its variants (variant
    modulo shards).
    """
    held = [batch for batch in part if batch.num_rows]
    if not held:
        return
    baskets = Baskets.of_part(pa.Table.from_batches(held))
    del held
    ends, copies = _copies(baskets.starts, baskets.items, shards)
    for shard in range(shards):
        chosen = copies[ends[shard] : ends[shard + 1]]
        if len(chosen):
            yield pa.RecordBatch.from_pylist([baskets.message(shard, chosen)], schema=MESSAGE)


@compiled
def _copies(starts: Ints, items: Ints, shards: int) -> tuple[Ints, Ints]:
    """Which baskets each shard needs: those of shard s are copies[ends[s]:ends[s + 1]]."""
    ends = np.zeros(shards + 1, np.int64)
    for round_ in range(2):
        last = np.full(shards, -1, np.int64)
        if round_ == 1:
            for shard in range(shards):
                ends[shard + 1] += ends[shard]
            copies = np.empty(ends[shards], np.int32)
            place = ends[:-1].copy()
        for basket in range(len(starts) - 1):
            for item in range(starts[basket], starts[basket + 1]):
                shard = items[item] % shards
                if last[shard] == basket:
                    continue
                last[shard] = basket
                if round_ == 0:
                    ends[shard + 1] += 1
                else:
                    copies[place[shard]] = basket
                    place[shard] += 1
    return ends, copies


@compiled
def _in_order(starts: Ints, items: Ints, chosen: Ints) -> tuple[Ints, Ints]:
    """Sizes and items of the chosen baskets, one after the other."""
    sizes = np.empty(len(chosen), np.int32)
    total = 0
    for place in range(len(chosen)):
        sizes[place] = starts[chosen[place] + 1] - starts[chosen[place]]
        total += sizes[place]
    found = np.empty(total, np.int32)
    filled = 0
    for basket in chosen:
        for item in range(starts[basket], starts[basket + 1]):
            found[filled] = items[item]
            filled += 1
    return sizes, found


@compiled
def _fingerprints(starts: Ints, items: Ints, places: Ints) -> Ints:
    """A number of what each basket holds and where it was bought."""
    found = np.empty(len(places), np.uint64)
    for basket in range(len(places)):
        mixed = (np.uint64(places[basket]) ^ _SEED) * _PRIME
        for item in range(starts[basket], starts[basket + 1]):
            mixed = (mixed ^ np.uint64(items[item])) * _PRIME
        found[basket] = mixed
    return found


@compiled
def _step(sizes: Ints, items: Ints) -> None:
    """Each item but a basket's first becomes its distance from the one before it."""
    end = len(items)
    for basket in range(len(sizes) - 1, -1, -1):
        start = end - sizes[basket]
        for item in range(end - 1, start, -1):
            items[item] -= items[item - 1]
        end = start


@compiled
def _follow(sizes: Ints, steps: Ints, items: Ints) -> None:
    """The items that the steps lead to."""
    item = 0
    for size in sizes:
        reached = np.int32(0)
        for _ in range(size):
            reached += steps[item]
            items[item] = reached
            item += 1


def _ranks(keys: pa.Array) -> Ints:
    """The place of each key among the distinct ones, ascending."""
    known = pc.dictionary_encode(keys)
    rank = np.empty(len(known.dictionary), np.int32)
    rank[pc.sort_indices(known.dictionary).to_numpy()] = np.arange(len(rank))
    return rank[integers(known.indices)]


def _paths(nodes: pa.ListArray) -> tuple[Ints, Ints]:
    """The distinct places as rows of nodes from the root down, then -1; and each basket's row."""
    starts, flat = list_bounds(nodes), integers(nodes.flatten())
    last, first_with, places = np.unique(flat[starts[1:] - 1], return_index=True, return_inverse=True)
    depths = np.diff(starts)[first_with]
    paths = np.full((len(last), int(depths.max(initial=1))), -1, dtype=np.int32)
    for row, (start, depth) in enumerate(zip(starts[first_with], depths, strict=True)):
        paths[row, :depth] = flat[start : start + depth]
    return paths, places.astype(np.int32)


def _packed(values: Ints) -> bytes:
    """Integers of 0 and more: how many of their bytes are told, then all lowest bytes, then the next, compressed."""
    width = (int(values.max(initial=0)).bit_length() + 7) // 8
    planes = values.astype("<i4").view(np.uint8).reshape(-1, 4).T[:width]
    packed: bytes = pa.compress(np.ascontiguousarray(planes), codec="zstd", asbytes=True)
    return bytes([width]) + packed


def _unpacked(packed: bytes, count: int) -> Ints:
    width = packed[0]
    planes = np.zeros((4, count), dtype=np.uint8)
    if width:
        raw = pa.decompress(packed[1:], decompressed_size=width * count, codec="zstd")
        planes[:width] = np.frombuffer(raw, dtype=np.uint8).reshape(width, count)
    return np.ascontiguousarray(planes.T).view("<i4").ravel()
