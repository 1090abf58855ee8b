"""Variant facts: what lists need to know of a variant, in integers that state tables use."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sidecart.settings import CompatibilitySettings, ListSettings


def variant_facts(
    catalog: DataFrame, categories: DataFrame, ids: DataFrame, compatibility: CompatibilitySettings, lists: ListSettings
) -> DataFrame:
    """One row per variant of the catalogue.

    Columns: variant, variant_id, group_id, category_path (ids from the top; empty without a category),
    category_id (at the level of compatibility, null without one), own_category (at the level of own-category
    exclusion; null where the option is off or the category unknown) and id_order, the place of variant_id among all.
    """
    paths = categories.select("category_id", "path")
    known = catalog.join(ids, "variant_id").join(F.broadcast(paths), "category_id", "left")
    path = F.coalesce("path", F.array().cast("array<string>"))
    own_level = None if lists.own_category_level == "none" else lists.own_category_level
    return known.select(
        "variant",
        "variant_id",
        "group_id",
        path.alias("category_path"),
        category_at(path, compatibility.category_level).alias("category_id"),
        category_at(path, own_level).alias("own_category"),
        F.row_number().over(Window.orderBy("variant_id")).alias("id_order"),
    )


def facts_of(side: str, facts: DataFrame) -> DataFrame:
    """The facts with columns named for one side of a pair: `anchor`, `anchor_id`, `anchor_group_id` and so on."""
    renamed = {name: f"{side}_{name}" for name in ("group_id", "category_id", "own_category", "id_order")}
    return facts.drop("category_path").withColumnsRenamed(renamed | {"variant": side, "variant_id": f"{side}_id"})


def category_at(path: Column, level: int | None) -> Column:
    """The category of a path at a level (1 is the top), or its deepest one where it ends above; null for none."""
    if level is None:
        return F.lit(None).cast("string")
    return F.when(F.size(path) > 0, F.element_at(path, F.least(F.lit(level), F.size(path))))
