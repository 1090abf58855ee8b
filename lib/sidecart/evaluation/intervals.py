"""Intervals: how far a mean over pages would move if other buyers had come.

The bootstrap draws buyers, not pages, because the pages of one buyer are alike. A buyer's weight in a replicate is
Poisson(1) from a hash of both, so every table meets the same draws and no run differs from another.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

METRICS = ("hit_rate", "recall", "ndcg")
KEYS = ("table_name", "page", "targets", "bucket")

_REPLICATES = 200
_LEVEL = (2.5, 97.5)
_UNIT = 1e9
_CUMULATIVE = np.cumsum([math.exp(-1) / math.factorial(k) for k in range(12)])
_SCHEMA = ", ".join(
    [*(f"{key} STRING" for key in KEYS), "metric STRING", "value DOUBLE", "low DOUBLE", "high DOUBLE", "n BIGINT"]
)
_ARROW_SCHEMA = pa.schema(
    {key: pa.string() for key in (*KEYS, "metric")}
    | {name: pa.float64() for name in ("value", "low", "high")}
    | {"n": pa.int64()}
)


def with_intervals(buyer_sums: DataFrame) -> DataFrame:
    """One row per (table, page, targets, bucket, metric): the mean over pages, its 95 % interval, and the pages.

    In: one row per buyer of each (table_name, page, targets, bucket): buyer_key, pages, and sums of the metrics over
    its pages in billionths.
    """
    hashed = buyer_sums.withColumn("seed", F.xxhash64("buyer_key")).drop("buyer_key")
    return hashed.groupBy(*KEYS).applyInArrow(_means, schema=_SCHEMA)


def with_ratios(buyer_sums: DataFrame, ending: str) -> DataFrame:
    """One row per (table, page, targets, bucket) of tables that stand beside one named alike, with that ending: their
    NDCG over its, with a 95 % interval, as with_intervals gives it; the metric is ndcg_over_above. Both meet the same
    draws of buyers. Where no page has a hit by the other table, there is no ratio.
    """
    others = buyer_sums.where(F.col("table_name").endswith(ending)).withColumn(
        "table_name", F.expr(f"left(table_name, length(table_name) - {len(ending)})")
    )
    beside = others.select(*KEYS, "buyer_key", F.col("ndcg").alias("ndcg_above"))
    paired = buyer_sums.join(beside, [*KEYS, "buyer_key"])
    hashed = paired.withColumn("seed", F.xxhash64("buyer_key")).select(*KEYS, "seed", "pages", "ndcg", "ndcg_above")
    return hashed.groupBy(*KEYS).applyInArrow(_ratio, schema=_SCHEMA)


def poisson_weights(seeds: npt.NDArray[np.int64], replicates: int = _REPLICATES) -> npt.NDArray[np.int64]:
    """One row per buyer, one column per replicate: how often the buyer is drawn."""
    steps = np.arange(1, replicates + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = seeds.astype(np.uint64)[:, None] + steps[None, :]
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    uniform = ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53
    drawn: npt.NDArray[np.int64] = np.searchsorted(_CUMULATIVE, uniform, side="right").astype(np.int64)
    return drawn


def _ratio(table: pa.Table) -> pa.Table:
    sums = np.column_stack([table.column(name).to_numpy() for name in ("ndcg", "ndcg_above")])
    drawn = poisson_weights(table.column("seed").to_numpy()).T @ sums
    met = drawn[drawn[:, 1] > 0]
    ours, theirs = sums.sum(axis=0)
    is_told = bool(theirs) and len(met)
    low, high = np.percentile(met[:, 0] / met[:, 1], _LEVEL) if is_told else (None, None)
    found = {key: [table.column(key)[0].as_py()] for key in KEYS}
    found |= {
        "metric": ["ndcg_over_above"],
        "value": [ours / theirs if is_told else None],
        "low": [low],
        "high": [high],
    }
    return pa.table(found | {"n": [int(table.column("pages").to_numpy().sum())]}, schema=_ARROW_SCHEMA)


def _means(table: pa.Table) -> pa.Table:
    pages = table.column("pages").to_numpy()
    sums = np.column_stack([table.column(metric).to_numpy() for metric in METRICS])
    weights = poisson_weights(table.column("seed").to_numpy())
    drawn = (weights.T @ sums) / np.maximum(weights.T @ pages, 1)[:, None] / _UNIT
    low, high = np.percentile(drawn, _LEVEL, axis=0)
    total = int(pages.sum())
    first = [table.column(key)[0].as_py() for key in KEYS]
    found = {key: [value] * len(METRICS) for key, value in zip(KEYS, first, strict=True)}
    found |= {"metric": list(METRICS), "value": sums.sum(axis=0) / total / _UNIT, "low": low, "high": high}
    return pa.table(found | {"n": [total] * len(METRICS)})
