"""The session of peers on Spark: as many cores and as much memory as the others, few shuffle partitions."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from told import DEPTH, Told


def session(given: Told) -> SparkSession:
    """Local, quiet, with the memory of the tree but half a gigabyte for Python."""
    return (
        SparkSession.builder.master(f"local[{given.threads}]")
        .config("spark.driver.memory", f"{given.megabytes - 500}m")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", 4 * given.threads)
        .config("spark.sql.warehouse.dir", f"{given.out}/tables")
        .config("spark.local.dir", f"{given.out}/spilt")
        .getOrCreate()
    )


def best_of(pairs: DataFrame, score: str) -> DataFrame:
    """The best of each anchor: anchor, candidate, score."""
    best = Window.partitionBy("anchor").orderBy(F.col(score).desc(), "candidate")
    placed = pairs.withColumn("place", F.row_number().over(best)).where(F.col("place") <= DEPTH)
    return placed.select("anchor", "candidate", F.col(score).cast("double").alias("score"))
