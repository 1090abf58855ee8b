"""List releases, and go back to one."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from pyspark.sql import functions as F

from sidecart.contracts.runs import RELEASES
from sidecart.errors import StorageError
from sidecart.storage.lock import writer_lock
from sidecart.storage.releases import first_open_release, release_versions, republish, require_open
from sidecart.storage.warehouse import Warehouse
from sidecart_cli.reading import analysts_session


def releases(told: argparse.Namespace) -> None:
    """Print the releases, newest first, and whether an erasure closed them.

    With --rollback publish an open one's versions again as a new release.
    """
    warehouse = Warehouse(analysts_session(), told.warehouse)
    if not warehouse.exists(RELEASES):
        raise StorageError(f"nothing was released in {told.warehouse} yet; run `sidecart run` first")
    if told.rollback:
        with writer_lock(warehouse.location):
            roll_back(warehouse, told.rollback)
    known = warehouse.read(RELEASES).groupBy("release_id", "run_id", "as_of", "released_at")
    is_open = (F.col("release_id") >= first_open_release(warehouse)).alias("is_open")
    told_of = known.agg(F.count(F.lit(1)).alias("tables")).select("*", is_open)
    told_of.orderBy(F.col("release_id").desc()).show(50, truncate=False)


def roll_back(warehouse: Warehouse, release_id: str) -> str:
    """Publish the versions of `release_id` as a new release; its id. StorageError for an unknown or closed one."""
    versions = release_versions(warehouse, release_id)
    require_open(warehouse, release_id)
    return republish(warehouse, release_id, versions, datetime.now(UTC))
