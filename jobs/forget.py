"""Forget: buyers whom the shop names leave every table, count and list, and are kept out from then on."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.contracts import runs, silver, state
from sidecart.contracts.frames import rows
from sidecart.contracts.model import Contract
from sidecart.errors import StorageError
from sidecart.ingest.buyers import MASK, shop_buyer_key
from sidecart.ingest.erasures import asked_rows, erased_hash, require_readable, rows_of
from sidecart.ingest.parsing import Moment
from sidecart.ingest.touched import held_variants, touched
from sidecart.quality.publication import require_lists
from sidecart.row_changes import gone_rows
from sidecart.storage.location import local_folder, location_of
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.run import Output, Run
from sidecart.storage.session import build_session, options_for
from sidecart.storage.staging import Staging, staging
from sidecart.storage.views import release_moment
from sidecart.storage.warehouse import RELEASED, Warehouse
from sidecart_jobs.arguments import add_session_arguments, run_as_task
from sidecart_jobs.build_shortlists import build_shortlists
from sidecart_jobs.count_changes import compact
from sidecart_jobs.ingest_landing import offers_as_sold, settled_again
from sidecart_jobs.purge_traces import purge_traces
from sidecart_jobs.update_pairs import update_pairs

_LOG = logging.getLogger("sidecart.run")

OF_BUYERS = tuple(contract for contract in RELEASED if "buyer_key" in contract.column_names)
"""Tables whose rows name buyers."""


@dataclass(frozen=True)
class _Gone:
    """What goes: the buyers (buyer_key), their order events and their views."""

    buyers: DataFrame
    events: DataFrame
    views: DataFrame

    def is_anything(self) -> bool:
        return not (self.events.isEmpty() and self.views.isEmpty())


def forget(run: Run, file: Path) -> None:
    """Publish a release without the buyers that the file names (contract erasures), and write a receipt.

    The run goes on from the newest release, with its settings and at its moment, and changes nothing but by the
    buyers. Gates judge the release as any other; audits wait for the next run, as an erasure must not wait for the
    quality of lists. Raises InputError for a file that can't be used, before anything is written.
    """
    if take_out(run, file):
        # Parameters too are what they would be, had these buyers never bought.
        build_shortlists(run, refresh=True)
        require_lists(run)
    run.publish()


def take_out(run: Run, file: Path) -> bool:
    """Take the buyers out of silver and every count, keep them out, and write a receipt; whether anything changed."""
    run.rewind()
    released = ReleaseReader(run.warehouse)
    with staging(run.warehouse.spark, run.warehouse.location, f"{run.run_id}-erasure") as stage:
        buyers = _asked_buyers(run, file, stage)
        gone = _Gone(
            buyers,
            stage.keep("gone_events", rows_of(buyers, run.read(silver.ORDER_EVENTS), "order_id")),
            stage.keep("gone_views", rows_of(buyers, run.read(silver.VIEWS), "session_id")),
        )
        _keep_out(run, buyers)
        is_changed = gone.is_anything()
        if is_changed:
            _take_from_silver(run, gone, stage)
            _count_without(run)
        _write_receipt(run, gone, _rows_taken(run, released, gone) | _texts_taken(run))
    return is_changed


def lift(run: Run, file: Path) -> None:
    """Publish a release that no longer keeps out the buyers that the file names: they came back."""
    run.rewind()
    with staging(run.warehouse.spark, run.warehouse.location, f"{run.run_id}-erasure") as stage:
        back = _asked_buyers(run, file, stage).select(erased_hash(F.col("buyer_key")).alias("erased_hash"))
        known = run.read_or_empty(silver.ERASED_BUYERS)
        run.write(silver.ERASED_BUYERS, known.join(back, "erased_hash", "left_anti"))
    run.publish()


def _asked_buyers(run: Run, file: Path, stage: Staging) -> DataFrame:
    """The file's buyers (buyer_key), each once."""
    key = shop_buyer_key(run.settings.shop.shop_id)
    run.use_buyer_key(key.key_id)
    told = asked_rows(run.warehouse.spark, file, Moment(run.as_of, run.settings), key)
    asked = stage.keep("asked_rows", told)
    require_readable(asked)
    return stage.keep("asked_buyers", asked.select("buyer_key").distinct())


