"""Ingest: from a landing folder to silver, with books that balance."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.assortments import offers_from_sales, offers_of_all_regions
from sidecart.contracts import runs, silver
from sidecart.ingest.books import books
from sidecart.ingest.buyers import BuyerKey, shop_buyer_key
from sidecart.ingest.landing import Keep, KnownTables, Reading, Silver, read_landing
from sidecart.ingest.settlement import order_lines, settlement, unmatched_returns
from sidecart.quality.publication import require_silver
from sidecart.storage.run import Run
from sidecart.storage.staging import Staging, staging
from sidecart_jobs.arguments import run_as_task, task_parser

_LOG = logging.getLogger("sidecart.run")


def ingest_landing(run: Run, landing: Path) -> None:
    """Write silver from the landing folder; raises InputError, RuleError or GateError."""
    run.rewind()
    key = shop_buyer_key(run.settings.shop.shop_id)
    run.use_buyer_key(key.key_id)
    with staging(run.warehouse.spark, run.warehouse.location, run.run_id) as stage:
        taken = read_landing(_reading(run, landing, key, stage.keep), _known(run))
        for warning in taken.warnings:
            _LOG.warning("%s", warning)
        _write_snapshots(run, taken)
        _write_events(run, taken, stage)
        run.write(runs.INGESTED_FILES, taken.ingested_files_new, mode="append")
        run.write(runs.BOOKS, _books(run, taken), mode="append")
    require_silver(run)


def _reading(run: Run, landing: Path, key: BuyerKey, keep: Keep) -> Reading:
    return Reading(run.warehouse.spark, landing, run.settings, run.as_of, key, run.run_id, keep)


def _known(run: Run) -> KnownTables:
    return KnownTables(*(run.read_or_empty(c) for c in (runs.INGESTED_FILES, silver.ORDER_EVENTS, silver.VIEWS)))


def _write_snapshots(run: Run, taken: Silver) -> None:
    run.write(silver.QUARANTINE, taken.quarantine, mode="append")
    run.write(silver.CATALOG, taken.catalog)
    run.write(silver.CATEGORIES, taken.categories)
    run.write(silver.RULES, taken.rules)


def _write_events(run: Run, taken: Silver, stage: Staging) -> None:
    run.write(silver.ORDER_EVENTS, taken.order_events_new, mode="append")
    run.write(silver.VIEWS, taken.views_new, mode="append")
    run.write(silver.REGIONS, taken.regions)
    events, catalog = run.read(silver.ORDER_EVENTS), run.read(silver.CATALOG)
    outcomes = stage.keep("settlement", settlement(events, catalog))
    run.write(silver.ORDER_LINES, order_lines(events, catalog, outcomes), reads=silver.ORDER_EVENTS)
    run.write(silver.UNMATCHED_RETURNS, unmatched_returns(events, catalog, outcomes), reads=silver.ORDER_EVENTS)
    run.write(silver.OFFERS, _offers(run, taken), reads=None if taken.offers else silver.ORDER_LINES)


def _offers(run: Run, taken: Silver) -> DataFrame:
    regions, settings = run.read(silver.REGIONS), run.settings
    if taken.offers is not None:
        return offers_of_all_regions(taken.offers, regions)
    _LOG.info("no offers among the inputs: what is on sale is derived from sales")
    lines = run.read(silver.ORDER_LINES)
    return offers_from_sales(lines, regions, settings.shop.root_region, run.as_of, settings.regions)


def _books(run: Run, taken: Silver) -> DataFrame:
    """The books, from what was stored."""
    stored = {"orders": run.read(silver.ORDER_EVENTS).where(F.col("run_id") == run.run_id)}
    entered = {name: replace(e, entered=stored.get(name, e.entered)) for name, e in taken.entered.items()}
    return books(run.warehouse.spark, taken.files, entered, run.run_id)


def main() -> None:
    parser = task_parser()
    parser.add_argument("--landing", type=Path, required=True, help="folder of the landing files")
    told = parser.parse_args()
    run_as_task(lambda run: ingest_landing(run, told.landing), told)


if __name__ == "__main__":
    main()
