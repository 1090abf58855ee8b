"""One writer per shop, and none that a dead process keeps out."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sidecart.errors import StorageError
from sidecart.storage.location import PathLocation, SchemaLocation
from sidecart.storage.lock import writer_lock

_HOLDER = """
import sys, time
from sidecart.storage.location import PathLocation
from sidecart.storage.lock import writer_lock
with writer_lock(PathLocation(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_told_to_wait(tmp_path: Path) -> None:
    shop = PathLocation(str(tmp_path / "shop"))
    with writer_lock(shop), pytest.raises(StorageError, match="another run is writing to"), writer_lock(shop):
        pass


def test_the_lock_is_free_when_the_run_has_ended(tmp_path: Path) -> None:
    shop = PathLocation(str(tmp_path / "shop"))
    for _ in range(2):
        with writer_lock(shop):
            pass


def test_a_run_that_was_killed_holds_no_lock(tmp_path: Path) -> None:
    shop = PathLocation(str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", _HOLDER, shop.base], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StorageError), writer_lock(shop):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with writer_lock(shop):
        pass


def test_runs_of_a_schema_are_kept_apart_by_their_scheduler() -> None:
    schema = SchemaLocation("shops.grocery")
    with writer_lock(schema), writer_lock(schema):
        pass
