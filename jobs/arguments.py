"""What every task is told on its command line, and how it ends."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from sidecart.errors import GateError, SettingsError, SidecartError
from sidecart.quality.gates import load_judge
from sidecart.settings_files import load_settings
from sidecart.storage.journal import log_to_console, run_log
from sidecart.storage.location import PathLocation, local_folder, location_of
from sidecart.storage.lock import writer_lock
from sidecart.storage.run import Run
from sidecart.storage.session import build_session, options_for
from sidecart.storage.warehouse import Warehouse
from sidecart_jobs.continuity import require_next


@dataclass(frozen=True)
class FileStream:
    """How Spark's stream of landing files is read: where it remembers what it told of, and how many at a time."""

    checkpoint: str
    max_files_per_trigger: int | None = None


CountMode = Literal["auto", "incremental", "full"]
"""What is counted: what changed since the newest release, all of history, or `auto`: the first where it can be."""


def run_as_task(
    task: Callable[[Run], None],
    told: argparse.Namespace | None = None,
    start: Callable[[argparse.Namespace], Run] | None = None,
    then: Callable[[Warehouse], None] | None = None,
) -> None:
    """Do a run, or one task of a run that several share: all of them are told the same `--run-id`.

    A task that fails takes back what its run wrote and records why. `start` begins the run otherwise than start_run.
    `then` is done once the run has ended well: where it raises, the run's record stays as it is.
    """
    told = told or task_parser().parse_args()
    log_to_console()
    try:
        run = (start or start_run)(told)
        with writer_lock(run.warehouse.location), run_log(run):
            require_next(run)
            finish(run, task)
            if then:
                then(run.warehouse)
    except SidecartError as error:
        raise SystemExit(f"sidecart: {error}") from None


def start_run(told: argparse.Namespace) -> Run:
    """The run that the arguments ask for, in this process's session."""
    settings = load_settings(told.shop)
    if "force" in told and told.force:
        settings = replace(settings, ingest=replace(settings.ingest, max_wildcard_share=1.0))
    options = {}
    files = vars(told).get("landing") or vars(told).get("history")
    if files:
        load_judge()
        folder = local_folder(location_of(told.warehouse))
        options = options_for(files, folder / "silver") if folder else {}
    spark = build_session("sidecart", master=told.master, driver_memory=told.driver_memory, options=options)
    return Run.start(Warehouse(spark, told.warehouse), settings, told.as_of or datetime.now(UTC), told.run_id)


def finish(run: Run, task: Callable[[Run], None]) -> None:
    """Do the task; where it raises, take back what the run wrote, record why, and raise the same."""
    try:
        task(run)
    except GateError as error:
        run.fail("refused", str(error))
        raise
    except Exception as error:
        run.fail("failed", f"{type(error).__name__}: {error}")
        raise


def task_parser() -> argparse.ArgumentParser:
    """A parser of the arguments that all tasks take."""
    parser = argparse.ArgumentParser()
    add_run_arguments(parser)
    return parser


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """What a run must know."""
    add_session_arguments(parser)
    parser.add_argument("--shop", type=Path, help="the shop's TOML file; the general preset without one")
    parser.add_argument("--as-of", type=moment, help="the moment the run speaks of, a date or a time; now without it")


def add_session_arguments(parser: argparse.ArgumentParser) -> None:
    """Where a run works and what it is called; one that goes on from a release needs no more."""
    parser.add_argument("--warehouse", required=True, help="base path of the tables, or schema:CATALOG.SCHEMA")
    parser.add_argument("--run-id", help="the run this task belongs to; all tasks of a run are told the same")
    parser.add_argument("--master", help="Spark master of a local session; spark-submit names its own")
    parser.add_argument("--driver-memory", default="4g", help="memory of a local session's driver")


def add_landing_arguments(parser: argparse.ArgumentParser) -> None:
    """What a run that reads landing files must know."""
    parser.add_argument("--landing", type=Path, required=True, help="folder of the landing files")
    parser.add_argument(
        "--force",
        action="store_true",
        help="take rules that choose more than ingest.max_wildcard_share of the catalogue",
    )


def add_checkpoint_arguments(parser: argparse.ArgumentParser) -> None:
    """What a run whose landing files come as a stream can be told."""
    parser.add_argument("--checkpoint", help="folder of the stream's checkpoint (default: under the base path)")
    parser.add_argument("--max-files-per-trigger", type=int, help="files of one micro-batch; a run takes all batches")


def stream_of(told: argparse.Namespace) -> FileStream:
    """The stream that the arguments ask for; raises SettingsError where a schema leaves no place for its checkpoint."""
    location = location_of(told.warehouse)
    if told.checkpoint is None and not isinstance(location, PathLocation):
        raise SettingsError(f"a stream into {told.warehouse}: name a folder for its checkpoint with --checkpoint")
    beside = f"{location.base.rstrip('/')}/_checkpoints/landed_files" if isinstance(location, PathLocation) else ""
    return FileStream(told.checkpoint or beside, told.max_files_per_trigger)


def add_mode_argument(parser: argparse.ArgumentParser) -> None:
    """Whether counts are gone on from."""
    parser.add_argument(
        "--mode",
        choices=get_args(CountMode),
        default="auto",
        help="count what changed since the newest release (incremental) or all of history (full);"
        " auto: the first where it can be, and the log says why where it can't",
    )


def moment(text: str) -> datetime:
    """A date (its end, in UTC) or a time with an offset."""
    parsed = datetime.fromisoformat(text)
    if len(text) == 10:
        parsed = parsed.replace(hour=23, minute=59, second=59)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed
