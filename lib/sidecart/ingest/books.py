"""The books: where every row of every input went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sidecart.contracts.frames import rows
from sidecart.contracts.runs import BOOKS, INGESTED_FILES
from sidecart.ingest.survey import LandingFile


@dataclass(frozen=True)
class Entered:
    """What one input gave: its staged rows, the silver rows that entered, and the variants they must belong to."""

    staged: DataFrame
    entered: DataFrame
    variants: DataFrame | None = None


def ingested_files(spark: SparkSession, files: Sequence[LandingFile], run_id: str) -> DataFrame:
    """INGESTED_FILES of the files that this run read."""
    values = [
        {
            "input": file.input,
            "source_file": file.relative,
            "sha256": file.sha256,
            "bytes": file.bytes,
            "rows": file.rows,
            "run_id": run_id,
        }
        for file in files
    ]
    return rows(spark, INGESTED_FILES, values)


def books(spark: SparkSession, files: Sequence[LandingFile], inputs: Mapping[str, Entered], run_id: str) -> DataFrame:
    """BOOKS of the run, one row per input that it read.

    Rows read come from the surveys, the other counts from the frames: a row that the reader lost or made twice shows,
    as the books then don't balance. Counts are taken when this is called; call it when the frames are written.
    """
    values = []
    for name, input_ in inputs.items():
        read = sum(file.rows for file in files if file.input == name)
        values.append({"run_id": run_id, "input": name, "rows_read": read, **_went(input_)})
    return rows(spark, BOOKS, values)


def _went(input_: Entered) -> dict[str, int]:
    by_fault = {row["is_refused"]: row["count"] for row in _by_fault(input_.staged).collect()}
    entered = input_.entered.count()
    held = 0
    if input_.variants is not None:
        held = input_.entered.join(input_.variants.select("variant_id"), "variant_id", "left_anti").count()
    return {
        "rows_accepted": entered - held,
        "rows_held": held,
        "rows_quarantined": by_fault.get(True, 0),
        "rows_deduplicated": by_fault.get(False, 0) - entered,
    }


def _by_fault(staged: DataFrame) -> DataFrame:
    return staged.groupBy(F.col("fault").isNotNull().alias("is_refused")).count()
