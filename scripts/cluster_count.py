"""A job that counts a shop's baskets once per asked way, and says for each what it took and a hash of all rows.

`cluster_count.py SHOP OUT [--partitions N ...] [--adaptive true false]`: SHOP holds baskets.parquet and
regions.parquet, OUT gets the counts. One line of JSON per count goes to counted.json there: partitions, adaptive,
rows, hash (of all rows in any order) and seconds on the wall.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from itertools import product
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sidecart.pairs import pair_support
from sidecart.storage.session import build_session


def main() -> int:
    told = _arguments()
    spark = build_session("count")
    told.out.mkdir(parents=True, exist_ok=True)
    with (told.out / "counted.json").open("w", encoding="utf-8") as out:
        for partitions, adaptive in product(told.partitions, told.adaptive):
            out.write(json.dumps(_counted(spark, told, partitions, adaptive)) + "\n")
            out.flush()
    spark.stop()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("shop", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--partitions", type=int, nargs="+", default=[4])
    parser.add_argument("--adaptive", nargs="+", default=["true"])
    return parser.parse_args()


def _counted(spark: SparkSession, told: argparse.Namespace, partitions: int, adaptive: str) -> dict[str, object]:
    spark.conf.set("spark.sql.shuffle.partitions", str(partitions))
    spark.conf.set("spark.sql.adaptive.enabled", adaptive)
    baskets, regions = (spark.read.parquet(str(told.shop / f"{name}.parquet")) for name in ("baskets", "regions"))
    begun = time.monotonic()
    target = str(told.out / "pair_support")
    pair_support(baskets.repartition(partitions), regions, partitions).write.mode("overwrite").parquet(target)
    seconds = time.monotonic() - begun
    how = {"partitions": partitions, "adaptive": adaptive, "seconds": seconds}
    return {**how, **content(spark.read.parquet(target))}


def content(frame: DataFrame) -> dict[str, object]:
    """How many rows, and a hash of them that does not know their order."""
    hashed = frame.select(F.xxhash64(*sorted(frame.columns)).cast("decimal(38,0)").alias("hash"))
    row = hashed.agg(F.count("hash").alias("rows"), F.sum("hash").cast("string").alias("hash")).collect()[0]
    return {"rows": row["rows"], "hash": row["hash"]}


if __name__ == "__main__":
    sys.exit(main())
