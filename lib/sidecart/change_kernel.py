"""The changing kernel: rows of pair support added up, those of an anchor and node together, with a sign each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from sidecart.compiled import Ints, compiled, integers, list_bounds
from sidecart.met_groups import emptied, grouped, mark, met_array, no_marks
from sidecart.pair_kernel import ANCHOR_ROWS
from sidecart.sorted_rows import whole_anchors

REGION_ROWS = ANCHOR_ROWS.set(0, pa.field("region_id", pa.string()))
"""ANCHOR_ROWS with regions by their ids."""


def differences(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Rows of ANCHOR_ROWS with signed counts: what odd nodes say less what even ones do, as node 2n and 2n + 1 are one
    node before and after.

    In: rows of ANCHOR_ROWS; those of an anchor at 2n and 2n + 1, if both are there, follow one another in one batch.
    Out: node n; nothing where nothing differs.
    """
    for batch in batches:
        node = integers(batch.column("node"))
        signs = np.where(node & 1, 1, -1).astype(np.int32)
        yield _added_up(batch.set_column(0, ANCHOR_ROWS.field("node"), pa.array(node >> 1)), node >> 1, signs)


def added_up(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Rows of REGION_ROWS, one per region and anchor: the sum of those that came; nothing where it comes to nothing.

    In: the same sorted by anchor and region, counts signed or not; those of an anchor may span batches.
    """
    for table in whole_anchors(batches):
        for batch in table.combine_chunks().to_batches():
            region = integers(batch.column("region_id").dictionary_encode().indices)
            yield _added_up(batch, region, np.ones(batch.num_rows, np.int32))


def _added_up(batch: pa.RecordBatch, node: Ints, signs: Ints) -> pa.RecordBatch:
    """One row for those that follow one another with one anchor and `node`, the first column that of the first."""
    anchor = integers(batch.column("anchor"))
    is_first = np.append(True, (anchor[1:] != anchor[:-1]) | (node[1:] != node[:-1]))[: len(anchor)]
    first = np.flatnonzero(is_first)
    bounds = np.append(first, len(anchor))
    counts = np.stack([integers(batch.column(name)) * signs for name in ("anchor_buyers", "anchor_baskets")])
    sums = np.add.reduceat(counts, first, axis=1) if len(first) else counts
    met = batch.column("met")
    flat = met.flatten()
    candidates = flat.field("candidates")
    group_of, candidate_of = (list_bounds(lists) for lists in (met, candidates))
    found = integers(candidates.flatten())
    room = np.empty(len(found), np.int32), np.empty((3, len(found)), np.int32), np.empty(len(first), np.int64)
    told = np.stack([integers(flat.field(name)) for name in ("pair_buyers", "pair_baskets")])
    filled = _sum(bounds, anchor, signs, group_of, told, candidate_of, found, int(found.max(initial=0)) + 1, *room)
    into, groups, ends = room
    is_left = (np.diff(ends, prepend=0) > 0) | (sums != 0).any(axis=0)
    numbers = (pa.array(column[is_left].astype(np.int32)) for column in (anchor[first], *sums))
    where = batch.column(0).take(pa.array(first[is_left]))
    return pa.RecordBatch.from_arrays(
        [where, *numbers, met_array(ends[is_left], groups, into[:filled])], schema=batch.schema
    )


@compiled
def _sum(  # noqa: PLR0917
    bounds: Ints,
    anchors: Ints,
    signs: Ints,
    group_of: Ints,
    counts: Ints,
    candidate_of: Ints,
    candidates: Ints,
    variants: int,
    into: Ints,
    groups: Ints,
    ends: Ints,
) -> int:
    """Fill `into` with candidates, `groups` of them and `ends` of each row's groups; how many candidates are left.

    `bounds`: the rows that make one; `group_of`, `candidate_of`: where a row's groups and a group's candidates end.
    """
    held = np.zeros((variants, 2), np.int32)
    marks = no_marks(variants)
    met = np.empty((3, variants), np.int32)
    filled, group = 0, 0
    for row in range(len(bounds) - 1):
        for part in range(bounds[row], bounds[row + 1]):
            for told in range(group_of[part], group_of[part + 1]):
                buyers, baskets = counts[0, told] * signs[part], counts[1, told] * signs[part]
                for place in range(candidate_of[told], candidate_of[told + 1]):
                    candidate = candidates[place]
                    mark(marks, candidate)
                    held[candidate, 0] += baskets
                    held[candidate, 1] += buyers
        count = emptied(anchors[bounds[row]], held, marks, met)
        group = grouped(met, count, filled, into, group, groups)
        filled += count
        ends[row] = group
    return filled
