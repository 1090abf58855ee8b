"""Where a row belongs: its region, the shop's default one, or the root of a shop without regions."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.ingest.parsing import fault
from sidecart.ingest.staged import with_fault


@dataclass(frozen=True)
class Places:
    """What the shop says of its regions: its tree (silver, None without such an input) and where empty ones go."""

    regions: DataFrame | None
    fallback: str | None


def in_its_region(rows: DataFrame, places: Places) -> DataFrame:
    """The rows with `region_id` filled; REGION_MISSING where nothing says which, REGION_UNKNOWN outside the tree."""
    region = F.coalesce("region_id", F.lit(places.fallback).cast("string"))
    filled = rows.withColumn("region_id", region)
    filled = with_fault(filled, fault(F.col("region_id").isNull(), "REGION_MISSING", "region_id"))
    return filled if places.regions is None else _in_the_tree(filled, places.regions)


def _in_the_tree(rows: DataFrame, regions: DataFrame) -> DataFrame:
    known = F.broadcast(regions.select("region_id", F.lit(True).alias("is_known")))
    unknown: Column = F.col("region_id").isNotNull() & F.col("is_known").isNull()
    joined = rows.join(known, "region_id", "left")
    return with_fault(joined, fault(unknown, "REGION_UNKNOWN", "region_id")).drop("is_known")
