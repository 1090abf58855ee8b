"""Pair support against a self-join: the same baskets, the same rows out, CPU seconds and wall of both.

`python benchmarks/bench_pairs.py [--lines N] [--rounds N]`. Rows are compared before any time is printed.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psutil
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from process_cost import cpu_seconds
from shops import ROOT, shop
from sidecart.count_plan import SizeCount, basket_sizes, count_plan
from sidecart.pairs import flat_pairs, pair_support
from sidecart.storage.session import build_session

FOLDER = ROOT / ".cache" / "bench"
OUT = FOLDER / "pairs"

_SELF_JOIN = """
COPY (
    WITH items AS (
        SELECT row_number() OVER () AS basket, buyer_key, path, variants
        FROM '{shop}/baskets.parquet' JOIN '{shop}/regions.parquet' USING (region_id)
    ), held AS (
        SELECT basket, buyer_key, region_id, unnest(variants) AS variant
        FROM (SELECT basket, buyer_key, unnest(path) AS region_id, variants FROM items)
    ),
    by_buyer AS (
        SELECT a.region_id, a.variant AS anchor, b.variant AS candidate, a.buyer_key, count(*) AS baskets
        FROM held a JOIN held b USING (basket, region_id) WHERE a.variant <> b.variant GROUP BY ALL
    )
    SELECT region_id, anchor, candidate, count(*)::INT AS pair_buyers, sum(baskets)::INT AS pair_baskets
    FROM by_buyer GROUP BY ALL
) TO '{folder}/self_join' (FORMAT parquet, PER_THREAD_OUTPUT, OVERWRITE)
"""

_COMPARED = """
SELECT (SELECT count(*) FROM theirs), (SELECT count(*) FROM (SELECT * FROM ours EXCEPT ALL SELECT * FROM theirs)),
       (SELECT count(*) FROM (SELECT * FROM theirs EXCEPT ALL SELECT * FROM ours))
"""


@dataclass(frozen=True)
class Cost:
    """What one go took: seconds on the wall, CPU seconds of this process and all below it."""

    wall: float
    cpu: float


def main() -> int:
    """0 when both sides gave the same rows."""
    told = _arguments()
    here = shop(str(told.lines), FOLDER / "shops")
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    engine = duckdb.connect()
    engine.execute(f"SET threads = {psutil.cpu_count() or 1}")
    counted = engine.execute(f"SELECT count(*), sum(len(variants)) FROM '{here}/baskets.parquet'").fetchall()[0]
    print("{:,} baskets of {:,} order lines".format(*counted))

    spark = build_session("bench", driver_memory="4g")
    ours = [_cost(lambda: _by_sidecart(spark, here)) for _ in range(told.rounds + 1)]
    theirs = [_cost(lambda: engine.execute(_SELF_JOIN.format(shop=here, folder=OUT))) for _ in range(told.rounds)]
    if not _is_same(spark, engine):
        return 1
    _say("sidecart, first in a session", ours[:1], theirs)
    _say("sidecart, warm", ours[1:], theirs)
    _say("DuckDB self-join", theirs, theirs)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lines", type=int, default=1_000_000, help="order lines to generate, about")
    parser.add_argument("--rounds", type=int, default=3, help="goes of each side; the median counts")
    return parser.parse_args()


def _by_sidecart(spark: SparkSession, here: Path) -> None:
    baskets = spark.read.parquet(str(here / "baskets.parquet"))
    regions = spark.read.parquet(str(here / "regions.parquet"))
    sizes = [SizeCount(*row) for row in basket_sizes(baskets, regions).collect()]
    plan = count_plan(sizes, variants=1, parallelism=int(spark.conf.get("spark.sql.shuffle.partitions") or 1))
    pair_support(baskets, regions, plan.shards).write.mode("overwrite").parquet(str(OUT / "pair_support"))


def _cost(work: Callable[[], object]) -> Cost:
    wall, cpu = time.monotonic(), cpu_seconds()
    work()
    return Cost(time.monotonic() - wall, cpu_seconds() - cpu)


def _is_same(spark: SparkSession, engine: duckdb.DuckDBPyConnection) -> bool:
    names = ["region_id", "anchor", "candidate", "pair_buyers", "pair_baskets"]
    flat = flat_pairs(spark.read.parquet(str(OUT / "pair_support"))).select(*map(F.col, names))
    flat.write.mode("overwrite").parquet(str(OUT / "flat"))
    engine.execute(f"CREATE VIEW ours AS SELECT {', '.join(names)} FROM '{OUT}/flat/*.parquet'")
    engine.execute(f"CREATE VIEW theirs AS SELECT {', '.join(names)} FROM '{OUT}/self_join/*.parquet'")
    rows, extra, missing = engine.execute(_COMPARED).fetchall()[0]
    print(f"{rows:,} rows of pair support; {extra:,} extra and {missing:,} missing against the self-join")
    return bool(rows and extra == missing == 0)


def _say(who: str, costs: list[Cost], against: list[Cost]) -> None:
    wall, cpu = (statistics.median(getattr(cost, part) for cost in costs) for part in ("wall", "cpu"))
    ratio = cpu / statistics.median(cost.cpu for cost in against)
    print(f"{who:<30} {cpu:8.1f} CPU s {wall:8.1f} s wall {ratio:8.2f} of the self-join's CPU")


if __name__ == "__main__":
    sys.exit(main())
