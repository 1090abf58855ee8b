"""Releases: which versions of all tables readers see together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.contracts.frames import rows
from sidecart.contracts.model import Contract
from sidecart.contracts.runs import ERASURE_RECEIPTS, RELEASES
from sidecart.contracts.state import CHANGES_OF
from sidecart.errors import StorageError
from sidecart.pair_changes import with_additions
from sidecart.storage.warehouse import RELEASED, Warehouse


def release_versions(warehouse: Warehouse, release_id: str | None = None) -> dict[str, int]:
    """Table versions of a release, the newest by default; empty where nothing was ever released.

    Raises StorageError for a release that does not exist.
    """
    if not warehouse.exists(RELEASES):
        return {}
    releases = warehouse.read(RELEASES)
    wanted = release_id or newest_release(warehouse)
    if wanted is None:
        return {}
    found = releases.where(F.col("release_id") == wanted).collect()
    if not found:
        raise StorageError(f"no release {wanted!r}; the table releases lists them")
    return {row["table_name"]: int(row["table_version"]) for row in found}


def newest_release(warehouse: Warehouse) -> str | None:
    """The id of the newest release; ids sort by time."""
    if not warehouse.exists(RELEASES):
        return None
    row = warehouse.read(RELEASES).agg(F.max("release_id").alias("newest")).first()
    return row["newest"] if row else None


def erasures(warehouse: Warehouse) -> DataFrame:
    """Receipts (contract erasure_receipts) of erasures that were released; one of a killed or refused run is none."""
    if not warehouse.exists(ERASURE_RECEIPTS):
        return rows(warehouse.spark, ERASURE_RECEIPTS, [])
    released = warehouse.read(RELEASES).select("release_id").distinct()
    return warehouse.read(ERASURE_RECEIPTS).join(released, "release_id", "left_semi")


def first_open_release(warehouse: Warehouse) -> str:
    """The first release that no erasure or purge closed; empty where there was none."""
    told = erasures(warehouse)
    if not warehouse.exists(RELEASES):
        return ""
    purged = told.select(F.col("purged_release_id").alias("release_id"))
    left = purged.join(warehouse.read(RELEASES), "release_id", "left_semi")
    row = told.select("release_id").unionByName(left).agg(F.max("release_id").alias("first")).first()
    return str(row["first"]) if row and row["first"] else ""


def require_open(warehouse: Warehouse, release_id: str) -> None:
    """Raise StorageError for a release that an erasure or a purge closed."""
    first = first_open_release(warehouse)
    if release_id < first:
        raise StorageError(
            f"release {release_id} is closed: buyers were erased since, and it holds them still or was purged;"
            f" the first that can be read is {first}"
        )


def publish(
    warehouse: Warehouse, release_id: str, run_id: str, as_of: datetime, released_at: datetime, versions: dict[str, int]
) -> None:
    """Make these versions what readers see, in one commit."""
    common = {"release_id": release_id, "run_id": run_id, "as_of": as_of, "released_at": released_at}
    frame = rows(
        warehouse.spark,
        RELEASES,
        [common | {"table_name": name, "table_version": version} for name, version in sorted(versions.items())],
    )
    warehouse.write(RELEASES, frame.coalesce(1), run_id, mode="append")


def republish(warehouse: Warehouse, release_id: str, versions: dict[str, int], now: datetime) -> str:
    """Publish what `release_id` speaks of, at these versions, as a new release; its id."""
    of_old = warehouse.read(RELEASES).where(F.col("release_id") == release_id).first()
    if of_old is None:
        raise StorageError(f"no release {release_id!r}; `sidecart releases` lists them")
    new = f"release-{now:%Y%m%dT%H%M%S%f}"
    publish(warehouse, new, of_old["run_id"], of_old["as_of"], now, versions)
    return new


def current_versions(warehouse: Warehouse) -> dict[str, int]:
    """Versions at which the writer of this warehouse left all tables that a release names."""
    return {c.name: warehouse.left_at(c) for c in RELEASED if warehouse.exists(c)}


Narrow = Callable[[DataFrame], DataFrame]
"""Leaves some rows of a table, by columns of its key."""


def all_rows(rows: DataFrame) -> DataFrame:
    """Leaves every row."""
    return rows


class ReleaseReader:
    """Reads every table as one release left it, the newest or one that is named and open (see require_open)."""

    def __init__(self, warehouse: Warehouse, release_id: str | None = None) -> None:
        self.warehouse = warehouse
        self.release_id = release_id or newest_release(warehouse)
        self.versions = release_versions(warehouse, self.release_id)
        if release_id:
            require_open(warehouse, release_id)

    def read(self, contract: Contract, narrow: Narrow = all_rows) -> DataFrame:
        """The table's rows in this release, with all that runs added; run records are read as they are now.

        Only those that `narrow` leaves, see with_changes.
        """
        return with_changes(contract, self.read_stored, narrow)

    def read_stored(self, contract: Contract) -> DataFrame:
        """The same without what runs added; no rows of a table of additions that the release does not name."""
        if contract in CHANGES_OF.values() and contract.name not in self.versions:
            return rows(self.warehouse.spark, contract, [])
        if contract not in RELEASED:
            return self.warehouse.read(contract)
        if contract.name not in self.versions:
            raise StorageError(f"table {contract.name} is in no release; run `sidecart run` first")
        return self.warehouse.read(contract, self.versions[contract.name])


def with_changes(contract: Contract, read: Callable[[Contract], DataFrame], narrow: Narrow = all_rows) -> DataFrame:
    """The table's rows and what runs added to them, in one sum; `read` reads the tables.

    `narrow` leaves some rows, by columns of the key: of every part before they are summed, so that no other is.
    """
    stored = narrow(read(contract))
    if contract not in CHANGES_OF:
        return stored
    changes = read(CHANGES_OF[contract])
    return stored if changes.isEmpty() else with_additions(contract, stored, narrow(changes))
