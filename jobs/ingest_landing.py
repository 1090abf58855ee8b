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
from sidecart.storage.run import Output, Run
from sidecart.storage.staging import Staging, staging
from sidecart_jobs.arguments import add_landing_arguments, run_as_task, task_parser

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
        _write_taken(run, taken)
        _write_settled(run, stage)
        run.write_together(_offers(run, taken), Output(runs.BOOKS, _books(run, taken), mode="append"))
    require_silver(run)


def _reading(run: Run, landing: Path, key: BuyerKey, keep: Keep) -> Reading:
    return Reading(run.warehouse.spark, landing, run.settings, run.as_of, key, run.run_id, keep)


def _known(run: Run) -> KnownTables:
    return KnownTables(*(run.read_or_empty(c) for c in (runs.INGESTED_FILES, silver.ORDER_EVENTS, silver.VIEWS)))


def _write_taken(run: Run, taken: Silver) -> None:
    run.write_together(
        Output(silver.QUARANTINE, taken.quarantine, mode="append"),
        Output(silver.CATALOG, taken.catalog),
        Output(silver.ORDER_EVENTS, taken.order_events_new, mode="append"),
        Output(silver.VIEWS, taken.views_new, mode="append"),
        Output(silver.CATEGORIES, taken.categories),
        Output(silver.REGIONS, taken.regions),
        Output(silver.RULES, taken.rules),
        Output(runs.INGESTED_FILES, taken.ingested_files_new, mode="append"),
    )


def _write_settled(run: Run, stage: Staging) -> None:
    events, catalog = run.read(silver.ORDER_EVENTS), run.read(silver.CATALOG)
    outcomes = stage.keep("settlement", settlement(events, catalog))
    lines, unmatched = order_lines(events, catalog, outcomes), unmatched_returns(events, catalog, outcomes)
    run.write_together(
        Output(silver.ORDER_LINES, lines, reads=silver.ORDER_EVENTS),
        Output(silver.UNMATCHED_RETURNS, unmatched, reads=silver.ORDER_EVENTS),
    )


def _offers(run: Run, taken: Silver) -> Output:
    regions, settings = run.read(silver.REGIONS), run.settings
    if taken.offers is not None:
        return Output(silver.OFFERS, offers_of_all_regions(taken.offers, regions))
    _LOG.info("no offers among the inputs: what is on sale is derived from sales")
    lines = run.read(silver.ORDER_LINES)
    derived = offers_from_sales(lines, regions, settings.shop.root_region, run.as_of, settings.regions)
    return Output(silver.OFFERS, derived, reads=silver.ORDER_LINES)


def _books(run: Run, taken: Silver) -> DataFrame:
    """The books, from what was stored."""
    stored = {"orders": run.read(silver.ORDER_EVENTS).where(F.col("run_id") == run.run_id)}
    entered = {name: replace(e, entered=stored.get(name, e.entered)) for name, e in taken.entered.items()}
    return books(run.warehouse.spark, taken.files, entered, run.run_id)


def main() -> None:
    parser = task_parser()
    add_landing_arguments(parser)
    told = parser.parse_args()
    run_as_task(lambda run: ingest_landing(run, told.landing), told)


if __name__ == "__main__":
    main()
