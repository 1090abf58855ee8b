"""One writer per shop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from sidecart.errors import StorageError
from sidecart.storage.location import Location, local_folder


@contextmanager
def writer_lock(location: Location) -> Iterator[None]:
    """Hold the shop's lock; the operating system lets it go when the process ends, however it ends.

    Local base paths only: a schema's jobs are kept apart by their scheduler (max_concurrent_runs: 1).
    Raises StorageError where another run holds it.
    """
    folder = local_folder(location)
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "_writer.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StorageError(f"another run is writing to {folder}; wait for it to end") from None
    try:
        yield
    finally:
        lock.release()
