"""Lists for many regions: what they take, and what is stored of them, beside the same shop with fewer.

`python benchmarks/bench_regions.py [LINES] [--variants N] [--regions N ...]`. One generated year of order lines is
ingested once; its shops are then gathered into so many regions below areas, which sell from 0.5 % to all of the range,
each a part of its own. What is timed is a full count, what judges pairs and the lists, each shop in a process of its
own: CPU seconds of its tree, and the most memory it held.
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from process_cost import cost_of, cpu_seconds
from shops import ROOT, ROOT_REGION
from sidecart.assortments import offers_of_all_regions
from sidecart.contracts import gold, silver
from sidecart.contracts.frames import rows
from sidecart.generator.settings import GeneratorSettings, bench
from sidecart.generator.shop import write_shop
from sidecart.ingest.buyers import KEY_VARIABLE
from sidecart.settings import IngestSettings, Settings
from sidecart.storage.journal import log_to_console
from sidecart.storage.run import Run
from sidecart.storage.session import build_session
from sidecart.storage.warehouse import Warehouse
from sidecart_jobs.build_shortlists import write_lists, write_measures
from sidecart_jobs.ingest_landing import ingest_landing
from sidecart_jobs.update_pairs import update_pairs

FOLDER = ROOT / ".cache" / "bench" / "regions"
SETTINGS = Settings(ingest=IngestSettings(max_quarantine_share=0.2))
SHOPS = 1_000
LEAST, MOST = 0.005, 1.0
"""Shares of the range that the poorest and the richest region sell."""
_PARTS = 2**20
_STEP = 619
"""Shops go to regions in steps of a prime, so that each has as many of them, and the largest don't stand together."""
_NOT_TAKEN = {silver.OFFERS, silver.REGIONS, *silver.OF_INGEST}
"""Made anew, or read by neither counting nor lists."""
_HOURS = 6


def main() -> None:
    """Print a line per number of regions."""
    parser = argparse.ArgumentParser()
    parser.add_argument("lines", type=int, nargs="?", default=20_000_000, help="order lines of the year")
    parser.add_argument("--variants", type=int, default=200_000)
    parser.add_argument("--regions", type=int, nargs="+", default=[1, 10, 100, 1_000])
    parser.add_argument("--shop", type=Path, help=argparse.SUPPRESS)
    told = parser.parse_args()
    os.environ.setdefault(KEY_VARIABLE, "a key for benchmarks, long enough")
    if told.shop:
        log_to_console()
        logging.getLogger("sidecart.run").setLevel(logging.INFO)
        work(told.shop, told.regions[0], _settings(told.lines, told.variants).as_of)
        return
    here = FOLDER / f"{told.lines}-{told.variants}"
    # A process of its own: its heap would stand beside what is measured.
    ingesting = get_context("spawn").Process(target=_ingested, args=(here, _settings(told.lines, told.variants)))
    ingesting.start()
    ingesting.join()
    if ingesting.exitcode:
        raise SystemExit("the shop could not be made; its error stands above")
    for regions in told.regions:
        log = here / f"regions-{regions}.log"
        again = [sys.executable, __file__, str(told.lines), "--variants", str(told.variants)]
        command = [*again, "--regions", str(regions), "--shop", str(here)]
        cost = cost_of(command, log, ROOT / "lib", most_seconds=_HOURS * 3600)
        print(f"{regions} regions: {cost.cpu:.0f} CPU s and {cost.megabytes:.0f} MB with their set-up", flush=True)
        print(*(line for line in log.read_text().splitlines() if line.startswith("  =")), sep="\n", flush=True)


def _settings(lines: int, variants: int) -> GeneratorSettings:
    return replace(
        bench(lines), variants=variants, groups=variants // 2, shelves=min(300, max(20, variants // 60)), regions=SHOPS
    )


def _session() -> SparkSession:
    return build_session("bench", "local[2]", "6g")


def _ingested(here: Path, settings: GeneratorSettings) -> None:
    """The warehouse that all are made from."""
    if (here / "warehouse").is_dir():
        return
    shutil.rmtree(here, ignore_errors=True)
    write_shop(here / "landing", settings)
    spark = _session()
    run = Run.start(Warehouse(spark, str(here / "ingesting")), SETTINGS, settings.as_of)
    ingest_landing(run, here / "landing")
    run.publish()
    spark.stop()
    (here / "ingesting").rename(here / "warehouse")


