"""Refresh: a new scoring version on the newest release's counts, and all lists by it."""

from __future__ import annotations

from sidecart.errors import StorageError
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.run import Run
from sidecart_jobs.arguments import run_as_task
from sidecart_jobs.build_shortlists import build_shortlists
from sidecart_jobs.publish_release import publish_release


def refresh_parameters(run: Run) -> None:
    """Publish a release of the same counts with scoring parameters found anew; StorageError where there is none yet."""
    run.rewind()
    if ReleaseReader(run.warehouse).release_id is None:
        raise StorageError(f"nothing was released in {run.warehouse.location} yet: `sidecart run` finds them")
    build_shortlists(run, refresh=True)
    publish_release(run)


def main() -> None:
    run_as_task(refresh_parameters)


if __name__ == "__main__":
    main()
