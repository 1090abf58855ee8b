"""Take a table elsewhere: one Parquet file that any tool reads."""

from __future__ import annotations

import argparse
import difflib
import shutil
from pathlib import Path
from tempfile import mkdtemp

from pyspark.sql import DataFrame

from sidecart.errors import StorageError
from sidecart_cli.reading import analysts_session, registered


def export(told: argparse.Namespace) -> None:
    """Write `told.table` of a release to `told.file`, whole or not at all, rows ordered by the table's key."""
    spark = analysts_session()
    names = registered(spark, told)
    if told.table not in names:
        near = difflib.get_close_matches(told.table, names, 1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(names))}"
        raise StorageError(f"no table or view {told.table!r}{hint}")
    write_one_file(spark.table(told.table), told.file)
    print(f"{told.table} → {told.file} ({told.file.stat().st_size:,} bytes)")


def write_one_file(frame: DataFrame, file: Path) -> None:
    """Write the frame as one Parquet file: Spark writes it beside, then it takes its name in one step."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(mkdtemp(prefix=f".{file.name}.", dir=file.parent))
    try:
        frame.coalesce(1).write.mode("overwrite").parquet(str(beside / "part"))
        (part,) = sorted((beside / "part").glob("*.parquet"))
        part.replace(file)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