def work(here: Path, regions: int, as_of: datetime) -> None:
    """Make the shop with so many regions, and time what counts and lists it."""
    spark, target = _session(), here / f"regions-{regions}"
    shutil.rmtree(target, ignore_errors=True)
    source, run = Warehouse(spark, str(here / "warehouse")), Run.start(Warehouse(spark, str(target)), SETTINGS, as_of)
    _copied(source, run, regions)
    _timed("count", lambda: update_pairs(run, "full"))
    _timed("measures", lambda: write_measures(run))
    _timed("lists", lambda: write_lists(run))
    _tell(run, regions)
    spark.stop()
    shutil.rmtree(target)


def _copied(source: Warehouse, run: Run, regions: int) -> None:
    """Silver of the source, its shops gathered into so many regions that offer a part of the range each."""
    tree = _tree(source.spark, regions)
    for contract in silver.TABLES:
        if contract in _NOT_TAKEN or not source.exists(contract):
            continue
        frame = source.read(contract)
        if "region_id" in frame.columns and contract is not silver.RULES:
            region = F.substring("region_id", 2, 8).cast("int") * _STEP % regions
            place = F.lit(ROOT_REGION) if regions == 1 else F.format_string("r%04d", region + 1)
            frame = frame.withColumn("region_id", place)
        run.write(contract, frame)
    run.write(silver.REGIONS, tree)
    offers = _offers(source.read(silver.CATALOG), regions)
    run.write(silver.OFFERS, offers_of_all_regions(offers, run.read(silver.REGIONS)))


def _tree(spark: SparkSession, regions: int) -> DataFrame:
    areas = round(math.sqrt(regions)) if regions > 1 else 0
    told: list[tuple[str, str | None, list[str]]] = [(ROOT_REGION, None, [ROOT_REGION])]
    told += [(f"area-{n}", ROOT_REGION, [ROOT_REGION, f"area-{n}"]) for n in range(areas)]
    for number in range(regions if regions > 1 else 0):
        area, name = f"area-{number % areas}", f"r{number + 1:04d}"
        told.append((name, area, [ROOT_REGION, area, name]))
    return rows(
        spark,
        silver.REGIONS,
        [
            {"region_id": name, "parent_id": above, "name": name, "depth": len(path) - 1, "path": path}
            for name, above, path in told
        ],
    )


def _offers(catalog: DataFrame, regions: int) -> DataFrame:
    """Regions sell shares of the range that rise evenly, each by its own luck."""
    spark = catalog.sparkSession
    share = F.lit(MOST) if regions == 1 else F.lit(LEAST) + F.col("id") * (MOST - LEAST) / (regions - 1)
    name = F.lit(ROOT_REGION) if regions == 1 else F.format_string("r%04d", F.col("id") + 1)
    places = spark.range(regions).select(name.alias("region_id"), share.alias("share"))
    luck = F.pmod(F.xxhash64("region_id", "variant_id"), F.lit(_PARTS)) < F.col("share") * _PARTS
    sold = catalog.select("variant_id").crossJoin(F.broadcast(places)).where(luck)
    empty = rows(spark, silver.OFFERS, [])
    told = {
        "is_available": F.lit(True),
        "attributes": F.create_map().cast("map<string,string>"),
        "basis": F.lit("offers"),
    }
    filled = sold.withColumns(told)
    return filled.select(
        *(
            (F.col(f.name) if f.name in filled.columns else F.lit(None)).cast(f.dataType).alias(f.name)
            for f in empty.schema
        )
    )


def _timed(name: str, step: Callable[[], object]) -> None:
    begun = cpu_seconds()
    step()
    print(f"  = {name}: {cpu_seconds() - begun:.0f} CPU s", flush=True)


def _tell(run: Run, regions: int) -> None:
    """Lists and rows, dense and stored; and of regions that sell half of the range or more."""
    told = run.read(gold.LIST_REGIONS)
    variants = run.read(silver.CATALOG).count()
    dense = F.col("lists") * F.col("list_depth")
    for name, part in (
        ("all", told),
        ("wide", told.where((F.col("offered") >= variants / 2) & F.col("region_id").rlike("^r[0-9]"))),
    ):
        row = part.agg(
            F.sum("lists").alias("lists"), F.sum("stored_lists").alias("stored"), F.sum(dense).alias("dense"),
            F.sum("stored_candidates").alias("rows"),
        ).collect()[0]  # fmt: skip
        print(f"  = {name}: {row.asDict()}")
    size = run.warehouse.size(gold.SHORTLISTS)
    print(f"  = {regions} regions: shortlists {size.bytes / 2**20:.0f} MB in {size.files} files", flush=True)


if __name__ == "__main__":
    main()
