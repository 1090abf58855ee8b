"""The cutting kernel: of each anchor's ranked candidates, the first ones that each region may sell.

A region with lists of its own has a slot; slot 0 is the root. Which slots a variant belongs to is a bitset in
64-bit words, so that one pass over an anchor's candidates serves all regions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sidecart.bitsets import bits
from sidecart.sorted_rows import whole_anchors

Ints = npt.NDArray[np.int64]

_CELLS = 16_000_000
"""Candidates times slots looked at together; bounds memory."""


@dataclass(frozen=True)
class Depths:
    """How many candidates a list keeps."""

    root: int
    region: int


def cut_lists(batches: Iterable[pa.RecordBatch], payload: list[str], depths: Depths) -> Iterator[pa.RecordBatch]:
    """Rows of lists: slot, rank from 1, and the payload columns.

    In: batches sorted by anchor, best candidate first, with columns anchor, anchor_slots and candidate_slots
    (bitsets of equal width) and the payload. An anchor may span batches. A row is kept for each slot that both
    anchor and candidate belong to, until the slot's list is full.
    """
    for table in whole_anchors(batches):
        yield from _cut(table, payload, depths)


def _cut(table: pa.Table, payload: list[str], depths: Depths) -> Iterator[pa.RecordBatch]:
    anchors = table.column("anchor").to_numpy()
    words = _width(table)
    starts = np.flatnonzero(np.append(True, anchors[1:] != anchors[:-1]))
    step = max(1, _CELLS // (64 * words))
    first = 0
    while first < len(starts):
        last = max(first + 1, int(np.searchsorted(starts, starts[first] + step, side="right")) - 1)
        begin = int(starts[first])
        end = int(starts[last]) if last < len(starts) else len(anchors)
        yield _cut_part(table.slice(begin, end - begin).combine_chunks(), starts[first:last] - begin, payload, depths)
        first = last


def _cut_part(table: pa.Table, starts: Ints, payload: list[str], depths: Depths) -> pa.RecordBatch:
    is_member = bits(table.column("anchor_slots").combine_chunks()) & bits(
        table.column("candidate_slots").combine_chunks()
    )
    position = np.cumsum(is_member, axis=1, dtype=np.int32)
    before = np.where(starts > 0, position[:, starts - 1], 0)
    sizes = np.diff(np.append(starts, table.num_rows))
    rank = position - np.repeat(before, sizes, axis=1)
    limit = np.full((len(rank), 1), depths.region, dtype=np.int32)
    limit[0] = depths.root
    slot, row = np.nonzero(is_member & (rank <= limit))
    kept = table.select(payload).take(pa.array(row))
    columns = [pa.array(slot.astype(np.int32)), pa.array(rank[slot, row])]
    columns += [kept.column(name).combine_chunks() for name in payload]
    return pa.RecordBatch.from_arrays(columns, names=["slot", "rank", *payload])


def _width(table: pa.Table) -> int:
    return len(table.column("anchor_slots")[0].as_py())
