"""Ingest: from a landing folder to silver, with books that balance."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.assortments import SalesWindow, changed_offers, offers_from_sales, offers_of_all_regions
from sidecart.contracts import runs, silver
from sidecart.contracts.frames import Keep
from sidecart.contracts.model import Contract
from sidecart.ingest.books import books
from sidecart.ingest.buyers import BuyerKey, shop_buyer_key
from sidecart.ingest.landing import KnownTables, Reading, Silver, Snapshots, read_landing
from sidecart.ingest.look import Folder
from sidecart.ingest.parsing import moment_of
from sidecart.ingest.settlement import order_lines, settlement, unmatched_returns
from sidecart.ingest.touched import Touched, held_variants, moved_variants, touched
from sidecart.quality.publication import require_silver
from sidecart.row_changes import changed_rows
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.run import Output, Run
from sidecart.storage.staging import Staging, staging
from sidecart.storage.views import release_layout, release_moment
from sidecart_jobs.arguments import CountMode, add_landing_arguments, add_mode_argument, run_as_task, task_parser
from sidecart_jobs.continuity import require_no_gap

_LOG = logging.getLogger("sidecart.run")


def ingest_landing(run: Run, landing: Path, mode: CountMode = "auto") -> None:
    """Write silver from the landing folder; raises InputError, RuleError or GateError.

    Where a release knows what waits for its variant, only orders that the new rows can change are settled; `full`
    settles all.
    """
    ingest(run, Folder(landing), mode)


def ingest(run: Run, folder: Folder, mode: CountMode, *, is_streamed: bool = False) -> None:
    """The same from any folder; `is_streamed`: files that the stream told of and a release holds are not opened."""
    run.rewind()
    run.withdraw(silver.QUARANTINE, runs.BOOKS)
    released = ReleaseReader(run.warehouse)
    is_known = all(contract.name in released.versions for contract in (silver.ORDER_LINES, silver.HELD_VARIANTS))
    key = shop_buyer_key(run.settings.shop.shop_id)
    run.use_buyer_key(key.key_id)
    with staging(run.warehouse.spark, run.warehouse.location, run.run_id) as stage:
        kept = _snapshots(released) if folder.is_history else None
        taken = read_landing(_reading(run, folder, key, stage.keep), _known(run, is_streamed=is_streamed), kept)
        for warning in taken.warnings:
            _LOG.warning("%s", warning)
        if is_known:
            taken = _kept(taken, stage)
        if not folder.is_history:
            require_no_gap(run, taken.order_events_new)
        _write_taken(run, taken)
        changes = _settle_touched(run, released, taken, stage) if is_known and mode != "full" else None
        if changes is None:
            _settle_all(run, released, stage)
        outputs = [Output(runs.BOOKS, _books(run, taken), mode="append")]
        moved = None
        if changes is not None and taken.offers is None and not folder.prefix:
            moved = _moved_offers(run, released, changes, stage)
        if moved is None:
            outputs.append(_offers(run, taken, folder))
        else:
            run.merge(silver.OFFERS, moved)
        run.write_together(*(output for output in outputs if output.contract.name not in taken.kept))
        require_silver(run, _changed(taken, changes, moved))


def _reading(run: Run, folder: Folder, key: BuyerKey, keep: Keep) -> Reading:
    return Reading(run.warehouse.spark, folder, run.settings, run.as_of, key, run.run_id, keep)


def _known(run: Run, *, is_streamed: bool) -> KnownTables:
    tables = (runs.INGESTED_FILES, silver.ORDER_EVENTS, silver.VIEWS, silver.ERASED_BUYERS)
    files, events, views, erased = (run.read_or_empty(contract) for contract in tables)
    return KnownTables(files, events, views, erased, run.read(runs.LANDED_FILES) if is_streamed else None)


def _snapshots(released: ReleaseReader) -> Snapshots:
    """What the newest release holds of how things are, the shop's own regions and offers where it handed them over."""
    files = released.read(runs.INGESTED_FILES)
    last = files.where("input = 'catalog'").agg(F.max("run_id").alias("run_id"))
    given = {row["input"] for row in files.join(last, "run_id").select("input").distinct().collect()}
    catalog, categories, rules = (released.read(c) for c in (silver.CATALOG, silver.CATEGORIES, silver.RULES))
    regions, offers = (released.read(c) if c.name in given else None for c in (silver.REGIONS, silver.OFFERS))
    return Snapshots(catalog, categories, rules, regions, offers)


