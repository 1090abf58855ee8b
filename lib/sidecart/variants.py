"""Variant facts: what lists need to know of a variant, in integers that state tables use."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sidecart.settings import ScoringSettings, Settings


def variant_facts(
    catalog: DataFrame, categories: DataFrame, ids: DataFrame, root_support: DataFrame, settings: Settings
) -> DataFrame:
    """One row per variant of the catalogue (contract variant_facts).

    `root_support`: variant, buyers and baskets of the whole shop; a variant it lacks was never bought. own_category
    is null where the option is off.
    """
    lists = settings.lists
    paths = categories.select("category_id", "path")
    known = catalog.join(ids, "variant_id").join(F.broadcast(paths), "category_id", "left")
    counted = known.join(root_support.select("variant", "buyers", "baskets"), "variant", "left")
    path = F.coalesce("path", F.array().cast("array<string>"))
    own_level = None if lists.own_category_level == "none" else lists.own_category_level
    return counted.fillna(0, ["buyers", "baskets"]).select(
        "variant",
        "variant_id",
        "group_id",
        path.alias("category_path"),
        category_at(path, settings.compatibility.category_level).alias("category_id"),
        category_at(path, own_level).alias("own_category"),
        F.row_number().over(Window.orderBy("variant_id")).alias("id_order"),
        F.coalesce("attributes", F.create_map().cast("map<string,string>")).alias("attributes"),
        "buyers",
        "baskets",
    )


def facts_of(side: str, facts: DataFrame, settings: ScoringSettings) -> DataFrame:
    """The facts with columns named for one side of a pair: `anchor`, `anchor_id`, `anchor_group_id` and so on.

    `anchor_support` is the anchor's support in the whole shop, in the support unit.
    """
    renamed = {name: f"{side}_{name}" for name in ("group_id", "category_id", "own_category", "id_order")}
    support = F.col(settings.support_unit).alias(f"{side}_support")
    return facts.select("variant", "variant_id", *renamed, support).withColumnsRenamed(
        renamed | {"variant": side, "variant_id": f"{side}_id"}
    )


def category_at(path: Column, level: int | None) -> Column:
    """The category of a path at a level (1 is the top), or its deepest one where it ends above; null for none."""
    if level is None:
        return F.lit(None).cast("string")
    return F.when(F.size(path) > 0, F.element_at(path, F.least(F.lit(level), F.size(path))))
