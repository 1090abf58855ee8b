"""Offers: what each region sells now, and for how much, as the shop says."""

from __future__ import annotations

from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.contracts.frames import conform
from sidecart.contracts.inputs import OFFERS as INPUT
from sidecart.contracts.silver import OFFERS
from sidecart.ingest.parsing import Moment
from sidecart.ingest.places import Places, in_its_region
from sidecart.ingest.snapshots import staged_snapshot
from sidecart.ingest.staged import staged


def staged_offers(raw: DataFrame, places: Places, moment: Moment) -> DataFrame:
    """One row per input row: its values and its fault."""
    return staged(staged_snapshot(raw, INPUT, moment, "updated_at", partial(in_its_region, places=places)), INPUT.name)


def empty_region_warnings(offers: DataFrame, regions: DataFrame) -> list[str]:
    """One sentence that counts the regions without an offer there or below, and names the first, or none."""
    selling = offers.select("region_id").distinct()
    above = regions.join(F.broadcast(selling), "region_id", "left_semi").select(F.explode("path").alias("region_id"))
    empty = regions.join(F.broadcast(above.distinct()), "region_id", "left_anti")
    found = empty.agg(F.count(F.lit(1)).alias("n"), F.min("region_id").alias("first")).collect()[0]
    return [f"REGION_EMPTY: {found['n']} without offers, {found['first']} for one"] if found["n"] else []


def offers(rows: DataFrame) -> DataFrame:
    """OFFERS: a price of 0 is no price to buy at, so such a variant is not available."""
    is_free = F.coalesce(F.col("price") == 0, F.lit(False))
    completed = rows.where("is_newest").withColumns(
        {
            "is_available": F.coalesce("available", F.lit(True)) & ~is_free,
            "attributes": F.coalesce("attributes", F.create_map().cast("map<string,string>")),
            "basis": F.lit("offers"),
        }
    )
    return conform(completed, OFFERS)
