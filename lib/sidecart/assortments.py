"""Assortments: what each region may sell, from the shop's offers or from what it sold."""

from __future__ import annotations

from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.contracts.frames import conform
from sidecart.contracts.silver import OFFERS
from sidecart.settings import RegionSettings

_BELOW, _SALES = "below", "sales"


def offers_of_all_regions(offers: DataFrame, regions: DataFrame) -> DataFrame:
    """The shop's offers, and for inner regions the union of what lies below them (contract offers).

    A region's own offer stands; where only regions below sell a variant, it is available if it is in one of them,
    at the lowest price at which it is.
    """
    above = regions.select("region_id", F.explode("path").alias("ancestor")).where("region_id <> ancestor")
    is_live = F.col("is_available")
    rolled = (
        offers.join(F.broadcast(above), "region_id")
        .groupBy(F.col("ancestor").alias("region_id"), "variant_id")
        .agg(
            F.max("is_available").alias("is_available"),
            F.coalesce(F.min(F.when(is_live, F.col("price"))), F.min("price")).alias("price"),
            F.coalesce(F.min(F.when(is_live, F.col("list_price"))), F.min("list_price")).alias("list_price"),
            F.max("updated_at").alias("updated_at"),
        )
        .withColumns({"attributes": _no_attributes(), "basis": F.lit(_BELOW)})
        .join(offers.select("region_id", "variant_id"), ["region_id", "variant_id"], "left_anti")
    )
    return conform(offers, OFFERS).unionByName(conform(rolled, OFFERS))


def offers_from_sales(
    order_lines: DataFrame, regions: DataFrame, root_region: str, as_of: datetime, settings: RegionSettings
) -> DataFrame:
    """What regions seem to sell, where the shop gives no offers (contract offers, basis `sales`).

    A variant is on sale where it sold within `assortment_weeks` before `as_of` in the region or below; at the root
    within the stricter `root_assortment_weeks`. Its price is that of the newest sale there.
    """
    paths = F.broadcast(regions.select("region_id", "path"))
    newest = F.max_by("unit_price", F.struct("ordered_at", "order_id", "line_key"))
    sold = (
        order_lines.where("quantity_left > 0")
        .where(F.col("ordered_at") > F.lit(as_of - timedelta(weeks=settings.assortment_weeks)))
        .join(paths, "region_id")
        .select(F.explode("path").alias("region_id"), "variant_id", "unit_price", "ordered_at", "order_id", "line_key")
        .groupBy("region_id", "variant_id")
        .agg(newest.alias("price"), F.max("ordered_at").alias("updated_at"))
    )
    too_old = F.col("updated_at") <= F.lit(as_of - timedelta(weeks=settings.root_assortment_weeks))
    derived = sold.where(~((F.col("region_id") == root_region) & too_old)).withColumns(
        {
            "is_available": F.lit(True),
            "list_price": F.lit(None),
            "attributes": _no_attributes(),
            "basis": F.lit(_SALES),
        }
    )
    return conform(derived, OFFERS)


def _no_attributes() -> Column:
    return F.create_map().cast("map<string,string>")
