"""Purge: what is left of erased buyers in old versions and logs goes, and every release but the newest with it."""

from __future__ import annotations

import argparse
import logging
from datetime import UTC, datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.contracts.runs import ERASURE_RECEIPTS
from sidecart.errors import SidecartError, StorageError
from sidecart.row_changes import changed_rows
from sidecart.storage.journal import log_to_console
from sidecart.storage.location import local_folder
from sidecart.storage.lock import writer_lock
from sidecart.storage.purging import cut_logs, delete_leftovers, delete_old_versions
from sidecart.storage.releases import current_versions, erasures, newest_release, release_versions, republish
from sidecart.storage.session import build_session
from sidecart.storage.warehouse import Warehouse

_LOG = logging.getLogger("sidecart.run")

LEAD_DAYS = 7
"""A purge is due so many days before the last trace must be gone: a shop that runs weekly keeps the day."""


def purge_traces(warehouse: Warehouse, now: datetime) -> str:
    """Leave the newest release alone, as a new one; its id. The receipts of all erasures say when.

    A killed purge leaves a warehouse that another ends. Raises StorageError where nothing was released, or where the
    tables are in no folder of this machine.
    """
    newest = newest_release(warehouse)
    if newest is None or local_folder(warehouse.location) is None:
        raise StorageError(f"{warehouse.location}: a purge needs a release, in a folder of this machine")
    warehouse.rewind(release_versions(warehouse))
    begun = datetime.now(UTC)
    logs = cut_logs(warehouse)
    left = f"release-{now:%Y%m%dT%H%M%S%f}"
    _mark(warehouse, left, {"purged_release_id": F.lit(left)})
    republish(warehouse, newest, current_versions(warehouse), now)
    delete_old_versions(warehouse, logs)
    delete_leftovers(warehouse, _last_erasure(warehouse) or begun)
    _mark(warehouse, left, {"purged_at": F.lit(datetime.now(UTC))})
    _LOG.info("purged %d tables: %s is the one release that is left", len(logs), left)
    return left


def purge_if_due(warehouse: Warehouse, now: datetime) -> None:
    """Purge where a receipt says that the last trace of an erasure must go within a week."""
    until = F.lit(now + timedelta(days=LEAD_DAYS))
    due = erasures(warehouse).where("purged_at IS NULL").where(F.col("last_trace_at") <= until)
    if warehouse.exists(ERASURE_RECEIPTS) and not due.isEmpty():
        purge_traces(warehouse, now)


def _last_erasure(warehouse: Warehouse) -> datetime | None:
    """When buyers were last erased: logs of runs since then name nothing of theirs."""
    row = erasures(warehouse).agg(F.max("erased_at").alias("at")).first()
    return row["at"] if row else None


def _mark(warehouse: Warehouse, run_id: str, values: dict[str, Column]) -> None:
    """Write into the receipts that are not purged."""
    if warehouse.exists(ERASURE_RECEIPTS):
        receipts: DataFrame = erasures(warehouse).where("purged_at IS NULL")
        changes = changed_rows(receipts, receipts.withColumns(values), ERASURE_RECEIPTS)
        warehouse.merge(ERASURE_RECEIPTS, changes, run_id)


def purge_as_task(told: argparse.Namespace) -> None:
    """Purge the warehouse that the arguments name."""
    log_to_console()
    warehouse = Warehouse(build_session("sidecart", driver_memory=told.driver_memory), told.warehouse)
    with writer_lock(warehouse.location):
        purge_traces(warehouse, datetime.now(UTC))


def add_purge_arguments(parser: argparse.ArgumentParser) -> None:
    """What a purge must know."""
    parser.add_argument("--warehouse", required=True, help="base path of the tables")
    parser.add_argument("--driver-memory", default="4g", help="memory of a local session's driver")
    parser.set_defaults(do=purge_as_task)


def main() -> None:
    parser = argparse.ArgumentParser()
    add_purge_arguments(parser)
    try:
        purge_as_task(parser.parse_args())
    except SidecartError as error:
        raise SystemExit(f"sidecart: {error}") from None


if __name__ == "__main__":
    main()
