"""Cold start: what fills a list that orders leave short, only from categories that complement the anchor's.

Joint views stand first, then what fits the anchor's category best, drawn so that lists of one category differ. The
anchor's brand comes first among the best fits, or alone, where the shop asks for it. Fit is counted in buyers whatever
the support unit: one household's habit says less of what a category goes with, and new products are met nearly twice as
often.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sidecart import fill_kernel, measures
from sidecart.fill_kernel import Drawing, Tiers
from sidecart.scoring import TIER_OTHER_BRAND, TIER_SAME_BRAND, is_of_own_category
from sidecart.settings import ColdStartSettings, Settings
from sidecart.variants import category_at, facts_of, integer_of

STEPS = ("subcategory", "category", "top", "brand", "small_range")
"""Where fills come from, in this order: what the anchor's subcategory met, its category, the category at the top (where
the category itself was never bought), where nothing but its brand may be filled in, that brand, and what small regions
sell of complementing categories. The last two are by popularity."""

_BY_POPULARITY = STEPS.index("brand")
TIER_BEHIND = TIER_OTHER_BRAND + len(STEPS)
"""The last tier: what small regions sell, and of the anchor's brand what many others fit better than."""
_OF_TOP = 12_000
"""Candidates of a top category, or of small regions, that a category looks at."""
_CROWD, _WELL_MET = 3_000, 5


@dataclass(frozen=True)
class ColdInputs:
    """What fills are made of."""

    root_pairs: DataFrame
    """Flat pairs of the whole shop, both directions."""
    facts: DataFrame
    compatibility: DataFrame
    offered: DataFrame
    """candidate and least_range (list_places.sellers)."""


def drawing(settings: ColdStartSettings) -> Drawing:
    """How fills are drawn, and where they stand behind joint views."""
    tiers = Tiers(TIER_SAME_BRAND + 1, TIER_OTHER_BRAND + 1, TIER_BEHIND)
    return Drawing(tiers, settings.sharpness, _BY_POPULARITY)


def compatible_categories(compatibility: DataFrame, facts: DataFrame, level: int) -> DataFrame:
    """One row per two categories of the catalogue, the second complementing the first: category_id, beside, lift.

    Lift is at least 1. A category that nobody bought yet has the lift of its top category.
    """
    known = compatibility.where((F.col("level") == level) & (F.col("lift") >= 1))
    bought = known.select(F.col("category_a").alias("category_id"), F.col("category_b").alias("beside"), "lift")
    tops = (
        facts.where("category_id IS NOT NULL")
        .select("category_id", category_at(F.col("category_path"), 1).alias("top"))
        .distinct()
    )
    unseen = tops.join(known.select(F.col("category_a").alias("category_id")), "category_id", "left_anti")
    above = compatibility.where((F.col("level") == 1) & (F.col("lift") >= 1))
    at_top = above.select(F.col("category_a").alias("top"), F.col("category_b").alias("top_beside"), "lift")
    beside = tops.select(F.col("category_id").alias("beside"), F.col("top").alias("top_beside"))
    inherited = unseen.join(at_top, "top").join(beside, "top_beside").select("category_id", "beside", "lift")
    return bought.unionByName(inherited)


