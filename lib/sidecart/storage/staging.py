"""Staging: frames that a run writes once to read several times, gone when it ends."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import pyarrow.dataset as ds
from pyspark.sql import DataFrame, SparkSession

from sidecart.storage.location import Location, PathLocation

_LOG = logging.getLogger("sidecart.run")


class Staging:
    """A folder of Parquet frames by name."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark = spark
        self.folder = folder

    def keep(self, name: str, frame: DataFrame) -> DataFrame:
        """Write the frame under the name and give it back as read."""
        begun = time.monotonic()
        target = str(self.folder / name)
        frame.write.mode("overwrite").parquet(target)
        # The footers say it: a query would cost as much as writing a small frame.
        rows = ds.dataset(target).count_rows()
        _LOG.info("%-26s %12s rows read %30.1f s", name, f"{rows:,}", time.monotonic() - begun)
        return self.spark.read.schema(frame.schema).parquet(target)


@contextmanager
def staging(spark: SparkSession, location: Location, run_id: str) -> Iterator[Staging]:
    """A run's staging folder: under the base path, or a temporary one of this machine for a schema's tables."""
    if isinstance(location, PathLocation):
        folder = Path(location.base) / "_staging" / run_id
        folder.mkdir(parents=True, exist_ok=True)
    else:
        folder = Path(mkdtemp(prefix="sidecart-"))
    try:
        yield Staging(spark, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
