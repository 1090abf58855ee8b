"""What a run says while it works: lines for people, and the same as JSON lines beside the tables."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sidecart.storage.location import local_folder
from sidecart.storage.run import Run

_FIELDS = ("stage", "rows_in", "rows_out", "version")


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        return json.dumps(line)


def log_to_console() -> None:
    """Progress lines on standard error, once per process."""
    logger = logging.getLogger("sidecart")
    logger.setLevel(logging.INFO)
    if not logger.handlers:
        console = logging.StreamHandler(sys.stderr)
        console.setFormatter(logging.Formatter("  %(message)s"))
        logger.addHandler(console)
    # Spark repeats on it what it raises as an error.
    logging.getLogger("DataFrameQueryContextLogger").disabled = True


@contextmanager
def run_log(run: Run) -> Iterator[Path | None]:
    """The run's log as JSON lines, `_logs/RUN.jsonl` under the base path; a schema's runs log to the console only."""
    folder = local_folder(run.warehouse.location)
    if folder is None:
        yield None
        return
    file = folder / "_logs" / f"{run.run_id}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(_JsonLines())
    logger = logging.getLogger("sidecart")
    logger.addHandler(handler)
    try:
        yield file
    finally:
        logger.removeHandler(handler)
        handler.close()
