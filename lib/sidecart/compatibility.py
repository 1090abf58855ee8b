"""Category compatibility: which categories are bought together more than basket sizes explain."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart import measures
from sidecart.settings import CompatibilitySettings


def basket_categories(baskets: DataFrame, facts: DataFrame) -> DataFrame:
    """One row per counted basket: order_id, stratum of its size, and its distinct categories, ascending.

    The size counts every variant, those without a category too.
    """
    items = baskets.select("order_id", F.size("variants").alias("size"), F.explode("variants").alias("variant"))
    known = items.join(facts.select("variant", "category_id"), "variant", "left")
    return (
        known.groupBy("order_id", "size")
        .agg(F.array_sort(F.collect_set("category_id")).alias("categories"))
        .select("order_id", measures.stratum(F.col("size")).alias("stratum"), "categories")
    )


def basket_strata(baskets: DataFrame) -> DataFrame:
    """One row per stratum of basket sizes: baskets and items (contract basket_strata)."""
    size = F.size("variants")
    return baskets.groupBy(measures.stratum(size).alias("stratum")).agg(
        F.count(F.lit(1)).alias("baskets"), F.sum(size.cast("bigint")).alias("items")
    )


def category_stratum_support(basket_categories: DataFrame) -> DataFrame:
    """One row per (category, stratum): baskets that hold it (contract category_stratum_support)."""
    held = basket_categories.select("stratum", F.explode("categories").alias("category_id"))
    return held.groupBy("category_id", "stratum").agg(F.count(F.lit(1)).alias("baskets"))


def category_pair_support(basket_categories: DataFrame) -> DataFrame:
    """One row per two categories that met, category_a < category_b: joint baskets (contract category_pair_support)."""
    first = basket_categories.select("categories", F.explode("categories").alias("category_a"))
    pairs = first.select("category_a", F.explode("categories").alias("category_b")).where("category_a < category_b")
    return pairs.groupBy("category_a", "category_b").agg(F.count(F.lit(1)).alias("baskets"))


def category_compatibility(
    strata: DataFrame, stratum_support: DataFrame, pair_support: DataFrame, settings: CompatibilitySettings
) -> DataFrame:
    """One row per ordered pair of counted categories (contract category_compatibility but the release).

    lift = (O + prior) / (E + prior), E the joint baskets that chance makes within each stratum of basket sizes,
    summed over strata in their order. A category with itself has lift 1 and asks support 1.
    """
    expected = _expected(strata, stratum_support)
    joint = pair_support.select("category_a", "category_b", F.col("baskets").alias("joint_baskets"))
    met = expected.join(joint, ["category_a", "category_b"], "left").fillna(0, ["joint_baskets"])
    lift = measures.shrunk_lift(F.col("joint_baskets"), F.col("expected_baskets"), settings.prior_baskets)
    measured = met.withColumn("lift", lift).withColumn(
        "required_support",
        measures.required_support(F.col("lift"), settings.gate_constant, settings.gate_power),
    )
    turned = measured.withColumns({"category_a": F.col("category_b"), "category_b": F.col("category_a")})
    return measured.unionByName(turned).unionByName(_with_itself(stratum_support))


def with_lift(pairs: DataFrame, compatibility: DataFrame, settings: CompatibilitySettings) -> DataFrame:
    """The pairs with category_lift and required_support of their anchor_category_id and candidate_category_id.

    Where a category is unknown lift is 1, and required support what the gate asks of that.
    """
    keys = ["anchor_category_id", "candidate_category_id"]
    measured = compatibility.select(
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


def _expected(strata: DataFrame, stratum_support: DataFrame) -> DataFrame:
    """category_a < category_b and expected_baskets; a float sum in the order of strata, so equal everywhere."""
    sizes = strata.select("stratum", F.col("baskets").alias("all"), (F.col("items") / F.col("baskets")).alias("mean"))
    a = stratum_support.select("stratum", F.col("category_id").alias("category_a"), F.col("baskets").alias("a_baskets"))
    b = stratum_support.select("stratum", F.col("category_id").alias("category_b"), F.col("baskets").alias("b_baskets"))
    met = a.join(b, "stratum").where("category_a < category_b").join(F.broadcast(sizes), "stratum")
    chance = measures.expected_joint(F.col("a_baskets"), F.col("b_baskets"), F.col("all"), F.col("mean"))
    by_stratum = F.array_sort(F.collect_list(F.struct("stratum", chance.alias("chance"))))
    total = F.aggregate(by_stratum, F.lit(0.0), lambda sum_, step: sum_ + step["chance"])
    return met.groupBy("category_a", "category_b").agg(total.alias("expected_baskets"))


def _with_itself(stratum_support: DataFrame) -> DataFrame:
    held = stratum_support.groupBy("category_id").agg(F.sum("baskets").alias("joint_baskets"))
    return held.select(
        F.col("category_id").alias("category_a"),
        F.col("category_id").alias("category_b"),
        F.col("joint_baskets").cast("double").alias("expected_baskets"),
        "joint_baskets",
        F.lit(1.0).alias("lift"),
        F.lit(1).alias("required_support"),
    )
