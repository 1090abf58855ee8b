"""Run the whole chain: ingest, count, list, publish."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from sidecart.storage.run import Run
from sidecart_jobs.arguments import (
    CountMode,
    FileStream,
    add_checkpoint_arguments,
    add_landing_arguments,
    add_mode_argument,
    run_as_task,
    stream_of,
    task_parser,
)
from sidecart_jobs.build_shortlists import build_shortlists
from sidecart_jobs.ingest_landing import ingest_landing
from sidecart_jobs.ingest_stream import ingest_stream
from sidecart_jobs.publish_release import publish_release
from sidecart_jobs.purge_traces import purge_if_due
from sidecart_jobs.update_pairs import update_pairs


def run_chain(run: Run, landing: Path, mode: CountMode = "auto", stream: FileStream | None = None) -> None:
    """From a landing folder to a release; with a stream, from the files that it says are new."""
    if stream is None:
        ingest_landing(run, landing, mode)
    else:
        ingest_stream(run, landing, stream, mode)
    release(run, mode)


def release(run: Run, mode: CountMode) -> None:
    """From silver to a release."""
    update_pairs(run, mode)
    build_shortlists(run)
    publish_release(run)


def add_chain_arguments(parser: argparse.ArgumentParser) -> None:
    """What a run of the chain can be told beside what every run must know."""
    add_landing_arguments(parser)
    parser.add_argument(
        "--stream",
        action="store_true",
        help="let Spark's stream of files (availableNow) say which orders and views are new: files of earlier runs"
        " are not opened again",
    )
    add_checkpoint_arguments(parser)
    add_mode_argument(parser)


def run_as_told(told: argparse.Namespace) -> None:
    """Run the chain as the arguments say; what an erasure promised to be gone by now is purged then."""

    def chain(run: Run) -> None:
        run_chain(run, told.landing, told.mode, stream_of(told) if told.stream else None)

    run_as_task(chain, told, then=lambda warehouse: purge_if_due(warehouse, datetime.now(UTC)))


def main() -> None:
    parser = task_parser()
    add_chain_arguments(parser)
    run_as_told(parser.parse_args())


if __name__ == "__main__":
    main()
