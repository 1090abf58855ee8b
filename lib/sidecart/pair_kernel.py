"""The counting kernel: the pairs of a shard's anchors, in compiled loops over Arrow's flat arrays.

A pair event is (anchor, candidate) met in one basket, directed. An anchor's event with itself counts the anchor.
For each anchor its baskets are walked node by node and, within a node, buyer by buyer: three dense arrays over the
shard's variants hold baskets, buyers and the buyer seen last. No event is ever stored, so memory does not depend on
how often an anchor or a buyer comes; docs/decisions/0009 has the measurements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_Loop = TypeVar("_Loop", bound=Callable[..., Any])
Ints = npt.NDArray[Any]
"""Integers: 32 bits wide where there is one per item, else 64."""

BASKETS_PER_MESSAGE = 50_000
"""Baskets packed at a time."""

ROWS_PER_BATCH = 2_000_000
"""Most (anchor, candidate) rows held at a time; an anchor with more is a batch of its own."""

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

MESSAGE = pa.schema(
    [
        ("shard", pa.int32()),
        ("levels", pa.int32()),
        *((name, pa.binary()) for name in ("sizes", "items", "places", "paths", "buyers", "keys")),
    ]
)
"""Baskets of a shard: size, items, place and buyer of each; `paths` has the nodes of each place, root first, padded
to `levels` with -1; `keys` has the 16 bytes of each buyer. Integers of 32 bits, their bytes in four planes, which
compress better."""

_KEY = pa.binary(16)


def _compiled(loop: _Loop) -> _Loop:
    """The loop, compiled at its first call and kept on disk where Python's own compiled files may be."""
    try:
        return cast("_Loop", numba.njit(cache=True)(loop))
    except RuntimeError:  # nowhere to keep it: every process compiles for itself
        return cast("_Loop", numba.njit(loop))


@dataclass(frozen=True)
class Baskets:
    """Baskets as flat arrays: basket b holds items[starts[b]:starts[b + 1]], is of buyers[b], at paths[places[b]]."""

    starts: Ints
    items: Ints
    buyers: Ints
    keys: pa.FixedSizeBinaryArray
    places: Ints
    paths: Ints
    """One row per place: its nodes from the root down, then -1."""

    @staticmethod
    def from_batch(batch: pa.RecordBatch | pa.Table) -> Baskets:
        """From columns buyer (16 bytes), nodes (root first, the last one names the place) and variants (ascending)."""
        variants, nodes = _whole(batch.column("variants")), _whole(batch.column("nodes"))
        known = pc.dictionary_encode(_whole(batch.column("buyer")).cast(_KEY))
        paths, places = _paths(nodes)
        return Baskets(
            starts=_starts(variants),
            items=_integers(variants.flatten()),
            buyers=_integers(known.indices),
            keys=known.dictionary,
            places=places,
            paths=paths,
        )

    @staticmethod
    def from_messages(messages: pa.Table) -> Baskets:
        """The baskets of all messages to one shard."""
        rows = messages.to_pylist()
        keys, paths = [_keys(row["keys"]) for row in rows], [_path_rows(row) for row in rows]
        known = pc.dictionary_encode(pa.chunked_array(keys, _KEY).combine_chunks())
        code = known.indices.to_numpy(zero_copy_only=False)
        sizes = np.concatenate([_unpacked(row["sizes"]) for row in rows])
        return Baskets(
            starts=np.append(0, np.cumsum(sizes, dtype=np.int64)),
            items=np.concatenate([_unpacked(row["items"]) for row in rows]),
            buyers=code[_shifted([_unpacked(row["buyers"]) for row in rows], map(len, keys))].astype(np.int32),
            keys=known.dictionary,
            places=_shifted([_unpacked(row["places"]) for row in rows], map(len, paths)),
            paths=_stacked(paths),
        )

    def message(self, shard: int, chosen: Ints) -> dict[str, object]:
        """A row of MESSAGE: the chosen baskets, for a shard."""
        sizes, items = _ragged(self.starts, self.items, chosen)
        buyers, codes = np.unique(self.buyers[chosen], return_inverse=True)
        places, of_basket = np.unique(self.places[chosen], return_inverse=True)
        return {
            "shard": shard,
            "levels": self.paths.shape[1],
            "sizes": _packed(sizes),
            "items": _packed(items),
            "places": _packed(of_basket),
            "paths": _packed(self.paths[places].ravel()),
            "buyers": _packed(codes),
            "keys": b"".join(self.keys.take(pa.array(buyers)).to_pylist()),
        }


def messages(batches: Iterable[pa.RecordBatch], shards: int) -> Iterator[pa.RecordBatch]:
    """Rows of MESSAGE: every basket once to each shard that owns one of its variants (variant modulo shards)."""
    for held in _gathered(batches):
        baskets = Baskets.from_batch(held)
        ends, copies = _copies(baskets.starts, baskets.items, shards)
        rows = [baskets.message(shard, copies[ends[shard] : ends[shard + 1]]) for shard in range(shards)]
        yield pa.RecordBatch.from_pylist([row for row in rows if row["sizes"]], schema=MESSAGE)


