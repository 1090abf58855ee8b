"""The baselines' kernel: of each anchor's candidates the best by each of several measures, in one look at them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def best_by_measure(batches: Iterable[pa.RecordBatch], measures: list[str], depth: int) -> Iterator[pa.RecordBatch]:
    """Rows of measure (its place), anchor, rank from 1, candidate and score.

    In: batches sorted by anchor with columns anchor, candidate and one DOUBLE per measure; larger is better, null
    keeps the pair out. Of equal scores the row that comes first wins.
    """
    for table in _whole_anchors(batches):
        anchors = table.column("anchor").to_numpy()
        scores = np.column_stack([_scores(table, measure) for measure in measures])
        yield _cut(anchors, table.column("candidate").to_numpy(), scores, depth)


def _whole_anchors(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The same rows in tables that end where an anchor ends."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        if not batch.num_rows:
            continue
        anchors = batch.column("anchor").to_numpy()
        begins = int(np.searchsorted(anchors, anchors[-1], side="left"))
        is_new = bool(waiting) and waiting[-1].column("anchor")[-1].as_py() != anchors[0]
        if begins > 0 or is_new:
            whole = [*waiting, batch.slice(0, begins)]
            waiting = []
            yield pa.Table.from_batches(whole)
        waiting.append(batch.slice(begins))
    if waiting:
        yield pa.Table.from_batches(waiting)


def _scores(table: pa.Table, measure: str) -> Floats:
    scores = table.column(measure).to_numpy().astype(np.float64)
    return np.where(np.isnan(scores), -np.inf, scores)


def _cut(anchors: Ints, candidates: Ints, scores: Floats, depth: int) -> pa.RecordBatch:
    starts = np.flatnonzero(np.append(True, anchors[1:] != anchors[:-1]))
    ends = np.append(starts[1:], len(anchors))
    first = [_first_rows(scores[a:b], depth) + a for a, b in zip(starts, ends, strict=True)]
    sizes = np.array([len(rows) for rows in first])
    rows = np.concatenate(first)
    rank = np.concatenate([np.arange(1, size + 1) for size in sizes])
    parts = []
    for place in range(scores.shape[1]):
        score = scores[rows[:, place], place]
        kept = np.isfinite(score)
        row = rows[kept, place]
        parts.append((np.full(len(row), place), anchors[row], rank[kept], candidates[row], score[kept]))
    measure, anchor, ranks, candidate, found = (np.concatenate(column) for column in zip(*parts, strict=True))
    whole = [pa.array(column.astype(np.int32)) for column in (measure, anchor, ranks, candidate)]
    return pa.RecordBatch.from_arrays(
        [*whole, pa.array(found)], names=["measure", "anchor", "rank", "candidate", "score"]
    )


def _first_rows(scores: Floats, depth: int) -> Ints:
    """Rows of the best by each column, best first; of equals the earlier row."""
    return np.argsort(-scores, axis=0, kind="stable")[:depth]
