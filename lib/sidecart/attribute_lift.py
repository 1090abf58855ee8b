"""Attribute lift: how much more often two variants are bought together when they agree in colour, size or design."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart import measures
from sidecart.group_support import EVERY_CATEGORY, group_members, sibling_pairs
from sidecart.settings import Settings

_GROUPS = ["anchor_group_id", "candidate_group_id"]
_CATEGORIES = ["category_a", "category_b"]
_COUNTS = ("joint_same", "expected_same", "joint_other", "expected_other")


def attribute_lift(root_pairs: DataFrame, group_pairs: DataFrame, facts: DataFrame, settings: Settings) -> DataFrame:
    """One row per (category_a, category_b, attribute) (contract attribute_lift but the release).

    Within two groups that met, joint counts of variants with equal values against what the variants' shares of their
    groups make of the groups' count: O = sum of c, E = sum of C_G s_i s_j, over groups where variants can both agree
    and differ. The same for values that differ. lift = (O + prior parent) / (E + prior); the parent is the lift of all
    categories together (category `*`), whose own parent is 1.
    """
    unit, prior = settings.scoring.support_unit, settings.variants.attribute_prior
    members = group_members(facts, unit)
    expected = _expected(group_pairs.withColumn("group_support", F.col(f"pair_{unit}")), members)
    joint = _joint(root_pairs, members, unit)
    counts = _with_categories(expected.join(joint, [*_GROUPS, "attribute"], "left"), members)
    of_all = _of_all_categories(counts, prior)
    parents = of_all.select(
        "attribute", F.col("lift_same").alias("parent_same"), F.col("lift_other").alias("parent_other")
    )
    known = counts.where("category_a IS NOT NULL AND category_b IS NOT NULL")
    of_categories = _summed(known, *_CATEGORIES, "attribute").join(F.broadcast(parents), "attribute")
    return of_all.unionByName(_shrunk(of_categories, prior))


def _expected(group_pairs: DataFrame, members: DataFrame) -> DataFrame:
    """Per two groups and attribute: expected_same and expected_other, where both are possible.

    Decimals, so that their sums are the same in any order.
    """
    values, known = _values(members), _known(members)
    agreeing = (
        group_pairs.join(_of_side(values, "anchor"), "anchor_group_id")
        .join(_of_side(values, "candidate"), ["candidate_group_id", "attribute", "value"])
        .groupBy(*_GROUPS, "attribute", "group_support")
        .agg(F.sum(F.col("anchor_bought") * F.col("candidate_bought")).alias("same"))
    )
    described = agreeing.join(_of_side(known, "anchor"), ["anchor_group_id", "attribute"]).join(
        _of_side(known, "candidate"), ["candidate_group_id", "attribute"]
    )
    same, both = F.col("same"), F.col("anchor_known") * F.col("candidate_known")
    per_pair = F.col("group_support") / (F.col("anchor_group_sum").cast("double") * F.col("candidate_group_sum"))
    return described.where(same < both).select(
        *_GROUPS,
        "attribute",
        _exact(same * per_pair).alias("expected_same"),
        _exact((both - same) * per_pair).alias("expected_other"),
    )


def _values(members: DataFrame) -> DataFrame:
    """Per group, attribute and value: `bought`, the support of the variants that have it."""
    valued = members.select("group_id", "support", F.explode("attributes").alias("attribute", "value"))
    return valued.groupBy("group_id", "attribute", "value").agg(F.sum("support").alias("bought"))


def _known(members: DataFrame) -> DataFrame:
    """Per group and attribute: `known`, the support of the variants that have any value, and group_sum."""
    valued = members.select("group_id", "group_sum", "support", F.explode("attributes").alias("attribute", "value"))
    return valued.groupBy("group_id", "attribute", "group_sum").agg(F.sum("support").alias("known"))


def _of_side(groups: DataFrame, side: str) -> DataFrame:
    renamed = {name: f"{side}_{name}" for name in ("group_id", "bought", "known", "group_sum")}
    return groups.withColumnsRenamed(renamed)


def _joint(root_pairs: DataFrame, members: DataFrame, unit: str) -> DataFrame:
    """Per two groups and attribute: joint_same and joint_other, counts of pairs that agree and that differ."""
    values = members.select("variant", "attributes")
    mine = values.withColumnsRenamed({"variant": "anchor", "attributes": "mine"})
    others = values.withColumnsRenamed({"variant": "candidate", "attributes": "others"})
    met = sibling_pairs(root_pairs, members).join(mine, "anchor").join(others, "candidate")
    compared = met.select(*_GROUPS, "others", F.col(f"pair_{unit}").alias("joint"), F.explode("mine")).withColumn(
        "other", F.try_element_at("others", F.col("key"))
    )
    return compared.groupBy(*_GROUPS, F.col("key").alias("attribute")).agg(
        F.sum(F.when(F.col("value") == F.col("other"), F.col("joint"))).alias("joint_same"),
        F.sum(F.when(F.col("value") != F.col("other"), F.col("joint"))).alias("joint_other"),
    )


def _of_all_categories(counts: DataFrame, prior: float) -> DataFrame:
    """One row per attribute: all pairs of categories together, the unknown ones too."""
    fixed = {name: F.lit(EVERY_CATEGORY) for name in _CATEGORIES}
    parents = {name: F.lit(1.0) for name in ("parent_same", "parent_other")}
    return _shrunk(_summed(counts, "attribute").withColumns(fixed | parents), prior)


def _with_categories(counts: DataFrame, members: DataFrame) -> DataFrame:
    groups = members.groupBy("group_id").agg(F.min("category_id").alias("category_id"))
    for group, category in zip(_GROUPS, _CATEGORIES, strict=True):
        named = groups.select(F.col("group_id").alias(group), F.col("category_id").alias(category))
        counts = counts.join(F.broadcast(named), group)
    return counts


def _summed(counts: DataFrame, *keys: str) -> DataFrame:
    sums = [F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in ("joint_same", "joint_other")]
    sums += [F.sum(name).cast("double").alias(name) for name in ("expected_same", "expected_other")]
    return counts.groupBy(*keys).agg(*sums)


def _shrunk(counts: DataFrame, prior: float) -> DataFrame:
    lifts = {
        f"lift_{kind}": measures.shrunk_to_parent(
            F.col(f"joint_{kind}"), F.col(f"expected_{kind}"), F.col(f"parent_{kind}"), prior
        )
        for kind in ("same", "other")
    }
    return counts.withColumns(lifts).select(*_CATEGORIES, "attribute", *_COUNTS, "parent_same", "parent_other", *lifts)


def _exact(value: Column) -> Column:
    return value.cast("decimal(28,9)")
