"""Batches of sorted rows, cut where an anchor ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def whole_anchors(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The same rows, those of an `anchor` side by side, in tables that end where an anchor ends."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        if not batch.num_rows:
            continue
        anchors = batch.column("anchor").to_numpy(zero_copy_only=False)
        begins = int(run_starts(anchors)[-1])
        if waiting and (begins > 0 or waiting[-1].column("anchor")[-1].as_py() != anchors[0]):
            yield pa.Table.from_batches([*waiting, batch.slice(0, begins)])
            waiting = []
        elif begins > 0:
            yield pa.Table.from_batches([batch.slice(0, begins)])
        waiting.append(batch.slice(begins))
    if waiting:
        yield pa.Table.from_batches(waiting)


def run_starts(values: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """Where runs of equal values begin."""
    return np.flatnonzero(np.append(len(values) > 0, values[1:] != values[:-1]))
