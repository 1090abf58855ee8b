"""What every task is told on its command line, and how it ends."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sidecart.errors import SidecartError
from sidecart.settings import load_settings
from sidecart.storage.lock import writer_lock
from sidecart.storage.run import Run
from sidecart.storage.session import build_session
from sidecart.storage.warehouse import Warehouse


def run_as_task(task: Callable[[Run], None], arguments: Sequence[str] | None = None) -> None:
    """Run one task of a run that other tasks share: all of them are told the same `--run-id`."""
    told = task_parser().parse_args(arguments)
    spark = build_session("sidecart")
    run = Run.start(Warehouse(spark, told.warehouse), load_settings(told.shop), told.as_of, told.run_id)
    try:
        with writer_lock(run.warehouse.location):
            task(run)
    except SidecartError as error:
        raise SystemExit(f"sidecart: {error}") from None


def task_parser() -> argparse.ArgumentParser:
    """Arguments that all tasks take."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--warehouse", required=True, help="base path of the tables, or schema:CATALOG.SCHEMA")
    parser.add_argument("--shop", type=Path, help="the shop's TOML file; the general preset without one")
    parser.add_argument("--as-of", type=moment, default=datetime.now(UTC), help="the moment the run speaks of")
    parser.add_argument("--run-id", help="the run this task belongs to; all tasks of a run are told the same")
    return parser


def moment(text: str) -> datetime:
    """A date (its end, in UTC) or a time with an offset."""
    parsed = datetime.fromisoformat(text)
    if len(text) == 10:
        parsed = parsed.replace(hour=23, minute=59, second=59)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed
