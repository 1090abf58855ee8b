"""A Delta table as a landing input: its newest version, read as a whole."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema

from sidecart.contracts.inputs import READABLE
from sidecart.contracts.model import InputContract
from sidecart.ingest.columns import ignored_columns, positions_of, require_types
from sidecart.ingest.files import FoundFile
from sidecart.ingest.survey import LandingFile


def survey_delta(spark: SparkSession, found: FoundFile) -> LandingFile:
    """The table's newest version as one landing file, its rows counted by Delta.

    Raises InputError for columns the contract can't use.
    """
    table = spark.read.format("delta").load(str(_folder(found.path)))
    contract = READABLE[found.input]
    names = tuple(table.columns)
    positions_of(names, contract, found.relative)
    require_types(to_arrow_schema(table.schema), contract, found.relative)
    return LandingFile.of(found, table.count(), names, ignored=ignored_columns(names, contract))


def delta_rows(spark: SparkSession, file: LandingFile, contract: InputContract) -> DataFrame:
    """The contract's columns that the table has, with source_file; source_line is 0 until `numbered`."""
    names = [name for name in contract.column_names if name in file.header]
    folder, _, _ = file.relative.rpartition("/_delta_log/")
    where = F.concat_ws("/", F.lit(folder), F.col("_metadata.file_name")).alias("source_file")
    table = spark.read.format("delta").load(str(_folder(Path(file.path))))
    return table.select(*names, where, F.lit(0).cast("bigint").alias("source_line"))


def numbered(raw: DataFrame, contract: InputContract) -> DataFrame:
    """Raw rows with source_line: their rank by content in their data file, as Delta tells no row numbers."""
    by_content = Window.partitionBy("source_file").orderBy(*contract.column_names)
    return raw.withColumn("source_line", F.row_number().over(by_content).cast("bigint"))


def _folder(commit: Path) -> Path:
    return commit.parent.parent