def anchor_rows(baskets: Baskets, shard: int, shards: int) -> Iterator[pa.RecordBatch]:
    """Rows of ANCHOR_ROWS for the variants that are this shard's, at every node with a basket."""
    variants, items = _dense(baskets.items)
    is_owned = variants % shards == shard
    place_of = np.where(is_owned, np.cumsum(is_owned) - 1, -1).astype(np.int32)
    anchors = np.flatnonzero(is_owned).astype(np.int32)
    if not len(anchors):
        return
    work = _Work(baskets.starts, items, place_of, anchors, variants)
    for nodes in baskets.paths.T:
        node = nodes[baskets.places]
        here = np.flatnonzero(node >= 0)
        order = here[np.lexsort((baskets.buyers[here], node[here]))]
        yield from work.rows_of_level(order, node, baskets.buyers)


def warm() -> None:
    """Compile the loops: once per process, a second or two."""
    told = pa.table(
        {"buyer": pa.array([bytes(16)]), "nodes": pa.array([[0]], _LIST), "variants": pa.array([[0, 1]], _LIST)}
    )
    for message in messages(told.to_batches(), 1):
        for _ in anchor_rows(Baskets.from_messages(pa.Table.from_batches([message])), 0, 1):
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
        widest = len(self.variants) * len(np.unique(node[order]))
        most = np.minimum(np.diff(events), widest)
        held = np.zeros((3, len(self.variants)), dtype=np.int32)
        first = 0
        while first < len(self.anchors):
            last = max(first + 1, int(np.searchsorted(np.cumsum(most[first:]), ROWS_PER_BATCH, side="right")) + first)
            room = np.empty((3, int(most[first:last].sum())), dtype=np.int32)
            rows = np.empty((5, int(bounds[last] - bounds[first])), dtype=np.int64)
            among = (bounds[first : last + 1], met, self.anchors[first:last], node, buyers)
            count = _count(self.starts, self.items, *among, held, room, rows)
            yield self._as_rows(rows[:, :count], room)
            first = last

    def _as_rows(self, rows: Ints, room: Ints) -> pa.RecordBatch:
        node, anchor, buyers, baskets, ends = rows
        total = int(ends[-1]) if len(ends) else 0
        offsets = pa.array(np.append(0, ends).astype(np.int32))
        singles = [node, self.variants[anchor], buyers, baskets]
        arrays = [self.variants[room[0, :total]], room[1, :total], room[2, :total]]
        return pa.RecordBatch.from_arrays(
            [
                *(pa.array(column.astype(np.int32)) for column in singles),
                *(pa.ListArray.from_arrays(offsets, pa.array(values.astype(np.int32))) for values in arrays),
            ],
            schema=ANCHOR_ROWS,
        )


@_compiled
def _copies(starts: Ints, items: Ints, shards: int) -> tuple[Ints, Ints]:
    """Which baskets each shard needs: those of shard s are copies[ends[s]:ends[s + 1]]."""
    ends = np.zeros(shards + 1, np.int64)
    for round_ in range(2):
        last = np.full(shards, -1, np.int64)
        if round_ == 1:
            for shard in range(shards):
                ends[shard + 1] += ends[shard]
            copies = np.empty(ends[shards], np.int64)
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


@_compiled
def _ragged(starts: Ints, items: Ints, chosen: Ints) -> tuple[Ints, Ints]:
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


@_compiled
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
    met = np.empty(bounds[anchors], np.int64)
    place = bounds[:-1].copy()
    for basket in order:
        for item in range(starts[basket], starts[basket + 1]):
            anchor = place_of[items[item]]
            if anchor >= 0:
                met[place[anchor]] = basket
                place[anchor] += 1
    return bounds, met


@_compiled
def _events(starts: Ints, bounds: Ints, met: Ints) -> Ints:
    """Events up to each bound."""
    events = np.zeros(len(bounds), np.int64)
    for anchor in range(len(bounds) - 1):
        total = 0
        for place in range(bounds[anchor], bounds[anchor + 1]):
            total += starts[met[place] + 1] - starts[met[place]]
        events[anchor + 1] = events[anchor] + total
    return events


@_compiled
def _count(  # noqa: PLR0917
    starts: Ints,
    items: Ints,
    bounds: Ints,
    met: Ints,
    anchors: Ints,
    node: Ints,
    buyers: Ints,
    held: Ints,
    room: Ints,
    rows: Ints,
) -> int:
    """Fill `room` (candidates ascending, buyers, baskets) and `rows` (node, anchor, its buyers, its baskets, where its
    pairs end); how many rows. `held`: baskets, buyers and the last buyer per variant, zero before and after.
    """
    row, filled = 0, 0
    for anchor in range(len(anchors)):
        place, end = bounds[anchor], bounds[anchor + 1]
        while place < end:
            here, first = node[met[place]], filled
            while place < end and node[met[place]] == here:
                basket = met[place]
                filled = _add(starts, items, basket, buyers[basket], held, room, filled)
                place += 1
            own = anchors[anchor]
            rows[0, row], rows[1, row] = here, own
            rows[2, row], rows[3, row] = held[1, own], held[0, own]
            filled = _emit(own, first, filled, held, room)
            rows[4, row] = filled
            row += 1
    return row


