"""Run the whole chain: ingest, count, list, publish."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sidecart.storage.run import Run
from sidecart_jobs.arguments import CountMode, add_landing_arguments, add_mode_argument, run_as_task, task_parser
from sidecart_jobs.build_shortlists import build_shortlists
from sidecart_jobs.ingest_landing import ingest_landing
from sidecart_jobs.publish_release import publish_release
from sidecart_jobs.purge_traces import purge_if_due
from sidecart_jobs.update_pairs import update_pairs


def run_chain(run: Run, landing: Path, mode: CountMode = "auto") -> None:
    """From a landing folder to a release; what an erasure promised to be gone by now is purged then."""
    ingest_landing(run, landing, mode)
    update_pairs(run, mode)
    build_shortlists(run)
    publish_release(run)
    purge_if_due(run.warehouse, datetime.now(UTC))


def main() -> None:
    parser = task_parser()
    add_landing_arguments(parser)
    add_mode_argument(parser)
    told = parser.parse_args()
    run_as_task(lambda run: run_chain(run, told.landing, told.mode), told)


if __name__ == "__main__":
    main()
