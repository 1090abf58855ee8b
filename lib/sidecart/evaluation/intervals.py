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


def with_intervals(buyer_sums: DataFrame) -> DataFrame:
    """One row per (table, page, targets, bucket, metric): the mean over pages, its 95 % interval, and the pages.

    In: one row per buyer of each (table_name, page, targets, bucket): buyer_key, pages, and sums of the metrics over
    its pages in billionths.
    """
    hashed = buyer_sums.withColumn("seed", F.xxhash64("buyer_key")).drop("buyer_key")
    return hashed.groupBy(*KEYS).applyInArrow(_means, schema=_SCHEMA)


def poisson_weights(seeds: npt.NDArray[np.int64], replicates: int = _REPLICATES) -> npt.NDArray[np.int64]:
    """One row per buyer, one column per replicate: how often the buyer is drawn."""
    steps = np.arange(1, replicates + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = seeds.astype(np.uint64)[:, None] + steps[None, :]
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    uniform = ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53
    drawn: npt.NDArray[np.int64] = np.searchsorted(_CUMULATIVE, uniform, side="right").astype(np.int64)
    return drawn


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
