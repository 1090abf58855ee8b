"""Erasures: which buyers are to be forgotten, which rows are theirs, and how they are kept out from then on."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from sidecart.contracts.inputs import ERASURES
from sidecart.errors import InputError
from sidecart.ingest.buyers import MASK, BuyerKey
from sidecart.ingest.delta import survey_delta
from sidecart.ingest.files import files_at
from sidecart.ingest.parsing import Moment, fault, typed_rows
from sidecart.ingest.reading import raw_rows
from sidecart.ingest.reasons import REASONS
from sidecart.ingest.survey import LandingFile, survey

_PLACE = ["source_file", "source_line"]


def asked_rows(spark: SparkSession, path: Path, moment: Moment, key: BuyerKey) -> DataFrame:
    """One row per row of a file, folder or Delta table of buyers (contract erasures): buyer_key, its fault and place.

    Raises InputError where the file can't be read or has no rows. No error tells what stands in it.
    """
    files = _surveyed(spark, path, moment)
    if not any(file.rows for file in files):
        raise InputError("FILE_EMPTY", f"{path}: no rows; name at least one buyer_id")
    typed = typed_rows(raw_rows(spark, ERASURES.name, files, moment.settings.ingest, key), ERASURES, moment)
    return typed.select(*_PLACE, F.col("buyer_id").alias("buyer_key"), "fault")


def _surveyed(spark: SparkSession, path: Path, moment: Moment) -> list[LandingFile]:
    found = files_at(path, ERASURES.name)
    try:
        return [survey_delta(spark, f) if f.format == "delta" else survey(f, moment.settings.ingest) for f in found]
    except InputError as error:
        if error.code != "COLUMN_MISSING":
            raise
        # The usual message shows the header, which in a file without one is a buyer.
        raise InputError(error.code, f"{path}: the first line must be buyer_id, one buyer in each line below") from None


def require_readable(asked: DataFrame) -> None:
    """Raise InputError where a row names no buyer: half an erasure would look like a whole one."""
    bad = asked.where("fault IS NOT NULL").orderBy(*_PLACE).first()
    if bad is not None:
        reason = REASONS[bad["fault"]["code"]]
        raise InputError(
            reason.code,
            f"{bad['source_file']}, line {bad['source_line']}: {reason.meaning}; {reason.remedy}. Nobody was erased",
        )


def erased_hash(buyer_key: Column) -> Column:
    """What erased_buyers knows a buyer by: the way from it back to the keyed hash is as closed as that to the buyer."""
    return F.sha2(F.concat(F.lit("erased "), buyer_key), 256)


def rows_of(buyers: DataFrame, rows: DataFrame, visit: str) -> DataFrame:
    """The rows that are the buyers' (buyer_key): those that name one, and those without a buyer whose `visit` (order_id
    or session_id) names one of them and nobody else.
    """
    named = rows.join(buyers, "buyer_key", "left_semi")
    visits = named.where(F.col(visit).isNotNull()).select(visit).distinct()
    of_visits = rows.join(visits, visit, "left_semi")
    shared = of_visits.where("buyer_key IS NOT NULL").join(buyers, "buyer_key", "left_anti").select(visit).distinct()
    nameless = of_visits.where("buyer_key IS NULL").join(shared, visit, "left_anti")
    return named.unionByName(nameless.select(*named.columns))


def refuse_erased(staged: DataFrame, erased: DataFrame, visit: str) -> DataFrame:
    """Staged rows, those of buyers in `erased` (contract erased_buyers) refused as BUYER_ERASED, without their text."""
    keys = staged.where("buyer_key IS NOT NULL").select("buyer_key").distinct()
    hashes = F.broadcast(erased.select("erased_hash"))
    buyers = keys.join(hashes, erased_hash(F.col("buyer_key")) == F.col("erased_hash"), "left_semi")
    theirs = rows_of(buyers, staged, visit).select(*_PLACE, F.lit(True).alias("is_erased"))
    marked = staged.join(theirs, _PLACE, "left")
    is_erased = F.coalesce("is_erased", F.lit(False))
    refused = marked.withColumns(
        {
            "fault": F.coalesce(fault(is_erased, "BUYER_ERASED", "buyer_id"), F.col("fault")),
            "raw": F.when(is_erased, MASK).otherwise(F.col("raw")),
        }
    )
    return refused.select(*staged.columns)