def joint_views(view_pairs: DataFrame, inputs: ColdInputs, settings: Settings) -> DataFrame:
    """One row per (anchor, candidate) viewed in one session whose categories complement each other.

    In: flat pairs of the whole shop's views. Confidence is c/n_i of views, in the support unit (a viewer for a buyer, a
    session for a basket); the gate asks of it what it asks of orders. Out: anchor, candidate, candidate_id_order,
    anchor_support, candidate_support, category_lift, required_support, confidence, tier, view_support.
    """
    unit = settings.scoring.support_unit
    pairs = view_pairs.select(
        "anchor", "candidate", F.col(f"pair_{unit}").alias("view_support"), F.col(f"anchor_{unit}").alias("viewed")
    )
    anchors = facts_of("anchor", inputs.facts, settings.scoring)
    candidates = facts_of("candidate", inputs.facts, settings.scoring)
    beside = compatible_categories(inputs.compatibility, inputs.facts, settings.compatibility.category_level).select(
        F.col("category_id").alias("anchor_category_id"),
        F.col("beside").alias("candidate_category_id"),
        F.col("lift").alias("category_lift"),
    )
    described = (
        pairs.join(inputs.offered.select("candidate"), "candidate", "left_semi")
        .join(anchors, "anchor")
        .join(candidates, "candidate")
        .join(F.broadcast(beside), ["anchor_category_id", "candidate_category_id"])
    )
    gate = settings.compatibility
    asked = measures.required_support(F.col("category_lift"), gate.gate_constant, gate.gate_power)
    is_same = (F.col("anchor_brand_mode") != "off") & F.coalesce(
        F.col("anchor_brand") == F.col("candidate_brand"), F.lit(False)
    )
    passing = described.withColumn("required_support", asked).where(
        (F.col("view_support") >= F.col("required_support"))
        & (F.col("anchor_group_variant") != F.col("candidate_group_variant"))
        & ~is_of_own_category()
    )
    return passing.where((F.col("anchor_brand_mode") != "only") | is_same).select(
        "anchor",
        "candidate",
        "candidate_id_order",
        "anchor_support",
        "candidate_support",
        "category_lift",
        "required_support",
        (F.col("view_support") / F.col("viewed")).alias("confidence"),
        F.when(is_same, F.lit(TIER_SAME_BRAND)).otherwise(F.lit(TIER_OTHER_BRAND)).alias("tier"),
        "view_support",
    )


def pools(met: DataFrame, inputs: ColdInputs, settings: Settings) -> DataFrame:
    """One row per category, step, key and candidate that fits: what fill_kernel.Shelf asks.

    `met`: shelf_support, read for every step. fit = ln(O / n_j L): O the sum of pair support between the anchor's
    (sub)category and j; plain_fit has the root of n_j. Only L >= 1.
    """
    parts = [_of_subcategory(met, inputs, settings), _of_category(met, inputs, settings)]
    if settings.compatibility.category_level > 1:
        parts.append(_of_top(met, inputs))
    if "only" in _brand_modes(settings.cold_start):
        parts.append(_of_brand(inputs, settings))
    if settings.cold_start.small_range:
        parts.append(_of_small_ranges(inputs, settings))
    fitting = reduce(DataFrame.unionByName, parts)
    is_popular = F.col("step") >= _BY_POPULARITY
    mass = F.ln(F.when(is_popular, F.col("popularity")).otherwise(F.col("fill_support"))) + F.ln("category_lift")
    size = F.ln(F.when(is_popular, F.lit(1.0)).otherwise(F.col("size")))
    return fitting.join(_candidates(inputs), "candidate").select(
        "category_id",
        "step",
        "key",
        "candidate",
        "fill_support",
        "category_lift",
        (mass - size).alias("fit"),
        (mass - size / 2).alias("plain_fit"),
        *_COMPARED,
    )


def pages(facts: DataFrame) -> DataFrame:
    """One row per variant, as the anchor that its page is about: anchor, category_id ('' for none) and what its fills
    are chosen by (fill_kernel.Filled).
    """
    of_brand = F.when(F.col("brand_mode") == "only", F.col("brand"))
    keys = F.array("subcategory_id", F.lit(""), F.lit(""), F.coalesce(of_brand, F.lit("")), F.lit(""))
    return facts.select(
        F.col("variant").alias("anchor"),
        F.coalesce("category_id", F.lit("")).alias("category_id"),
        F.col("group_variant").cast("bigint").alias("group"),
        _code("own_category").alias("own"),
        _code("brand").alias("brand"),
        "brand_mode",
        "draw",
        (F.col("buyers") > 0).alias("is_sold"),
        keys.alias("keys"),
    )


def _shelves(facts: DataFrame) -> DataFrame:
    """One row per subcategory: shelf (its smallest variant, standing for it in joins), and the categories above it."""
    known = facts.where("category_id IS NOT NULL").withColumn("top", category_at(F.col("category_path"), 1))
    return known.groupBy("top", "category_id", "subcategory_id").agg(F.min("variant").alias("shelf"))