def _keep_out(run: Run, buyers: DataFrame) -> None:
    """Add to the buyers whose rows are refused from now on."""
    known = run.read_or_empty(silver.ERASED_BUYERS).select("erased_hash")
    named = buyers.select(erased_hash(F.col("buyer_key")).alias("erased_hash")).join(known, "erased_hash", "left_anti")
    marks = {"erased_at": F.lit(run.started_at), "run_id": F.lit(run.run_id)}
    run.write(silver.ERASED_BUYERS, named.withColumns(marks), mode="append")


def _take_from_silver(run: Run, gone: _Gone, stage: Staging) -> None:
    """Take the rows from events and views, settle anew what took from or gave to them, and derive what follows."""
    again = touched(run.read(silver.ORDER_EVENTS), gone.events, stage.keep)
    left = again.events.join(gone.events.select("event_id"), "event_id", "left_anti")
    changes, unmatched = settled_again(run, replace(again, events=left), stage)
    run.merge(silver.ORDER_EVENTS, gone_rows(gone.events, silver.ORDER_EVENTS))
    run.merge(silver.VIEWS, gone_rows(gone.views, silver.VIEWS))
    run.merge(silver.ORDER_LINES, changes)
    events, views, catalog = (run.read(c) for c in (silver.ORDER_EVENTS, silver.VIEWS, silver.CATALOG))
    is_derived = not run.read(silver.OFFERS).where("basis = 'sales'").isEmpty()
    run.write_together(
        unmatched,
        Output(silver.HELD_VARIANTS, held_variants(catalog, events, views), reads=silver.ORDER_EVENTS),
        Output(silver.TOUCHED_ORDERS, changes.select("order_id").distinct(), reads=silver.ORDER_EVENTS),
        Output(silver.TOUCHED_SESSIONS, gone.views.select("session_id").distinct(), reads=silver.VIEWS),
        *([offers_as_sold(run)] if is_derived else []),
    )


def _count_without(run: Run) -> None:
    """Count, and leave nothing that tells what went: neither differences of pairs nor the orders and sessions."""
    update_pairs(run)
    for contract, additions in state.CHANGES_OF.items():
        if not run.read_stored(additions).isEmpty():
            compact(run, contract)
    for contract in (silver.TOUCHED_ORDERS, silver.TOUCHED_SESSIONS):
        run.write(contract, rows(run.warehouse.spark, contract, []))


def _rows_taken(run: Run, released: ReleaseReader, gone: _Gone) -> dict[str, int]:
    """Rows that each table lost; StorageError where one still names a buyer."""
    named = [contract for contract in OF_BUYERS if contract.name in released.versions]
    left = _named_rows({contract: run.read(contract) for contract in named}, gone.buyers)
    if any(left.values()):
        still = ", ".join(f"{name} ({count:,} rows)" for name, count in left.items() if count)
        raise StorageError(f"not erased: {still} still name the buyers; report it, the tables stay as they were")
    taken = _named_rows({contract: released.read(contract) for contract in named}, gone.buyers)
    return taken | {silver.ORDER_EVENTS.name: gone.events.count(), silver.VIEWS.name: gone.views.count()}


def _named_rows(tables: Mapping[Contract, DataFrame], buyers: DataFrame) -> dict[str, int]:
    counted = [
        frame.join(buyers, "buyer_key", "left_semi").agg(
            F.lit(contract.name).alias("name"), F.count(F.lit(1)).alias("n")
        )
        for contract, frame in tables.items()
    ]
    return {row["name"]: row["n"] for row in reduce(DataFrame.unionByName, counted).collect()}


