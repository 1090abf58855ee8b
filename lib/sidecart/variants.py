"""Variant facts: what lists need to know of a variant, in integers that state tables use."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sidecart.draws import DRAWS
from sidecart.settings import ColdStartSettings, ListSettings, ScoringSettings, Settings

_NAMED_BY_SIDE = (
    "group_id", "group_variant", "category_id", "subcategory_id", "own_category", "brand", "brand_mode", "id_order",
)  # fmt: skip
BESTSELLERS = 20
"""How many of the most bought are best sellers."""


def variant_facts(
    catalog: DataFrame,
    categories: DataFrame,
    ids: DataFrame,
    root_support: DataFrame,
    recent: DataFrame,
    settings: Settings,
) -> DataFrame:
    """One row per variant of the catalogue (contract variant_facts).

    `root_support`: variant, buyers and baskets of the whole shop; a variant it lacks was never bought. `recent`:
    variant and recent_baskets (baskets.recent_baskets). own_category is null where the option is off.
    """
    level = settings.compatibility.category_level
    paths = categories.select("category_id", "path")
    known = catalog.join(ids, "variant_id").join(F.broadcast(paths), "category_id", "left")
    bought = known.join(root_support.select("variant", "buyers", "baskets"), "variant", "left")
    counted = bought.join(recent, "variant", "left")
    path = F.coalesce("path", F.array().cast("array<string>"))
    return counted.fillna(0, ["buyers", "baskets", "recent_baskets"]).select(
        "variant",
        "variant_id",
        "group_id",
        F.min("variant").over(Window.partitionBy("group_id")).alias("group_variant"),
        "brand",
        path.alias("category_path"),
        category_at(path, level).alias("category_id"),
        category_at(path, level + 1).alias("subcategory_id"),
        own_category(path, settings.lists).alias("own_category"),
        brand_mode(path, settings.cold_start).alias("brand_mode"),
        F.row_number().over(Window.orderBy("variant_id")).alias("id_order"),
        F.coalesce("attributes", F.create_map().cast("map<string,string>")).alias("attributes"),
        "buyers",
        "baskets",
        "recent_baskets",
        draw_of(F.col("variant_id")).alias("draw"),
    )


def facts_of(side: str, facts: DataFrame, settings: ScoringSettings) -> DataFrame:
    """The facts with columns named for one side of a pair: `anchor`, `anchor_id`, `anchor_group_id` and so on.

    `anchor_support` is the anchor's support in the whole shop, in the support unit.
    """
    renamed = {name: f"{side}_{name}" for name in _NAMED_BY_SIDE}
    support = F.col(settings.support_unit).alias(f"{side}_support")
    return facts.select("variant", "variant_id", *renamed, support).withColumnsRenamed(
        renamed | {"variant": side, "variant_id": f"{side}_id"}
    )


def with_bestsellers(facts: DataFrame, support_unit: str) -> DataFrame:
    """variant_facts with is_bestseller: one of the 20 most bought of the whole shop, by support, then by id."""
    support = F.col(support_unit)
    place = F.row_number().over(Window.orderBy(support.desc(), "id_order"))
    return facts.withColumn("is_bestseller", (place <= BESTSELLERS) & (support > 0))


def brand_mode(category_path: Column, settings: ColdStartSettings) -> Column:
    """off, first or only: how fills of an anchor in this category treat its brand; the deepest one named holds."""
    return _by_category(category_path, dict(settings.brand_by_category), settings.brand)


def own_category(category_path: Column, settings: ListSettings) -> Column:
    """The category that an anchor and its candidates must not share, null where nothing is excluded."""
    named = {c: 0 if level == "none" else level for c, level in settings.own_category_by_category.items()}
    of_shop = 0 if settings.own_category_level == "none" else settings.own_category_level
    level = _by_category(category_path, named, of_shop)
    place = F.least(level, F.size(category_path))
    return F.when((level > 0) & (F.size(category_path) > 0), F.try_element_at(category_path, F.nullif(place, F.lit(0))))


def _by_category(category_path: Column, named: Mapping[str, str | int], default: str | int) -> Column:
    """What is set for the deepest category of the path that is named, else the default."""
    if not named:
        return F.lit(default)
    table = F.create_map(*(F.lit(part) for entry in named.items() for part in entry))
    found = F.filter(
        F.transform(category_path, lambda category: F.try_element_at(table, category)), lambda value: value.isNotNull()
    )
    return F.coalesce(F.try_element_at(found, F.lit(-1)), F.lit(default))


def draw_of(variant_id: Column) -> Column:
    """An integer from 1 to DRAWS - 1 by the md5 of the id, the same in every engine."""
    return integer_of(variant_id) % F.lit(DRAWS - 1) + 1


def integer_of(text: Column) -> Column:
    """The text as a BIGINT of 60 bits, the same in every engine, by its md5; null for none."""
    return F.conv(F.substring(F.md5(text), 1, 15), 16, 10).cast("bigint")


def category_at(path: Column, level: int) -> Column:
    """The category of a path at a level (1 is the top), or its deepest one where it ends above; null for none.

    Asked of every row, whatever a filter beside it says: compiled plans choose the order.
    """
    return F.get(path, F.least(F.lit(level), F.size(path)) - 1)
