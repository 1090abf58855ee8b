"""Regions: the shop's tree under its root, or one level made of the regions that its rows name."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.contracts.frames import conform
from sidecart.contracts.inputs import REGIONS as INPUT
from sidecart.contracts.silver import REGIONS
from sidecart.errors import InputError
from sidecart.ingest.parsing import Moment
from sidecart.ingest.snapshots import staged_snapshot, with_duplicate_keys
from sidecart.ingest.staged import staged
from sidecart.ingest.trees import orphan_warnings, require_tree, with_paths
from sidecart.settings import ShopSettings


def staged_regions(raw: DataFrame, moment: Moment) -> DataFrame:
    """One row per input row: its values and its fault."""
    return staged(with_duplicate_keys(staged_snapshot(raw, INPUT, moment), INPUT), INPUT.name)


def regions(rows: DataFrame, shop: ShopSettings) -> tuple[DataFrame, list[str]]:
    """REGIONS from the shop's own tree, and warnings. The root is always there and above all.

    Raises InputError REGION_CYCLE, REGION_DEPTH, or DEFAULT_REGION where the tree lacks the shop's default one.
    """
    given = rows.where("is_newest").select("region_id", "parent_id", F.coalesce("name", "region_id").alias("name"))
    tree = with_paths(given.select(F.col("region_id").alias("id"), "parent_id"), shop.root_region)
    require_tree(tree, "REGION")
    if shop.default_region not in (None, shop.root_region) and given.where(_is(shop.default_region)).isEmpty():
        raise InputError(
            "DEFAULT_REGION", f"regions has no {shop.default_region}; add it or change shop.default_region"
        )
    return _conformed(tree, given), orphan_warnings(tree, "REGION_ORPHAN")


def derived_regions(named: list[DataFrame], shop: ShopSettings) -> DataFrame:
    """REGIONS of a shop that hands over no tree: each region that a frame names (region_id), under the root."""
    ids = reduce(DataFrame.unionByName, [frame.select("region_id") for frame in named])
    if shop.default_region is not None:
        ids = ids.unionByName(ids.sparkSession.createDataFrame([(shop.default_region,)], "region_id string"))
    ids = ids.distinct()
    nodes = ids.select(F.col("region_id").alias("id"), F.lit(None).cast("string").alias("parent_id"))
    nothing = ids.select("region_id", F.col("region_id").alias("name"))
    return _conformed(with_paths(nodes, shop.root_region), nothing)


def _is(region: str | None) -> Column:
    return F.col("region_id") == F.lit(region)


def _conformed(tree: DataFrame, names: DataFrame) -> DataFrame:
    nodes = tree.withColumnRenamed("id", "region_id").withColumn("depth", F.size("path") - 1)
    named = nodes.join(names.select("region_id", "name"), "region_id", "left")
    return conform(named.withColumn("name", F.coalesce("name", "region_id")), REGIONS)