def shelf_support(inputs: ColdInputs) -> DataFrame:
    """One row per shelf and candidate: the sum of pair support between the shelf's variants and the candidate, met.

    A shelf is a subcategory, named by its smallest variant. Nearly every pair is of a group of its own, so pairs go to
    their shelf at once and are summed there.
    """
    named = inputs.facts.where("category_id IS NOT NULL").select("variant", "category_id", "subcategory_id")
    anchors = named.join(F.broadcast(_shelves(inputs.facts)), ["category_id", "subcategory_id"]).select(
        F.col("variant").alias("anchor"), "shelf"
    )
    support = F.col("pair_buyers").alias("support")
    sold = inputs.offered.select("candidate")
    pairs = inputs.root_pairs.join(F.broadcast(sold), "candidate", "left_semi").join(F.broadcast(anchors), "anchor")
    located = pairs.select("shelf", "candidate", support).repartition("shelf")
    return located.groupBy("shelf", "candidate").agg(F.sum("support").alias("met"))


def _fitting(met: DataFrame, inputs: ColdInputs, level: int, name: str) -> DataFrame:
    """One row per category of a level (its `name`) and candidate that complements it: met, category_lift.

    Above subcategories, categories with candidates for many pools keep what they met several times.
    """
    shelves = _shelves(inputs.facts)
    places = shelves.groupBy(name).agg(F.min("shelf").alias("place"))
    found = met.withColumnRenamed("shelf", "place")
    if name != "subcategory_id":
        above = F.broadcast(shelves.join(places, name).select("shelf", "place"))
        found = met.join(above, "shelf").groupBy("place", "candidate").agg(F.sum("met").alias("met"))
        found = _well_met(found)
    goods = inputs.facts.where("category_id IS NOT NULL").withColumn("top", category_at(F.col("category_path"), 1))
    candidates = goods.join(F.broadcast(places), name).select(
        F.col("variant").alias("candidate"), F.col("place").alias("beside")
    )
    known = inputs.compatibility.where((F.col("level") == level) & (F.col("lift") >= 1))
    ours, theirs = (places.withColumnsRenamed({name: f"category_{side}", "place": side}) for side in ("a", "b"))
    lifts = known.join(F.broadcast(ours), "category_a").join(F.broadcast(theirs), "category_b")
    lifts = lifts.select(F.col("a").alias("place"), F.col("b").alias("beside"), F.col("lift").alias("category_lift"))
    return (
        found.join(F.broadcast(candidates), "candidate")
        .join(F.broadcast(lifts), ["place", "beside"])
        .join(F.broadcast(places), "place")
    )


def _of_subcategory(met: DataFrame, inputs: ColdInputs, settings: Settings) -> DataFrame:
    level = settings.compatibility.category_level + 1
    found = _fitting(met, inputs, level, "subcategory_id")
    categories = F.broadcast(_shelves(inputs.facts).select(F.col("shelf").alias("place"), "category_id"))
    return _pooled(found.join(categories, "place").withColumn("key", F.col("subcategory_id")), "subcategory")


def _of_category(met: DataFrame, inputs: ColdInputs, settings: Settings) -> DataFrame:
    found = _fitting(met, inputs, settings.compatibility.category_level, "category_id")
    return _pooled(found.withColumn("key", F.lit("")), "category")


def _of_top(met: DataFrame, inputs: ColdInputs) -> DataFrame:
    """For categories never bought: what the category at the top of their branch met."""
    found = _fitting(met, inputs, 1, "top")
    sizes = inputs.facts.select(F.col("variant").alias("candidate"), "buyers")
    best = Window.partitionBy("top").orderBy((F.ln("met") - F.ln("buyers") + F.ln("category_lift")).desc(), "candidate")
    first = found.join(F.broadcast(sizes), "candidate").withColumn("place", F.row_number().over(best))
    kept = first.where(F.col("place") <= _OF_TOP)
    unseen = F.broadcast(_unseen_categories(inputs.facts))
    return _pooled(kept.join(unseen, "top").withColumn("key", F.lit("")), "top")


