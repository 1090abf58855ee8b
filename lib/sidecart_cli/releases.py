"""List releases, and go back to one."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from pyspark.sql import functions as F

from sidecart.contracts.runs import RELEASES
from sidecart.errors import StorageError
from sidecart.storage.lock import writer_lock
from sidecart.storage.releases import publish, release_versions
from sidecart.storage.warehouse import Warehouse
from sidecart_cli.reading import analysts_session


def releases(told: argparse.Namespace) -> None:
    """Print the releases, newest first; with --rollback publish an older one's versions again as a new release."""
    warehouse = Warehouse(analysts_session(), told.warehouse)
    if not warehouse.exists(RELEASES):
        raise StorageError(f"nothing was released in {told.warehouse} yet; run `sidecart run` first")
    if told.rollback:
        with writer_lock(warehouse.location):
            roll_back(warehouse, told.rollback)
    known = warehouse.read(RELEASES).groupBy("release_id", "run_id", "as_of", "released_at")
    known.agg(F.count(F.lit(1)).alias("tables")).orderBy(F.col("release_id").desc()).show(50, truncate=False)


def roll_back(warehouse: Warehouse, release_id: str) -> str:
    """Publish the versions of `release_id` as a new release; its id. Raises StorageError for an unknown one."""
    versions = release_versions(warehouse, release_id)
    of_old = warehouse.read(RELEASES).where(F.col("release_id") == release_id).first()
    if of_old is None:
        raise StorageError(f"no release {release_id!r}; `sidecart releases` lists them")
    now = datetime.now(UTC)
    new = f"release-{now:%Y%m%dT%H%M%S%f}"
    publish(warehouse, new, of_old["run_id"], of_old["as_of"], now, versions)
    return new
