"""Purging: nothing is left of a warehouse but its newest release."""

from __future__ import annotations

import re
import shutil
from datetime import datetime

from sidecart.contracts.frames import TABLES
from sidecart.contracts.model import Contract, Layer
from sidecart.errors import StorageError
from sidecart.storage.location import local_folder, local_path
from sidecart.storage.warehouse import Warehouse

_VERSIONED = re.compile(r"^\.?(\d{20})\.")

PURGED = tuple(contract for contract in TABLES.values() if contract.layer != Layer.RUNS)
"""Tables of which old versions hold buyers, or tell them by what was counted before and after."""


def cut_logs(warehouse: Warehouse) -> dict[str, int]:
    """Begin the log of every table anew; the versions that are to be released before anything is deleted."""
    return {contract.name: warehouse.cut(contract) for contract in PURGED if warehouse.exists(contract)}


def delete_old_versions(warehouse: Warehouse, versions: dict[str, int]) -> None:
    """Delete the data and logs of all that came before the cut (see cut_logs)."""
    for contract in PURGED:
        if contract.name in versions:
            warehouse.vacuum(contract)
            _delete_log_before(warehouse, contract, versions[contract.name] - 1)


def _delete_log_before(warehouse: Warehouse, contract: Contract, checkpoint: int) -> None:
    log = local_path(warehouse.location, contract) / "_delta_log"
    if not list(log.glob(f"{checkpoint:020d}.checkpoint*.parquet")):
        raise StorageError(f"{contract.name}: no checkpoint {checkpoint} in {log}; run `sidecart purge` again")
    for file in sorted(log.iterdir()):
        version = _VERSIONED.match(file.name)
        if version and int(version[1]) < checkpoint:
            file.unlink()


def delete_leftovers(warehouse: Warehouse, until: datetime) -> None:
    """Delete what killed runs left in staging, and the logs of runs that ended before `until`."""
    folder = local_folder(warehouse.location)
    if folder is None:
        return
    for left in sorted((folder / "_staging").glob("*")):
        shutil.rmtree(left)
    for log in sorted((folder / "_logs").glob("*.jsonl")):
        if log.stat().st_mtime <= until.timestamp():
            log.unlink()