def _texts_taken(run: Run) -> dict[str, int]:
    """Empty the texts of all quarantined orders and views: as buyers are masked, none tells whose it is."""
    quarantine = run.read_or_empty(silver.QUARANTINE)
    has_text = F.col("input").isin("orders", "views") & (F.col("raw") != MASK)
    texts = quarantine.where(has_text).count()
    if texts:
        emptied = quarantine.withColumn("raw", F.when(has_text, MASK).otherwise(F.col("raw")))
        run.write(silver.QUARANTINE, emptied)
    return {silver.QUARANTINE.name: texts}


def _write_receipt(run: Run, gone: _Gone, taken: Mapping[str, int]) -> None:
    """Say what went and when the last trace goes."""
    at = datetime.now(UTC)
    known = gone.events.select("buyer_key").unionByName(gone.views.select("buyer_key"))
    last = at + timedelta(days=run.settings.erasure.trace_days) if local_folder(run.warehouse.location) else None
    receipt = {
        "run_id": run.run_id,
        "release_id": run.release_id,
        "erased_at": at,
        "buyers_asked": gone.buyers.count(),
        "buyers_known": known.where("buyer_key IS NOT NULL").distinct().count(),
        "last_trace_at": last,
    }
    told = [receipt | {"table_name": name, "rows_taken": count} for name, count in sorted(taken.items())]
    frame = rows(run.warehouse.spark, runs.ERASURE_RECEIPTS, told).coalesce(1)
    run.write(runs.ERASURE_RECEIPTS, frame, mode="append")
    _LOG.info("%s", _in_words(receipt, taken))


def _in_words(receipt: Mapping[str, object], taken: Mapping[str, int]) -> str:
    lost = ", ".join(f"{name} {count:,}" for name, count in sorted(taken.items()) if count) or "nothing"
    last = f"by {receipt['last_trace_at']:%Y-%m-%d}" if receipt["last_trace_at"] else "see docs/erasure.md"
    return (
        f"{receipt['buyers_known']:,} of {receipt['buyers_asked']:,} buyers were known; rows taken: {lost};"
        f" not in {receipt['release_id']} any more; last traces go {last}"
    )


def erasing_run(told: argparse.Namespace) -> Run:
    """A run at the moment and with the settings of the newest release; StorageError where there is none."""
    folder = local_folder(location_of(told.warehouse))
    options = options_for(folder / "silver") if folder else {}
    spark = build_session("sidecart", master=told.master, driver_memory=told.driver_memory, options=options)
    warehouse = Warehouse(spark, told.warehouse)
    reader = ReleaseReader(warehouse)
    if not reader.versions:
        raise StorageError(f"nothing was released in {told.warehouse} yet: there is nobody to forget")
    moment = release_moment(reader)
    return Run.start(warehouse, moment.settings, moment.as_of.astimezone(UTC), told.run_id)


def forget_as_task(told: argparse.Namespace) -> None:
    """Forget, or with --lift take back, the buyers of the file that the arguments name; with --purge at once."""

    def task(run: Run) -> None:
        if told.lift:
            lift(run, told.buyers)
            return
        forget(run, told.buyers)

    purge = (lambda warehouse: purge_traces(warehouse, datetime.now(UTC))) if told.purge else None
    run_as_task(task, told, start=erasing_run, then=purge)


def add_forget_arguments(parser: argparse.ArgumentParser) -> None:
    """What an erasure must know."""
    parser.add_argument("buyers", type=Path, help="file of buyer_ids: CSV, JSON lines, Parquet or Delta")
    add_session_arguments(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--purge", action="store_true", help="delete old versions and logs at once")
    how.add_argument("--lift", action="store_true", help="take these buyers' new rows again: they came back")
    parser.set_defaults(do=forget_as_task)


def main() -> None:
    parser = argparse.ArgumentParser()
    add_forget_arguments(parser)
    forget_as_task(parser.parse_args())


if __name__ == "__main__":
    main()
