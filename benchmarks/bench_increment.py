"""A day's increment beside a recount of all history, at several lengths of history.

`python benchmarks/bench_increment.py [LINES] [--days N ...] [--increments N]`. A generated year of orders with returns,
cancellations and late versions is cut by day: history is ingested and counted as a whole, then days follow one by one
through the same jobs, and at the end all of history is counted again in the same session. CPU seconds are those of the
process tree, once the session is warm; bytes and files are what the warehouse holds more than before.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb
from pyspark.sql import functions as F

from process_cost import cpu_seconds
from shops import ROOT
from sidecart.contracts import silver, state
from sidecart.generator.settings import bench
from sidecart.generator.shop import write_shop
from sidecart.ingest.buyers import KEY_VARIABLE
from sidecart.pairs import pairs_met
from sidecart.settings import IngestSettings, Settings
from sidecart.storage.journal import log_to_console
from sidecart.storage.run import Run
from sidecart.storage.session import build_session
from sidecart.storage.warehouse import Warehouse
from sidecart_jobs.ingest_landing import ingest_landing
from sidecart_jobs.update_pairs import update_pairs

FOLDER = ROOT / ".cache" / "bench" / "increment"
SETTINGS = Settings(ingest=IngestSettings(max_quarantine_share=0.2))
"""Goods that the year brings later are refused until then."""
TABLES = (
    *(silver.ORDER_EVENTS, silver.ORDER_LINES, silver.OFFERS, state.BASKETS),
    *(state.PAIR_SUPPORT, state.PAIR_CHANGES, state.GROUP_PAIR_CHANGES),
)


@dataclass(frozen=True)
class Cost:
    """What a step took, and what it left."""

    cpu: float
    megabytes: float
    files: int


def main() -> None:
    """Print a line per history length: a day's costs (medians of the days) beside those of the recount."""
    parser = argparse.ArgumentParser()
    parser.add_argument("lines", type=int, nargs="?", default=5_000_000, help="order lines of the year")
    parser.add_argument("--days", type=int, nargs="+", default=[90, 180, 362], help="lengths of history")
    parser.add_argument("--increments", type=int, default=3, help="days that follow")
    told = parser.parse_args()
    os.environ.setdefault(KEY_VARIABLE, "a key for benchmarks, long enough")
    log_to_console()
    logging.getLogger("sidecart.run").setLevel(logging.INFO)
    source = _source(told.lines)
    for days in told.days:
        measure(source, days, told.increments)


def _source(lines: int) -> Path:
    """The landing folder of the whole year."""
    landing = FOLDER / f"{lines}" / "landing"
    if not (landing / "_planted").is_dir():
        write_shop(landing, bench(lines))
    return landing


def measure(source: Path, days: int, increments: int) -> None:
    """Ingest and count so many days, then the days after them, then count all again."""
    here = source.parent / f"after{days}"
    shutil.rmtree(here, ignore_errors=True)
    landing = here / "landing"
    shutil.copytree(source, landing, ignore=shutil.ignore_patterns("orders", "_planted"))
    (landing / "orders").mkdir()
    first = _orders(source, None, landing / "orders" / "history.parquet", None, days)
    spark = build_session("bench", "local[2]", "6g")
    warehouse = Warehouse(spark, str(here / "warehouse"))
    costs: dict[str, list[Cost]] = {}
    _step(costs, "ingest of all", here, lambda: ingest_landing(_run(warehouse, first, days), landing))
    run = _run(warehouse, first, days)
    _step(costs, "first count", here, lambda: update_pairs(run))
    run.publish()
    landed, shares = list[float](), list[float]()
    for day in range(days, days + increments):
        file = landing / "orders" / f"day{day}.parquet"
        _orders(source, first, file, day, day + 1)
        landed.append(file.stat().st_size / 2**20)
        daily = _run(warehouse, first, day + 1)
        _step(costs, "ingest of a day", here, partial(ingest_landing, daily, landing))
        _step(costs, "count of a day", here, partial(update_pairs, daily, "incremental"))
        daily.publish()
        shares.append(_touched_share(daily))
    files = {contract.name: warehouse.size(contract).files for contract in TABLES}
    again = _run(warehouse, first, days + increments)
    _step(costs, "recount", here, lambda: update_pairs(again, "full"))
    spark.stop()
    _tell(days, costs, files)
    written = sum(cost.megabytes for name in ("ingest of a day", "count of a day") for cost in costs[name])
    print(
        f"{days} days: {written / sum(landed):.0f} bytes written for one that landed; a day's anchors hold"
        f" {statistics.median(shares):.0%} of the pairs of the whole shop",
        flush=True,
    )
    shutil.rmtree(here)


