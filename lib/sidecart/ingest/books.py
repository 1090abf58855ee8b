"""The books: where every row of every input went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sidecart.contracts.frames import rows
from sidecart.contracts.runs import BOOKS, INGESTED_FILES
from sidecart.contracts.silver import QUARANTINE
from sidecart.ingest.files import fingerprint
from sidecart.ingest.look import LeftOut
from sidecart.ingest.survey import LandingFile

_WENT = ("rows_accepted", "rows_held", "rows_quarantined", "rows_deduplicated")


@dataclass(frozen=True)
class Entered:
    """What one input gave: its staged rows, the silver rows that entered, and the variants they must belong to."""

    staged: DataFrame
    entered: DataFrame
    variants: DataFrame | None = None


def ingested_files(
    spark: SparkSession, files: Sequence[LandingFile], left_out: Sequence[LeftOut], run_id: str
) -> DataFrame:
    """INGESTED_FILES of the files that this run read or left out."""
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
    values += [
        {
            "input": out.found.input,
            "source_file": out.found.relative,
            "sha256": fingerprint(out.found),
            "bytes": out.found.path.stat().st_size,
            "rows": 0,
            "reason_code": out.code,
            "run_id": run_id,
        }
        for out in left_out
    ]
    return rows(spark, INGESTED_FILES, values)


def refused_files(spark: SparkSession, left_out: Sequence[LeftOut], run_id: str) -> DataFrame:
    """QUARANTINE of files that this run left out, as line 0 of each."""
    values = [
        {
            "run_id": run_id,
            "input": out.found.input,
            "source_file": out.found.relative,
            "source_line": 0,
            "reason_code": out.code,
            "raw": out.why,
        }
        for out in left_out
    ]
    return rows(spark, QUARANTINE, values)


def books(
    spark: SparkSession,
    files: Sequence[LandingFile],
    inputs: Mapping[str, Entered],
    run_id: str,
    left_out: Sequence[LeftOut] = (),
) -> DataFrame:
    """BOOKS of the run, one row per input that it read; a file left out counts as one row, read and quarantined.

    Rows read come from the surveys, the other counts from the frames: a row that the reader lost or made twice shows,
    as the books then don't balance. Counts are taken when this is called; call it when the frames are written.
    """
    values = []
    for name in dict.fromkeys((*inputs, *(out.found.input for out in left_out))):
        whole = sum(out.found.input == name for out in left_out)
        read = sum(file.rows for file in files if file.input == name)
        went = _went(inputs[name]) if name in inputs else dict.fromkeys(_WENT, 0)
        went["rows_quarantined"] += whole
        values.append({"run_id": run_id, "input": name, "rows_read": read + whole, **went})
    return rows(spark, BOOKS, values)


def _went(input_: Entered) -> dict[str, int]:
    by_fault = {row["is_refused"]: row["count"] for row in _by_fault(input_.staged).collect()}
    entered = input_.entered.count()
    held = 0
    if input_.variants is not None:
        held = input_.entered.join(input_.variants.select("variant_id"), "variant_id", "left_anti").count()
    refused = by_fault.get(True, 0)
    return dict(zip(_WENT, (entered - held, held, refused, by_fault.get(False, 0) - entered), strict=True))


def _by_fault(staged: DataFrame) -> DataFrame:
    return staged.groupBy(F.col("fault").isNotNull().alias("is_refused")).count()