def _well_met(found: DataFrame) -> DataFrame:
    """Of a place with a crowd of candidates those it met several times: what stands behind needs no tail."""
    sizes = found.groupBy("place").agg(F.count(F.lit(1)).alias("candidates"))
    is_crowded = F.col("candidates") > _CROWD
    counted = found.join(F.broadcast(sizes), "place")
    return counted.where(~is_crowded | (F.col("met") >= _WELL_MET)).drop("candidates")


def _of_brand(inputs: ColdInputs, settings: Settings) -> DataFrame:
    """For anchors whose brand alone may be filled in: its goods in complementing categories, popular first."""
    facts = inputs.facts
    anchors = facts.where("brand_mode = 'only' AND brand IS NOT NULL").select("category_id", "brand").distinct()
    beside = compatible_categories(inputs.compatibility, facts, settings.compatibility.category_level)
    goods = facts.select(
        F.col("variant").alias("candidate"),
        F.col("category_id").alias("beside"),
        "brand",
        "buyers",
    )
    found = anchors.join(F.broadcast(beside), "category_id").join(goods, ["beside", "brand"])
    nothing = F.lit(0).cast("bigint").alias("met")
    lift = F.col("lift").alias("category_lift")
    return _pooled(found.select("category_id", F.col("brand").alias("key"), "candidate", nothing, lift), "brand")


def _of_small_ranges(inputs: ColdInputs, settings: Settings) -> DataFrame:
    """What small regions sell of categories that complement each one: so their lists are full, though few met."""
    small = inputs.offered.where(F.col("least_range") <= settings.cold_start.small_range)
    facts = inputs.facts.withColumnRenamed("variant", "candidate")
    goods = facts.join(F.broadcast(small), "candidate").select(
        "candidate", F.col("category_id").alias("beside"), "buyers", "least_range"
    )
    beside = compatible_categories(inputs.compatibility, inputs.facts, settings.compatibility.category_level)
    smallest = Window.partitionBy("category_id").orderBy("least_range", F.col("buyers").desc(), "candidate")
    found = goods.join(F.broadcast(beside), "beside").withColumn("place", F.row_number().over(smallest))
    nothing = F.lit(0).cast("bigint").alias("met")
    kept = found.where(F.col("place") <= _OF_TOP)
    told = kept.select(
        "category_id", F.lit("").alias("key"), "candidate", nothing, F.col("lift").alias("category_lift")
    )
    return _pooled(told, "small_range")


def _unseen_categories(facts: DataFrame) -> DataFrame:
    """Categories of the catalogue that nobody bought from: top, category_id."""
    every = facts.where("category_id IS NOT NULL").groupBy(
        category_at(F.col("category_path"), 1).alias("top"), "category_id"
    )
    return every.agg(F.sum("buyers").alias("bought")).where("bought = 0").drop("bought")


def _pooled(found: DataFrame, step: str) -> DataFrame:
    place = F.lit(STEPS.index(step)).alias("step")
    support = F.col("met").alias("fill_support")
    return found.select("category_id", place, "key", "candidate", support, "category_lift")


_COMPARED = ("group", "own", "brand", "draw", "id_order")


def _candidates(inputs: ColdInputs) -> DataFrame:
    """What fills are compared by; a brand's goods need not have been bought."""
    known = inputs.facts.select(
        F.col("variant").alias("candidate"),
        F.col("group_variant").cast("bigint").alias("group"),
        _code("own_category").alias("own"),
        _code("brand").alias("brand"),
        "draw",
        "id_order",
        (F.col("buyers") + 1).cast("double").alias("popularity"),
        F.greatest(F.col("buyers"), F.lit(1)).cast("double").alias("size"),
    )
    return known.join(F.broadcast(inputs.offered.select("candidate")), "candidate", "left_semi")


def _code(name: str) -> Column:
    """The text as a positive integer that all engines agree on; NONE for none."""
    return F.coalesce(integer_of(F.col(name)), F.lit(fill_kernel.NONE)).alias(name)


def _brand_modes(settings: ColdStartSettings) -> set[str]:
    return {settings.brand, *settings.brand_by_category.values()}
