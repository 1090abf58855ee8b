"""What both of sidecart's scripts do: open a session, count what is stored, cut lists, and tell what it took."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from process_cost import cpu_seconds
from sidecart.count_plan import SizeCount, basket_sizes, count_plan
from sidecart.pairs import pair_support
from sidecart.storage.session import build_session
from told import DEPTH, Told

ROOT = "root"
Counts = npt.NDArray[np.int32]


def session(given: Told) -> SparkSession:
    """As a run of the chain has it, with the threads and memory that every peer is given."""
    return build_session(
        "bench",
        f"local[{given.threads}]",
        # The rest is what the JVM holds beside its heap, this Python, and one worker per core.
        driver_memory=f"{min(4_000, given.megabytes * 3 // 10)}m",
        options={"spark.local.dir": f"{given.out}/spilt"},
    )


def stored(frame: DataFrame, given: Told, name: str) -> DataFrame:
    """The frame as a Delta table."""
    frame.write.format("delta").save(f"{given.out}/{name}")
    return frame.sparkSession.read.format("delta").load(f"{given.out}/{name}")


def counted(baskets: DataFrame, regions: DataFrame, given: Told) -> DataFrame:
    """Pair support as a Delta table, planned as the chain plans it; what it took goes to facts.json."""
    sizes = [SizeCount(*row) for row in basket_sizes(baskets, regions).collect()]
    partitions = baskets.sparkSession.conf.get("spark.sql.shuffle.partitions")
    plan = count_plan(sizes, _variants(given), parallelism=int(str(partitions)))
    before, cpu = _shuffles(given).keys(), cpu_seconds()
    met = stored(pair_support(baskets, regions, plan.shards), given, "pair_support")
    facts = {
        "pair_events": plan.pair_events,
        "shards": plan.shards,
        "planned_bytes": plan.shuffle_bytes,
        "shuffled_bytes": sum(size for file, size in _shuffles(given).items() if file not in before),
        "planned_cpu": plan.cpu_seconds,
        "counted_cpu": cpu_seconds() - cpu,
    }
    (given.out / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    return met


def lists(met: DataFrame, support: str) -> DataFrame:
    """The best of each anchor by a count of pair_support: anchor, candidate, score."""
    # A row holds thousands of pairs, so a batch of the session's 50,000 rows would be a gigabyte.
    met.sparkSession.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "1000")
    return met.select("anchor", "met").mapInArrow(_best(support), "anchor INT, candidate INT, score INT")


def _variants(given: Told) -> int:
    """How many variants there are, as the files' own statistics tell; the chain reads its table of them."""
    files = [pq.ParquetFile(file).metadata for file in Path(given.lines).parent.glob("*.parquet")]
    groups = [file.row_group(place) for file in files for place in range(file.num_row_groups)]
    place = files[0].schema.names.index("variant")
    return max(int(group.column(place).statistics.max) for group in groups)


def _shuffles(given: Told) -> dict[Path, int]:
    """Bytes by file of what was shuffled and is still there."""
    return {file: file.stat().st_size for file in Path(f"{given.out}/spilt").rglob("shuffle_*.data")}


def _best(support: str) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def best(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if batch.num_rows:
                yield _first_of(batch, support)

    return best


def _first_of(batch: pa.RecordBatch, support: str) -> pa.RecordBatch:
    met = batch.column("met")
    alike = met.values.field("candidates")
    flat_met, of_group = alike.values.to_numpy(), alike.offsets.to_numpy()
    flat_counts = np.repeat(met.values.field(support).to_numpy(), np.diff(of_group))
    bounds = of_group[met.offsets.to_numpy()]
    rows = [_first(flat_counts[a:b], flat_met[a:b]) + a for a, b in pairwise(bounds)]
    place = np.concatenate(rows)
    anchors = np.repeat(batch.column("anchor").to_numpy(), [len(row) for row in rows])
    columns = [pa.array(column) for column in (anchors, flat_met[place], flat_counts[place])]
    return pa.RecordBatch.from_arrays(columns, names=["anchor", "candidate", "score"])


def _first(counts: Counts, candidates: Counts) -> npt.NDArray[np.int64]:
    """Places of the largest, best first; of equals the smaller candidate."""
    among = np.arange(len(counts))
    if len(counts) > DEPTH:
        least = np.partition(counts, len(counts) - DEPTH)[len(counts) - DEPTH]
        among = np.flatnonzero(counts >= least)
    return among[np.lexsort((candidates[among], -counts[among]))][:DEPTH]