def _run(warehouse: Warehouse, first: datetime, days: int) -> Run:
    return Run.start(warehouse, SETTINGS, first + timedelta(days=days))


def _orders(source: Path, first: datetime | None, target: Path, since: int | None, until: int) -> datetime:
    """Write the orders of these days, from `since` (the beginning without one); the first day's midnight, UTC."""
    engine = duckdb.connect()
    orders = f"read_parquet('{source}/orders/*.parquet')"
    if first is None:
        row = engine.sql(f"SELECT min(ordered_at) FROM {orders}").fetchall()[0]
        at = row[0] if isinstance(row[0], datetime) else datetime.fromisoformat(str(row[0]))
        first = at.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    low = first + timedelta(days=since or 0)
    high = first + timedelta(days=until)
    engine.execute("SET TimeZone = 'UTC'")
    engine.execute(
        f"COPY (SELECT * FROM {orders} WHERE CAST(ordered_at AS TIMESTAMPTZ) >= TIMESTAMPTZ '{low.isoformat()}'"
        f" AND CAST(ordered_at AS TIMESTAMPTZ) < TIMESTAMPTZ '{high.isoformat()}') TO '{target}' (FORMAT parquet)"
    )
    return first


def _touched_share(run: Run) -> float:
    """Of the pairs of the whole shop, those of anchors of which the run changed a count: what would be scored again."""
    changed = run.read_stored(state.PAIR_CHANGES).where(F.col("run_id") == run.run_id).select("anchor").distinct()
    pairs = run.read_root(state.PAIR_SUPPORT).select("anchor", pairs_met().alias("pairs"))
    marked = pairs.join(changed.withColumn("is_changed", F.lit(True)), "anchor", "left")
    row = marked.agg(F.sum(F.when(F.col("is_changed"), F.col("pairs"))) / F.sum("pairs")).collect()[0]
    return float(row[0] or 0)


def _step(costs: dict[str, list[Cost]], name: str, here: Path, work: Callable[[], None]) -> None:
    held, begun = _held(here / "warehouse"), cpu_seconds()
    work()
    after = _held(here / "warehouse")
    cost = Cost(cpu_seconds() - begun, (after[0] - held[0]) / 2**20, after[1] - held[1])
    costs.setdefault(name, []).append(cost)
    print(f"{name}: {cost.cpu:.1f} CPU s, {cost.megabytes:.1f} MB in {cost.files} files written", flush=True)


def _held(folder: Path) -> tuple[int, int]:
    """Bytes and number of the files of a folder, staging aside."""
    found = [file for file in folder.rglob("*") if file.is_file() and "_staging" not in file.parts]
    return sum(file.stat().st_size for file in found), len(found)


def _tell(days: int, costs: dict[str, list[Cost]], files: dict[str, int]) -> None:
    typical = {name: statistics.median(cost.cpu for cost in of) for name, of in costs.items()}
    day, recount = typical["count of a day"], typical["recount"]
    print(
        f"{days} days: a day: ingest {typical['ingest of a day']:.1f} count {day:.1f} CPU s; recount {recount:.1f}:"
        f" {day / recount:.1%} of it; files {files}",
        flush=True,
    )


if __name__ == "__main__":
    main()
