"""Import history: years of orders and views beside the live files, in any number of pieces and in any order."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from sidecart.contracts.silver import CATALOG
from sidecart.errors import InputError, SettingsError
from sidecart.ingest.look import Folder
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.run import Run
from sidecart_jobs.arguments import CountMode, add_mode_argument, run_as_task, task_parser
from sidecart_jobs.ingest_landing import ingest
from sidecart_jobs.run_chain import release

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def import_history(run: Run, history: Path, name: str | None = None, mode: CountMode = "auto") -> None:
    """From a folder of orders and views of the past to a release.

    What holds now (catalogue, categories, regions, offers, rules) stays as the newest release has it; before the first
    one it is read from the folder. Files are known as `history/NAME/…`; NAME is the folder's without one.
    Raises InputError, RuleError or GateError, and SettingsError for a name that is none.
    """
    ingest_history(run, history, name, mode)
    release(run, mode)


def ingest_history(run: Run, history: Path, name: str | None = None, mode: CountMode = "auto") -> None:
    """The same up to silver."""
    called = name or history.resolve().name
    if not _NAME.fullmatch(called):
        raise SettingsError(f"history {called!r}: name it with --name, in letters, digits, dot, dash and underscore")
    is_begun = CATALOG.name in ReleaseReader(run.warehouse).versions
    if not is_begun and history.is_dir() and not any(history.glob("catalog*")):
        raise InputError(
            "INPUT_MISSING",
            f"{history} has no catalogue and nothing is released yet: put catalog.csv into it, or do `sidecart run` on"
            " the live files first",
        )
    ingest(run, Folder(history, f"history/{called}/", is_history=is_begun), mode)


def add_history_arguments(parser: argparse.ArgumentParser) -> None:
    """What an import of history can be told beside what every run must know."""
    parser.add_argument("--history", type=Path, required=True, help="folder of orders and views of the past")
    parser.add_argument("--name", help="what the folder's files are known by (default: the folder's name)")
    add_mode_argument(parser)


def import_as_told(told: argparse.Namespace) -> None:
    """Import history as the arguments say."""
    run_as_task(lambda run: import_history(run, told.history, told.name, told.mode), told)


def main() -> None:
    parser = task_parser()
    add_history_arguments(parser)
    import_as_told(parser.parse_args())


if __name__ == "__main__":
    main()
