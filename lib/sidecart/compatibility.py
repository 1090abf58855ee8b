"""Category compatibility: which categories are bought together more than basket sizes explain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart import measures
from sidecart.settings import CompatibilitySettings
from sidecart.variants import category_at

LEVELS_BELOW = 1
"""Levels below that of compatibility that are counted too: what fills a list asks a finer category."""


def counted_levels(settings: CompatibilitySettings) -> tuple[int, ...]:
    """The levels of the category tree that are counted, from the top."""
    return tuple(range(1, settings.category_level + LEVELS_BELOW + 1))


def basket_categories(baskets: DataFrame, facts: DataFrame, settings: CompatibilitySettings) -> DataFrame:
    """One row per counted basket and level: order_id, stratum of its size, level, distinct categories ascending.

    The size counts every variant, those without a category too.
    """
    levels = F.array(*(_at_level(level) for level in counted_levels(settings)))
    known = facts.where(F.size("category_path") > 0).select("variant", F.explode(levels).alias("at"))
    items = baskets.select("order_id", F.size("variants").alias("size"), F.explode("variants").alias("variant"))
    held = items.join(known, "variant").groupBy("order_id", "size", "at.level")
    return held.agg(F.array_sort(F.collect_set("at.category_id")).alias("categories")).select(
        "order_id", measures.stratum(F.col("size")).alias("stratum"), "level", "categories"
    )


def basket_strata(baskets: DataFrame) -> DataFrame:
    """One row per stratum of basket sizes: baskets and items (contract basket_strata)."""
    size = F.size("variants")
    return baskets.groupBy(measures.stratum(size).alias("stratum")).agg(
        F.count(F.lit(1)).alias("baskets"), F.sum(size.cast("bigint")).alias("items")
    )


def category_stratum_support(basket_categories: DataFrame) -> DataFrame:
    """One row per (level, category, stratum): baskets that hold it (contract category_stratum_support)."""
    held = basket_categories.select("level", "stratum", F.explode("categories").alias("category_id"))
    return held.groupBy("level", "category_id", "stratum").agg(F.count(F.lit(1)).alias("baskets"))


def category_pair_support(basket_categories: DataFrame) -> DataFrame:
    """One row per level and two categories that met, a < b: joint baskets (contract category_pair_support)."""
    first = basket_categories.select("level", "categories", F.explode("categories").alias("category_a"))
    pairs = first.select("level", "category_a", F.explode("categories").alias("category_b"))
    met = pairs.where("category_a < category_b").groupBy("level", "category_a", "category_b")
    return met.agg(F.count(F.lit(1)).alias("baskets"))


@dataclass(frozen=True)
class CategoryCounts:
    """What compatibility is measured from: the state tables of categories, and facts that say who is whose parent."""

    strata: DataFrame
    stratum_support: DataFrame
    pair_support: DataFrame
    facts: DataFrame

    @staticmethod
    def of(baskets: DataFrame, facts: DataFrame, settings: CompatibilitySettings) -> CategoryCounts:
        """The counts of these baskets, without the tables that keep them."""
        held = basket_categories(baskets, facts, settings)
        return CategoryCounts(
            basket_strata(baskets), category_stratum_support(held), category_pair_support(held), facts
        )


def category_compatibility(counts: CategoryCounts, settings: CompatibilitySettings) -> DataFrame:
    """One row per level and ordered pair of categories (contract category_compatibility but the release).

    lift = (O + prior L') / (E + prior): E the joint baskets that chance makes within each stratum of basket sizes,
    summed over strata in their order; L' the lift of the two categories above, 1 above the top. A category with itself
    has lift 1 and asks support 1. Down to the level of compatibility every two counted categories have a row, below
    it those that met.
    """
    measured = _measured(counts, 1, _no_parents(counts), settings)
    rows = measured
    for level in counted_levels(settings)[1:]:
        measured = _measured(counts, level, measured, settings)
        rows = rows.unionByName(measured)
    turned = rows.withColumns({"category_a": F.col("category_b"), "category_b": F.col("category_a")})
    return rows.unionByName(turned).unionByName(_with_itself(counts.stratum_support))


def with_lift(pairs: DataFrame, compatibility: DataFrame, settings: CompatibilitySettings) -> DataFrame:
    """The pairs with category_lift and required_support of their anchor_category_id and candidate_category_id.

    Where a category is unknown lift is 1, and required support what the gate asks of that.
    """
    keys = ["anchor_category_id", "candidate_category_id"]
    measured = compatibility.where(F.col("level") == settings.category_level).select(
        F.col("category_a").alias(keys[0]),
        F.col("category_b").alias(keys[1]),
        F.col("lift").alias("known_lift"),
        F.col("required_support").alias("known_support"),
    )
    asked = measures.required_support(F.lit(1.0), settings.gate_constant, settings.gate_power)
    return (
        pairs.join(F.broadcast(measured), keys, "left")
        .withColumn("category_lift", F.coalesce("known_lift", F.lit(1.0)))
        .withColumn("required_support", F.coalesce("known_support", asked))
        .drop("known_lift", "known_support")
    )


def _at_level(level: int) -> Column:
    return F.struct(F.lit(level).alias("level"), category_at(F.col("category_path"), level).alias("category_id"))


def _no_parents(counts: CategoryCounts) -> DataFrame:
    """Of no two categories: the lift of what is above the top."""
    nothing = counts.pair_support.where(F.lit(False))
    return nothing.select("category_a", "category_b", F.lit(1.0).alias("lift"))


def _measured(counts: CategoryCounts, level: int, above: DataFrame, settings: CompatibilitySettings) -> DataFrame:
    """Pairs of the level, category_a < category_b, with their lift shrunk to that of `above`, the level above."""
    met = counts.pair_support.where(F.col("level") == level)
    pairs = met.select("category_a", "category_b", F.col("baskets").alias("joint_baskets"))
    if level <= settings.category_level:
        every = _every_two(counts, level)
        pairs = every.join(pairs, ["category_a", "category_b"], "left").fillna(0, ["joint_baskets"])
    parented = _with_parent_lift(_expected(counts, pairs, level), above, counts.facts, level)
    lift = measures.shrunk_lift(
        F.col("joint_baskets"), F.col("expected_baskets"), F.col("parent_lift"), settings.prior_baskets
    )
    asked = measures.required_support(F.col("lift"), settings.gate_constant, settings.gate_power)
    return parented.withColumn("level", F.lit(level)).withColumn("lift", lift).withColumn("required_support", asked)


def _with_parent_lift(pairs: DataFrame, above: DataFrame, facts: DataFrame, level: int) -> DataFrame:
    """The pairs with parent_lift: that of the categories above them, 1 where those are one or unknown."""
    path = F.col("category_path")
    parents = facts.groupBy(category_at(path, level).alias("category")).agg(
        F.min(category_at(path, max(1, level - 1))).alias("parent")
    )
    for side in ("a", "b"):
        of_side = parents.select(F.col("category").alias(f"category_{side}"), F.col("parent").alias(f"parent_{side}"))
        pairs = pairs.join(F.broadcast(of_side), f"category_{side}", "left")
    known = above.select(
        F.col("category_a").alias("first"), F.col("category_b").alias("second"), F.col("lift").alias("known_lift")
    )
    is_pair = (F.least("parent_a", "parent_b") == F.col("first")) & (
        F.greatest("parent_a", "parent_b") == F.col("second")
    )
    joined = pairs.join(F.broadcast(known), is_pair, "left")
    parent_lift = F.coalesce("known_lift", F.lit(1.0)).alias("parent_lift")
    return joined.select("category_a", "category_b", "joint_baskets", "expected_baskets", parent_lift)


def _expected(counts: CategoryCounts, pairs: DataFrame, level: int) -> DataFrame:
    """The pairs with expected_baskets: a float sum in the order of strata, so equal everywhere."""
    profiles = _profiles(counts.stratum_support.where(F.col("level") == level))
    for side in ("a", "b"):
        of_side = profiles.withColumnsRenamed({"category_id": f"category_{side}", "profile": f"profile_{side}"})
        pairs = pairs.join(F.broadcast(of_side), f"category_{side}")
    chances = [
        measures.expected_joint(
            F.col("profile_a")[place], F.col("profile_b")[place], F.col("baskets")[place], F.col("mean")[place]
        )
        for place in range(len(measures.STRATA))
    ]
    sizes = counts.strata.agg(
        F.array(*(_of_stratum(bound, F.col("baskets"), 1) for bound in measures.STRATA)).alias("baskets"),
        F.array(*(_of_stratum(bound, F.col("items") / F.col("baskets"), 1) for bound in measures.STRATA)).alias("mean"),
    )
    total = reduce(Column.__add__, chances)
    return pairs.crossJoin(F.broadcast(sizes)).select(*pairs.columns, total.alias("expected_baskets"))


def _profiles(stratum_support: DataFrame) -> DataFrame:
    """One row per category: `profile`, its baskets in each stratum."""
    held = (_of_stratum(bound, F.col("baskets"), 0) for bound in measures.STRATA)
    return stratum_support.groupBy("category_id").agg(F.array(*held).alias("profile"))


def _of_stratum(bound: int, value: Column, default: int) -> Column:
    return F.coalesce(F.max(F.when(F.col("stratum") == bound, value)), F.lit(default)).cast("double")


def _every_two(counts: CategoryCounts, level: int) -> DataFrame:
    """Every two counted categories of the level, category_a < category_b."""
    held = counts.stratum_support.where(F.col("level") == level).select("category_id").distinct()
    a, b = (held.withColumnRenamed("category_id", f"category_{side}") for side in ("a", "b"))
    return a.join(F.broadcast(b), F.col("category_a") < F.col("category_b"))


def _with_itself(stratum_support: DataFrame) -> DataFrame:
    held = stratum_support.groupBy("level", "category_id").agg(F.sum("baskets").alias("joint_baskets"))
    return held.select(
        F.col("category_id").alias("category_a"),
        F.col("category_id").alias("category_b"),
        "joint_baskets",
        F.col("joint_baskets").cast("double").alias("expected_baskets"),
        F.lit(1.0).alias("parent_lift"),
        "level",
        F.lit(1.0).alias("lift"),
        F.lit(1).alias("required_support"),
    )
