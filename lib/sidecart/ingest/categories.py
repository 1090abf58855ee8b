"""Categories: the shop's tree, or one level made of the categories that its catalogue names."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.contracts.frames import conform
from sidecart.contracts.inputs import CATEGORIES as INPUT
from sidecart.contracts.silver import CATEGORIES
from sidecart.ingest.parsing import Moment
from sidecart.ingest.snapshots import staged_snapshot, with_duplicate_keys
from sidecart.ingest.staged import staged
from sidecart.ingest.trees import orphan_warnings, require_tree, with_paths


def staged_categories(raw: DataFrame, moment: Moment) -> DataFrame:
    """One row per input row: its values and its fault."""
    return staged(with_duplicate_keys(staged_snapshot(raw, INPUT, moment), INPUT), INPUT.name)


def categories(rows: DataFrame | None, catalog: DataFrame) -> tuple[DataFrame, list[str]]:
    """CATEGORIES and warnings. Categories that only the catalogue names stand at the top.

    Raises InputError CATEGORY_CYCLE or CATEGORY_DEPTH.
    """
    named = catalog.where("category_id IS NOT NULL").select("category_id").distinct()
    if rows is None:
        derived = named.select("category_id", F.lit(None).cast("string").alias("parent_id"))
        named_nodes = derived.withColumn("name", F.col("category_id"))
        return _conformed(named_nodes, with_paths(_nodes(named_nodes))), []
    given = rows.where("is_newest").select("category_id", "parent_id", F.coalesce("name", "category_id").alias("name"))
    stray = named.join(given, "category_id", "left_anti").select(
        "category_id", F.lit(None).cast("string").alias("parent_id"), F.col("category_id").alias("name")
    )
    tree = with_paths(_nodes(given.unionByName(stray)))
    require_tree(tree, "CATEGORY")
    warnings = orphan_warnings(tree, "CATEGORY_ORPHAN") + _stray_warnings(stray)
    return _conformed(given.unionByName(stray), tree), warnings


def _nodes(named: DataFrame) -> DataFrame:
    return named.select(F.col("category_id").alias("id"), "parent_id")


def _conformed(named: DataFrame, tree: DataFrame) -> DataFrame:
    nodes = tree.withColumnRenamed("id", "category_id").withColumn("depth", F.size("path"))
    return conform(named.drop("parent_id").join(nodes, "category_id"), CATEGORIES)


def _stray_warnings(stray: DataFrame) -> list[str]:
    found = stray.agg(F.count("*").alias("n"), F.min("category_id").alias("first")).collect()[0]
    text = f"CATEGORY_ORPHAN: {found['n']} in the catalogue that categories lacks, {found['first']} for one"
    return [text] if found["n"] else []
