"""Staged rows: parsed rows of one input with their fault, from which accepted and refused rows are taken."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.contracts.frames import conform
from sidecart.contracts.inputs import INPUTS
from sidecart.contracts.silver import QUARANTINE
from sidecart.ingest.buyers import HASHED_COLUMNS, MASK


@dataclass(frozen=True)
class Batch:
    """One run's reading of one input: who refuses, and for which input."""

    input: str
    run_id: str


def with_fault(rows: DataFrame, *faults: Column) -> DataFrame:
    """The rows with the first of their own fault and the given ones."""
    return rows.withColumn("fault", F.coalesce("fault", *faults))


def staged(rows: DataFrame, input_name: str) -> DataFrame:
    """The rows with `raw` (only where refused) instead of `came`, ready to be kept."""
    texts = [_shown(name).alias(name) for name in INPUTS[input_name].column_names]
    came = F.coalesce(F.col("came.raw"), F.to_json(F.struct(*texts)))
    return rows.withColumn("raw", F.when(F.col("fault").isNotNull(), came)).drop("came")


def _shown(name: str) -> Column:
    text = F.col(f"came.{name}")
    return F.when(text.isNotNull(), F.lit(MASK)) if name in HASHED_COLUMNS else text


def accepted(rows: DataFrame) -> DataFrame:
    """The rows without a fault."""
    return rows.where(F.col("fault").isNull())


def refused(rows: DataFrame, batch: Batch) -> DataFrame:
    """The rows at fault, as the contract QUARANTINE says."""
    return conform(
        rows.where(F.col("fault").isNotNull()).select(
            F.lit(batch.run_id).alias("run_id"),
            F.lit(batch.input).alias("input"),
            "source_file",
            "source_line",
            F.col("fault.code").alias("reason_code"),
            F.col("fault.column").alias("column_name"),
            "raw",
        ),
        QUARANTINE,
    )
