"""Arrivals: the files of a landing folder as Spark's file source tells of them, each once per checkpoint."""

from __future__ import annotations

import re
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sidecart.contracts.frames import conform
from sidecart.contracts.runs import LANDED_FILES

_FILE_SCHEMA = "path STRING, modificationTime TIMESTAMP, length BIGINT, content BINARY"
_NEVER_TOO_OLD = "36500d"
"""By default the source passes over files a week older than the newest it saw, and says nothing."""


def arriving_files(spark: SparkSession, landing: Path, max_files_per_trigger: int | None = None) -> DataFrame:
    """LANDED_FILES of the folder as a streaming frame, their content unread; the source tells of no empty file."""
    root = str(landing.resolve())
    reader = (
        spark.readStream.format("binaryFile")
        .schema(_FILE_SCHEMA)
        .option("recursiveFileLookup", "true")
        .option("maxFileAge", _NEVER_TOO_OLD)
    )
    if max_files_per_trigger is not None:
        reader = reader.option("maxFilesPerTrigger", max_files_per_trigger)
    files = reader.load(_literal(root))
    before = F.locate(f"{root}/", F.col("path")) + F.lit(len(root) + 1)
    told = files.select(
        F.substr("path", before).alias("source_file"),
        F.col("length").alias("bytes"),
        F.col("modificationTime").alias("modified_at"),
        # Spark keeps a micro-batch's moment with its offsets: told again, it is the same.
        F.current_timestamp().alias("noticed_at"),
    )
    return conform(told, LANDED_FILES)


def _literal(path: str) -> str:
    """The path with characters escaped that choose several."""
    return re.sub(r"([\[\]{}*?\\])", r"\\\1", path)