def _kept(taken: Silver, stage: Staging) -> Silver:
    """The same with its new rows written once: they are asked for several times."""
    events, views = stage.keep("new_events", taken.order_events_new), stage.keep("new_views", taken.views_new)
    return replace(taken, order_events_new=events, views_new=views)


def _write_taken(run: Run, taken: Silver) -> None:
    outputs = (
        Output(silver.QUARANTINE, taken.quarantine, mode="append"),
        Output(silver.CATALOG, taken.catalog),
        Output(silver.ORDER_EVENTS, taken.order_events_new, mode="append"),
        Output(silver.VIEWS, taken.views_new, mode="append"),
        Output(silver.CATEGORIES, taken.categories),
        Output(silver.REGIONS, taken.regions),
        Output(silver.RULES, taken.rules),
        Output(runs.INGESTED_FILES, taken.ingested_files_new, mode="append"),
    )
    run.write_together(*(output for output in outputs if output.contract.name not in taken.kept))


def _settle_all(run: Run, released: ReleaseReader, stage: Staging) -> None:
    """Order lines from all events; where a release has others, every order is touched."""
    events, views, catalog = (run.read(c) for c in (silver.ORDER_EVENTS, silver.VIEWS, silver.CATALOG))
    outcomes = stage.keep("settlement", settlement(events, catalog))
    lines, unmatched = order_lines(events, catalog, outcomes), unmatched_returns(events, catalog, outcomes)
    run.write_together(
        Output(silver.ORDER_LINES, lines, reads=silver.ORDER_EVENTS),
        Output(silver.UNMATCHED_RETURNS, unmatched, reads=silver.ORDER_EVENTS),
        Output(silver.HELD_VARIANTS, held_variants(catalog, events, views), reads=silver.ORDER_EVENTS),
    )
    is_first = silver.ORDER_LINES.name not in released.versions
    every_order, every_session = (
        frame.where(F.lit(not is_first)).where(f"{key} IS NOT NULL").select(key).distinct()
        for frame, key in ((events, "order_id"), (views, "session_id"))
    )
    run.write_together(
        Output(silver.TOUCHED_ORDERS, every_order, reads=silver.ORDER_EVENTS),
        Output(silver.TOUCHED_SESSIONS, every_session, reads=silver.VIEWS),
    )


def _settle_touched(run: Run, released: ReleaseReader, taken: Silver, stage: Staging) -> DataFrame:
    """Order lines of the orders that new rows, and variants that came or went, can have changed; how they changed."""
    events, views, catalog = (run.read(c) for c in (silver.ORDER_EVENTS, silver.VIEWS, silver.CATALOG))
    before = released.read(silver.CATALOG)
    held = released.read(silver.HELD_VARIANTS)
    moved = stage.keep("moved_variants", moved_variants(held, before, catalog))
    news, seen = taken.order_events_new, taken.views_new
    if not moved.isEmpty():
        of_moved = events.join(F.broadcast(moved), "variant_id", "left_semi")
        news = stage.keep("news", news.unionByName(of_moved).dropDuplicates(["event_id"]))
        seen = seen.unionByName(views.join(F.broadcast(moved), "variant_id", "left_semi"))
    changes, unmatched = settled_again(run, touched(events, news, stage.keep), stage)
    run.merge(silver.ORDER_LINES, changes)
    run.write_together(
        unmatched,
        Output(silver.HELD_VARIANTS, held_variants(catalog, held, before, taken.order_events_new, taken.views_new)),
        Output(silver.TOUCHED_ORDERS, changes.select("order_id").distinct(), reads=silver.ORDER_EVENTS),
        Output(silver.TOUCHED_SESSIONS, seen.select("session_id").distinct(), reads=silver.VIEWS),
    )
    return changes


def _changed(taken: Silver, lines: DataFrame | None, offers: DataFrame | None) -> dict[Contract, DataFrame]:
    """The rows that this run wrote of tables of which it did not write all."""
    parts = {} if lines is None else {silver.ORDER_LINES: _as_they_are(lines), silver.VIEWS: taken.views_new}
    return parts if offers is None else parts | {silver.OFFERS: _as_they_are(offers)}


def _as_they_are(changes: DataFrame) -> DataFrame:
    """The rows that changes (row_changes.changed_rows) leave: those that are new or others than before."""
    return changes.where("NOT is_gone")


