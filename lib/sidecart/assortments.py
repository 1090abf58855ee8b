"""Assortments: what each region may sell, from the shop's offers or from what it sold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.contracts.frames import Keep, conform
from sidecart.contracts.silver import OFFERS
from sidecart.row_changes import changed_rows
from sidecart.settings import RegionSettings

_BELOW, _SALES = "below", "sales"
_IS_SOLD = "quantity_left > 0"


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


@dataclass(frozen=True)
class SalesWindow:
    """Where and of when sales tell what is on sale: regions (region_id, path), the root, the moment, for how long."""

    regions: DataFrame
    root_region: str
    as_of: datetime
    settings: RegionSettings

    @property
    def since(self) -> datetime:
        """The beginning of the longer window, that of regions."""
        return self.as_of - timedelta(weeks=self.settings.assortment_weeks)

    def holds(self, updated_at: Column) -> Column:
        """Whether a newest sale at that time, in region_id, still tells that a variant is on sale."""
        at_root = F.lit(self.as_of - timedelta(weeks=self.settings.root_assortment_weeks))
        is_elsewhere = F.col("region_id") != self.root_region
        return (updated_at > F.lit(self.since)) & (is_elsewhere | (updated_at > at_root))


def offers_from_sales(order_lines: DataFrame, window: SalesWindow) -> DataFrame:
    """What regions seem to sell, where the shop gives no offers (contract offers, basis `sales`).

    A variant is on sale where it sold within `assortment_weeks` before `as_of` in the region or below; at the root
    within the stricter `root_assortment_weeks`. Its price is that of the newest sale there.
    """
    return _derived(_newest_sales(order_lines, window), window)


def changed_offers(
    offers: DataFrame, changes: DataFrame, order_lines: DataFrame, window: SalesWindow, keep: Keep
) -> DataFrame:
    """What makes `offers`, derived so for an earlier moment, those of this one (row_changes.changed_rows).

    `changes`: how lines changed since (the same, of ORDER_LINES); `order_lines`: all, as they are. Only where a line
    that went was the newest sale, or one that came is as new as it, are the lines themselves asked. `keep` writes a
    frame once and gives it back as read.
    """
    keys = ["region_id", "variant_id"]
    came = keep("newest_sales", _newest_sales(changes.where("NOT is_gone"), window))
    lost = _at_nodes(changes.where("is_known").select("was.*").where(_IS_SOLD), window.regions)
    moments = came.select(*keys, "updated_at").unionByName(lost.select(*keys, F.col("ordered_at").alias("updated_at")))
    named = F.broadcast(moments.select(*keys).distinct().withColumn("is_named", F.lit(True)))
    is_old = ~window.holds(F.col("updated_at"))
    was = keep("offers_met", offers.join(named, keys, "left").where(F.col("is_named") | is_old).drop("is_named"))
    doubtful = was.join(F.broadcast(moments.distinct()), [*keys, "updated_at"], "left_semi").select(*keys)
    doubtful = F.broadcast(keep("doubtful_offers", doubtful))
    sure = came.unionByName(was.select(*came.columns)).join(doubtful, keys, "left_anti")
    # No two sales of one moment are left, so this is the newest whatever the order of rows.
    newest = [F.max_by("price", "updated_at").alias("price"), F.max("updated_at").alias("updated_at")]
    asked = order_lines.join(F.broadcast(doubtful.select("variant_id").distinct()), "variant_id", "left_semi")
    again = _newest_sales(asked, window).join(doubtful, keys, "left_semi")
    now = sure.groupBy(*keys).agg(*newest).unionByName(again.select(*keys, "price", "updated_at"))
    return changed_rows(was, _derived(now, window), OFFERS)


def _newest_sales(order_lines: DataFrame, window: SalesWindow) -> DataFrame:
    """One row per region and variant sold there or below within the longer window: price and updated_at of the newest
    sale.
    """
    newest = F.max(F.struct("ordered_at", "order_id", "line_key", "unit_price")).alias("newest")
    sold = order_lines.where(_IS_SOLD).where(F.col("ordered_at") > F.lit(window.since))
    # A region's own first: there are far fewer of them to lay out along the tree than lines.
    own = sold.groupBy("region_id", "variant_id").agg(newest)
    of_nodes = _at_nodes(own, window.regions).groupBy("region_id", "variant_id").agg(F.max("newest").alias("newest"))
    return of_nodes.select(
        "region_id",
        "variant_id",
        F.col("newest.unit_price").alias("price"),
        F.col("newest.ordered_at").alias("updated_at"),
    )


def _at_nodes(rows: DataFrame, regions: DataFrame) -> DataFrame:
    """Every row once for each node of its region's path, as region_id."""
    paths = F.broadcast(regions.select("region_id", "path"))
    others = [name for name in rows.columns if name != "region_id"]
    return rows.join(paths, "region_id").select(F.explode("path").alias("region_id"), *others)


def _derived(newest: DataFrame, window: SalesWindow) -> DataFrame:
    """Newest sales (region_id, variant_id, price, updated_at) as offers, where they are new enough."""
    told = {
        "is_available": F.lit(True),
        "list_price": F.lit(None),
        "attributes": _no_attributes(),
        "basis": F.lit(_SALES),
    }
    return conform(newest.where(window.holds(F.col("updated_at"))).withColumns(told), OFFERS)


def _no_attributes() -> Column:
    return F.create_map().cast("map<string,string>")