@_compiled
def _add(starts: Ints, items: Ints, basket: int, buyer: int, held: Ints, room: Ints, filled: int) -> int:
    """Count a basket; what was not met before goes to `room`."""
    for item in range(starts[basket], starts[basket + 1]):
        candidate = items[item]
        if held[0, candidate] == 0:
            room[0, filled] = candidate
            filled += 1
            held[1, candidate] = 1
        elif held[2, candidate] != buyer:
            held[1, candidate] += 1
        held[2, candidate] = buyer
        held[0, candidate] += 1
    return filled


_DENSE = 16
"""Where one variant in so many was met, all are looked at in turn, which is less work than sorting those met."""


@_compiled
def _emit(own: int, first: int, filled: int, held: Ints, room: Ints) -> int:
    """Put the counts of what was met beside it, ascending and without the anchor itself, and forget them."""
    end = first
    if (filled - first) * _DENSE > held.shape[1]:
        for candidate in range(held.shape[1]):
            if held[0, candidate] > 0:
                end = _move(candidate, own, end, held, room)
    else:
        room[0, first:filled].sort()
        for place in range(first, filled):
            end = _move(room[0, place], own, end, held, room)
    return end


@_compiled
def _move(candidate: int, own: int, end: int, held: Ints, room: Ints) -> int:
    if candidate != own:
        room[0, end] = candidate
        room[1, end] = held[1, candidate]
        room[2, end] = held[0, candidate]
        end += 1
    held[0, candidate] = 0
    return end


def _gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(one.num_rows for one in held) >= BASKETS_PER_MESSAGE:
            yield pa.Table.from_batches(held)
            held = []
    if any(one.num_rows for one in held):
        yield pa.Table.from_batches(held)


def _dense(values: Ints) -> tuple[Ints, Ints]:
    """Distinct values ascending, and the place of each value among them."""
    largest = int(values.max(initial=0))
    if largest > 4 * len(values) + 1_000_000:
        distinct, places = np.unique(values, return_inverse=True)
        return distinct, places.astype(np.int32)
    is_there = np.zeros(largest + 1, dtype=np.bool_)
    is_there[values] = True
    place_of = (np.cumsum(is_there) - 1).astype(np.int32)
    return np.flatnonzero(is_there).astype(np.int32), place_of[values]


def _paths(nodes: pa.ListArray) -> tuple[Ints, Ints]:
    """The distinct places as rows of nodes from the root down, then -1; and each basket's row."""
    starts, flat = _starts(nodes), _integers(nodes.flatten())
    last, first_with, places = np.unique(flat[starts[1:] - 1], return_index=True, return_inverse=True)
    depths = np.diff(starts)[first_with]
    paths = np.full((len(last), int(depths.max(initial=1))), -1, dtype=np.int32)
    for row, (start, depth) in enumerate(zip(starts[first_with], depths, strict=True)):
        paths[row, :depth] = flat[start : start + depth]
    return paths, places.astype(np.int32)


def _stacked(paths: list[Ints]) -> Ints:
    levels = max(path.shape[1] for path in paths)
    return np.concatenate([np.pad(p, ((0, 0), (0, levels - p.shape[1])), constant_values=-1) for p in paths])


def _path_rows(row: dict[str, Any]) -> Ints:
    return _unpacked(row["paths"]).reshape(-1, row["levels"])


def _shifted(codes: list[Ints], counts: Iterable[int]) -> Ints:
    """Codes of several messages as codes of their dictionaries put together."""
    first = np.append(0, np.cumsum(list(counts)))
    return np.concatenate([code + shift for code, shift in zip(codes, first[:-1], strict=True)])


def _packed(values: Ints) -> bytes:
    """Integers of 32 bits, first all lowest bytes."""
    return np.ascontiguousarray(values.astype("<i4").view(np.uint8).reshape(-1, 4).T).tobytes()


def _unpacked(packed: bytes) -> Ints:
    planes = np.frombuffer(packed, dtype=np.uint8).reshape(4, -1)
    return np.ascontiguousarray(planes.T).view("<i4").ravel()


def _keys(packed: bytes) -> pa.Array:
    return pa.Array.from_buffers(_KEY, len(packed) // 16, [None, pa.py_buffer(packed)])


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _integers(values: pa.Array) -> Ints:
    found: Ints = values.to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    return found


def _starts(lists: pa.ListArray) -> Ints:
    lengths = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
    return np.append(0, np.cumsum(lengths, dtype=np.int64))