def settled_again(run: Run, again: Touched, stage: Staging) -> tuple[DataFrame, Output]:
    """The lines of touched orders that change (see changed_rows), and what returns are unmatched then."""
    catalog = run.read(silver.CATALOG)
    outcomes = stage.keep("settlement", settlement(again.events, catalog))
    lines = order_lines(again.events, catalog, outcomes).join(again.orders, "order_id", "left_semi")
    was = run.read(silver.ORDER_LINES).join(again.orders, "order_id", "left_semi")
    changes = stage.keep("changed_lines", changed_rows(was, lines, silver.ORDER_LINES))
    unmatched = unmatched_returns(again.events, catalog, outcomes).join(again.takings, "event_id", "left_semi")
    still = run.read(silver.UNMATCHED_RETURNS).join(again.takings, "event_id", "left_anti")
    return changes, Output(silver.UNMATCHED_RETURNS, still.unionByName(unmatched), reads=silver.ORDER_EVENTS)


def _offers(run: Run, taken: Silver, folder: Folder) -> Output:
    """The shop's own offers, where it hands them over; those that sales tell of where not."""
    if taken.offers is None:
        return offers_as_sold(run, folder)
    return Output(silver.OFFERS, offers_of_all_regions(taken.offers, run.read(silver.REGIONS)))


def _moved_offers(run: Run, released: ReleaseReader, changes: DataFrame, stage: Staging) -> DataFrame | None:
    """How the lines that changed, and time, change derived offers; None where they are not derived from the same."""
    if not _are_derived_alike(run, released):
        return None
    _LOG.info("no offers among the inputs: those derived from sales follow the lines that changed")
    settings = run.settings
    window = SalesWindow(run.read(silver.REGIONS), settings.shop.root_region, run.as_of, settings.regions)
    offers, lines = released.read(silver.OFFERS), run.read(silver.ORDER_LINES)
    return stage.keep("moved_offers", changed_offers(offers, changes, lines, window, stage.keep))


def _are_derived_alike(run: Run, released: ReleaseReader) -> bool:
    """Whether the newest release's offers are derived from sales as this run's would be, for an earlier moment."""
    if release_layout(released) is None:  # its run left no record of its settings
        return False
    before, settings, places = release_moment(released), run.settings, ["region_id", "path"]
    was, now = (tables.read(silver.REGIONS).select(*places) for tables in (released, run))
    return (
        before.as_of <= run.as_of
        and before.settings.regions == settings.regions
        and before.settings.shop.root_region == settings.shop.root_region
        and was.join(now, places, "left_anti").isEmpty()
        and released.read(silver.OFFERS).where("basis <> 'sales'").isEmpty()
    )


def offers_as_sold(run: Run, folder: Folder | None = None) -> Output:
    """Offers of a shop that hands over none; of a folder of history as of the moment of the newest release."""
    _LOG.info("no offers among the inputs: what is on sale is derived from sales")
    lines, regions, settings = run.read(silver.ORDER_LINES), run.read(silver.REGIONS), run.settings
    moment = _last_moment(run, lines) if folder and folder.prefix else run.as_of
    window = SalesWindow(regions, settings.shop.root_region, moment, settings.regions)
    return Output(silver.OFFERS, offers_from_sales(lines, window), reads=silver.ORDER_LINES)


def _last_moment(run: Run, lines: DataFrame) -> datetime:
    """The run's moment; that of the newest sale where nothing would be on sale: a shop may begin with its history."""
    row = lines.agg(F.unix_micros(F.max("ordered_at")).alias("at")).first()
    if row is None or row["at"] is None:
        return run.as_of
    newest = moment_of(row["at"])
    if newest > run.as_of - timedelta(weeks=run.settings.regions.root_assortment_weeks):
        return run.as_of
    _LOG.info("the newest sale is of %s: what is on sale is what was then", newest.date())
    return newest


def _books(run: Run, taken: Silver) -> DataFrame:
    """The books, from what was stored."""
    of_run = run.read(silver.ORDER_EVENTS).where(F.col("run_id") == run.run_id)
    stored = {"orders": of_run, "views": taken.views_new}
    entered = {name: replace(e, entered=stored.get(name, e.entered)) for name, e in taken.entered.items()}
    return books(run.warehouse.spark, taken.files, entered, run.run_id, taken.left_out)


def main() -> None:
    parser = task_parser()
    add_landing_arguments(parser)
    add_mode_argument(parser)
    told = parser.parse_args()
    run_as_task(lambda run: ingest_landing(run, told.landing, told.mode), told)


if __name__ == "__main__":
    main()
