"""Ingest as a stream: Spark's file source says which landing files are new, and the one ingest reads them."""

from __future__ import annotations

from pathlib import Path

from sidecart.contracts.runs import LANDED_FILES
from sidecart.errors import InputError
from sidecart.ingest.arrivals import arriving_files
from sidecart.ingest.look import Folder
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
from sidecart_jobs.ingest_landing import ingest


def ingest_stream(run: Run, landing: Path, stream: FileStream, mode: CountMode = "auto") -> None:
    """Write silver from the files that landed since the newest release, and from the snapshots as they are now.

    Raises InputError, RuleError, GateError or, where the stream fails, StorageError.
    """
    notice_files(run, landing, stream)
    ingest(run, Folder(landing), mode, is_streamed=True)


def notice_files(run: Run, landing: Path, stream: FileStream) -> None:
    """Write down which files landed since the stream was asked last (contract landed_files).

    No run takes this back: a file waits there until a release holds it. Raises InputError for a missing folder.
    """
    if not landing.is_dir():
        raise InputError("INPUT_MISSING", f"{landing} is no folder; give the folder of landing files")
    told = arriving_files(run.warehouse.spark, landing, stream.max_files_per_trigger)
    run.warehouse.append_stream(LANDED_FILES, told, stream.checkpoint)


def main() -> None:
    parser = task_parser()
    add_landing_arguments(parser)
    add_checkpoint_arguments(parser)
    add_mode_argument(parser)
    told = parser.parse_args()
    run_as_task(lambda run: ingest_stream(run, told.landing, stream_of(told), told.mode), told)


if __name__ == "__main__":
    main()
