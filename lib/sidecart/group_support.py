"""Group support: what a pair of variants borrows from all pairs of their groups, so that a green bag finds green shoes.

Most shops sell most products in one variant; their pairs pass through untouched. Where a group has several bought
variants, a pair is judged by its own count and by the group pair's count, shared out by popularity and attributes.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sidecart import measures
from sidecart.settings import Settings

EVERY_CATEGORY = "*"
"""Stands for all categories in attribute_lift: what a pair of categories without counts of its own takes."""

_GROUPS = ["anchor_group_id", "candidate_group_id"]
_OUT = (
    "anchor", "candidate", "pair_buyers", "pair_baskets", "support", "group_support", "effective_support",
    "attribute_lift", "group_rank",
)  # fmt: skip


@dataclass(frozen=True)
class GroupEvidence:
    """What pairs borrow from: group_pair_support of the whole shop, attribute_lift and variant_facts."""

    group_pairs: DataFrame
    attribute_lift: DataFrame
    facts: DataFrame


def group_members(facts: DataFrame, support_unit: str) -> DataFrame:
    """One row per bought variant: variant, group_id, category_id (its group's), attributes, id_order, support.

    `bought_variants` and `group_sum`: how many variants of the group were bought, and the sum of their support.
    """
    bought = facts.where(F.col(support_unit) > 0).withColumnRenamed(support_unit, "support")
    groups = bought.groupBy("group_id").agg(
        F.min("category_id").alias("category_id"),
        F.count(F.lit(1)).alias("bought_variants"),
        F.sum("support").alias("group_sum"),
    )
    own = bought.select("variant", "group_id", "attributes", "id_order", "support")
    return own.join(F.broadcast(groups), "group_id")


def sibling_pairs(root_pairs: DataFrame, members: DataFrame) -> DataFrame:
    """The pairs of two groups of which at least one has several bought variants, with anchor_group_id and the other.

    In: anchor, candidate, pair_buyers, pair_baskets; group_members.
    """
    groups = members.select("variant", "group_id")
    for side in ("anchor", "candidate"):
        root_pairs = root_pairs.join(_siblings(members, side), side, "left")
    between = root_pairs.where("has_anchor_siblings OR has_candidate_siblings")
    for side in ("anchor", "candidate"):
        between = between.join(_of_side(groups, side), side)
    return between.where("anchor_group_id <> candidate_group_id").select(
        *_GROUPS, "anchor", "candidate", "pair_buyers", "pair_baskets"
    )


def group_pair_support(root_pairs: DataFrame, facts: DataFrame, support_unit: str) -> DataFrame:
    """One row per two groups that met, one of them of several bought variants (contract group_pair_support).

    The sums of pair_buyers and of pair_baskets over the pairs of their variants: C_G.
    """
    return group_sums(sibling_pairs(root_pairs, group_members(facts, support_unit)))


def group_sums(pairs: DataFrame) -> DataFrame:
    """One row per two groups: the sums of pair_buyers and of pair_baskets over their pairs (sibling_pairs)."""
    return pairs.groupBy(*_GROUPS).agg(
        F.sum("pair_buyers").alias("pair_buyers"), F.sum("pair_baskets").alias("pair_baskets")
    )


def backed_off_pairs(
    root_pairs: DataFrame,
    evidence: GroupEvidence,
    settings: Settings,
    anchors: DataFrame | None = None,
    candidates: DataFrame | None = None,
) -> DataFrame:
    """One row per (anchor, candidate) of different groups, with what their groups lend to it.

    effective_support c' = C_G (c + k min(1, s_i s_j L)) / (C_G + k), at most n_i: C_G is group_support, c support, s a
    variant's share of its group's support, L attribute_lift, k `group_prior`. Per anchor and candidate group the
    `alternates` best by c' remain, group_rank 1 being the best. Such a pair may never have met (support 0) where its
    groups have `lending_support`. Between groups of one bought variant c' = C_G = c; with k = 0 all pairs are so.

    In: flat pairs of the root, those of `anchors` at least; `anchors` (anchor) and `candidates` (candidate) limit the
    result. Out: anchor, candidate, pair_buyers, pair_baskets, support, group_support, effective_support,
    attribute_lift, group_rank.
    """
    unit = settings.scoring.support_unit
    pairs = root_pairs.select("anchor", "candidate", "pair_buyers", "pair_baskets")
    pairs = _only(_only(pairs, anchors, "anchor"), candidates, "candidate")
    if not settings.variants.group_prior:
        return unlent_pairs(pairs, unit)
    members = group_members(evidence.facts, unit)
    places = members.select("variant", "group_id")
    lenders = evidence.group_pairs.select(*_GROUPS, F.col(f"pair_{unit}").alias("group_support"))
    lent = (
        lenders.where(F.col("group_support") >= settings.variants.lending_support)
        .join(_only(_of_side(places, "anchor"), anchors, "anchor"), "anchor_group_id")
        .join(_only(_of_side(places, "candidate"), candidates, "candidate"), "candidate_group_id")
        .drop("group_support")
    )
    known = lent.join(sibling_pairs(pairs, members), [*_GROUPS, "anchor", "candidate"], "outer")
    described = _described(known.fillna(0, ["pair_buyers", "pair_baskets"]).join(lenders, _GROUPS), members)
    judged = _judged(_with_attribute_lift(described, evidence.attribute_lift), settings)
    best = _best_of_group(judged, settings.variants.alternates)
    return unlent_pairs(_between_single_variants(pairs, members), unit).unionByName(best)


def unlent_pairs(pairs: DataFrame, unit: str) -> DataFrame:
    """Pairs that nobody lends to: their own count is all there is."""
    own = F.col(f"pair_{unit}")
    return pairs.withColumns(
        {
            "support": own,
            "group_support": own.cast("bigint"),
            "effective_support": own.cast("double"),
            "attribute_lift": F.lit(1.0),
            "group_rank": F.lit(1),
        }
    ).select(*_OUT)


def _siblings(members: DataFrame, side: str) -> DataFrame:
    """Variants of groups with several bought ones: columns `side` and has_`side`_siblings."""
    marked = members.where("bought_variants > 1").select(
        F.col("variant").alias(side), F.lit(True).alias(f"has_{side}_siblings")
    )
    return F.broadcast(marked)


def _between_single_variants(pairs: DataFrame, members: DataFrame) -> DataFrame:
    for side in ("anchor", "candidate"):
        pairs = pairs.join(_siblings(members, side), side, "left_anti")
    return pairs


def _only(rows: DataFrame, wanted: DataFrame | None, key: str) -> DataFrame:
    return rows if wanted is None else rows.join(F.broadcast(wanted.select(key)), key, "left_semi")


def _of_side(members: DataFrame, side: str) -> DataFrame:
    """The columns named for one side of a pair: `anchor`, `anchor_group_id` and so on."""
    return members.select(
        F.col("variant").alias(side),
        *(F.col(name).alias(f"{side}_{name}") for name in members.columns if name != "variant"),
    )


def _described(pairs: DataFrame, members: DataFrame) -> DataFrame:
    """The pairs with what is known of both variants, `anchor_share` of its group and so on."""
    share = (F.col("support") / F.col("group_sum")).alias("share")
    facts = members.select("variant", "category_id", "attributes", "id_order", "support", share)
    return pairs.join(_of_side(facts, "anchor"), "anchor").join(_of_side(facts, "candidate"), "candidate")


def _with_attribute_lift(pairs: DataFrame, lifts: DataFrame) -> DataFrame:
    """The pairs with attribute_lift: the product over attributes that both have; without a value it is 1."""
    keys = ["anchor_category_id", "candidate_category_id"]
    pooled = lifts.where(F.col("category_a") == EVERY_CATEGORY).agg(_gathered().alias("pooled"))
    told = lifts.where(F.col("category_a") != EVERY_CATEGORY).groupBy(
        F.col("category_a").alias(keys[0]), F.col("category_b").alias(keys[1])
    )
    described = pairs.join(F.broadcast(told.agg(_gathered().alias("own"))), keys, "left").crossJoin(F.broadcast(pooled))
    return described.withColumn("attribute_lift", F.aggregate("pooled", F.lit(1.0), _times_agreement))


def _gathered() -> Column:
    return F.array_sort(F.collect_list(F.struct("attribute", "lift_same", "lift_other")))


def _times_agreement(product: Column, pooled: Column) -> Column:
    """The product times the lift of one attribute: the categories' own where they have counts of it."""
    mine = F.try_element_at("anchor_attributes", pooled["attribute"])
    other = F.try_element_at("candidate_attributes", pooled["attribute"])
    own = F.try_element_at(F.filter("own", lambda lift: lift["attribute"] == pooled["attribute"]), F.lit(1))
    lift = F.coalesce(own, pooled)
    agreement = F.when(mine == other, lift["lift_same"]).when(mine != other, lift["lift_other"]).otherwise(1.0)
    return product * agreement


def _judged(pairs: DataFrame, settings: Settings) -> DataFrame:
    own = F.col(f"pair_{settings.scoring.support_unit}")
    part = F.col("anchor_share") * F.col("candidate_share") * F.col("attribute_lift")
    borrowed = measures.backed_off(own, F.col("group_support"), part, settings.variants.group_prior)
    return pairs.withColumns(
        {"support": own, "effective_support": F.least(borrowed, F.col("anchor_support").cast("double"))}
    )


def _best_of_group(pairs: DataFrame, alternates: int) -> DataFrame:
    best = Window.partitionBy("anchor", "candidate_group_id").orderBy(
        F.col("effective_support").desc(), F.col("support").desc(), "candidate_id_order"
    )
    ranked = pairs.withColumn("group_rank", F.row_number().over(best))
    return ranked.where(F.col("group_rank") <= alternates).select(*_OUT)
