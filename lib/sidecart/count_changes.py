"""Count changes: what baskets that changed do to every count that is a sum over baskets or buyers."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart import measures
from sidecart.baskets import counted
from sidecart.compatibility import basket_categories
from sidecart.contracts import state
from sidecart.evidence import variant_stratum_support
from sidecart.group_support import group_members, group_sums, sibling_pairs
from sidecart.pairs import flat_pairs
from sidecart.row_changes import added
from sidecart.settings import CompatibilitySettings

_GROUPS = ("anchor_group_id", "candidate_group_id")
_GROUP_PAIR = (*_GROUPS, "pair_buyers", "pair_baskets")
_STRATA = [f"stratum_{place}" for place in range(len(measures.STRATA))]


@dataclass(frozen=True)
class Sides:
    """Frames of one kind as they were and as they are."""

    before: DataFrame
    after: DataFrame


def changed_only(baskets: Sides) -> Sides:
    """Of counted baskets (order_id, variants), those that one side lacks or has with other variants."""
    keys = ["order_id", "variants"]
    before, after = (counted(side).select(*keys) for side in (baskets.before, baskets.after))
    return Sides(before.join(after, keys, "left_anti"), after.join(before, keys, "left_anti"))


def recategorised(facts: Sides) -> DataFrame:
    """The variants (variant) that stand elsewhere in the category tree than they did."""
    was = facts.before.select("variant", F.col("category_path").alias("was"))
    return facts.after.join(was, "variant").where("category_path <> was").select("variant")


def with_those_holding(variants: DataFrame, changed: Sides, counted_baskets: DataFrame) -> Sides:
    """Changed baskets and, on both sides, the unchanged ones of `counted_baskets` (as they are) that hold a variant."""
    wanted = F.broadcast(variants.agg(F.collect_set("variant").alias("wanted")))
    holding = counted_baskets.select("order_id", "variants").crossJoin(wanted)
    found = holding.where(F.arrays_overlap("variants", "wanted")).drop("wanted")
    others = found.join(changed.after.select("order_id"), "order_id", "left_anti")
    return Sides(changed.before.unionByName(others), changed.after.unionByName(others))


def categorised(baskets: Sides, facts: Sides, settings: CompatibilitySettings) -> Sides:
    """basket_categories of baskets that changed, or whose variants' categories did, by the facts of each side."""
    return Sides(
        basket_categories(baskets.before, facts.before, settings),
        basket_categories(baskets.after, facts.after, settings),
    )


def with_stratum_changes(variant_strata: DataFrame, changed: Sides) -> DataFrame:
    """variant_stratum_support with the baskets that changed."""
    signed = [(variant_strata, 1), (variant_stratum_support(changed.after), 1)]
    signed.append((variant_stratum_support(changed.before), -1))
    parts = [
        frame.select("variant", *(_stratum(place, sign) for place in range(len(_STRATA)))) for frame, sign in signed
    ]
    together = parts[0].unionByName(parts[1]).unionByName(parts[2])
    sums = together.groupBy("variant").agg(*(F.sum(name).cast("int").alias(name) for name in _STRATA))
    arrays = sums.select("variant", F.array(*_STRATA).alias("stratum_baskets"))
    return arrays.where(F.exists("stratum_baskets", lambda baskets: baskets != 0))


def bought_groups(facts: Sides, support_unit: str) -> DataFrame:
    """One row per group of bought variants, as they were or are: group_id, bought_variants (2 for more) and is_renewed.

    Renewed: its sums do not follow from differences, as one of its variants left or came with a past, or as its pairs
    began to be summed (a second variant was bought) or ceased to.
    """
    was, now = (group_members(side, support_unit) for side in (facts.before, facts.after))
    held = [
        side.groupBy("group_id").agg((F.max("bought_variants") > 1).alias(f"is_summed_{name}"))
        for name, side in (("was", was), ("now", now))
    ]
    both = held[0].join(held[1], "group_id", "full").fillna(False, ["is_summed_was", "is_summed_now"])
    moved = was.select("variant", F.col("group_id").alias("left")).join(now.select("variant", "group_id"), "variant")
    pairs = moved.where(F.col("left") != F.col("group_id"))
    changed = pairs.select(F.explode(F.array("left", "group_id")).alias("group_id")).distinct()
    marked = both.join(changed.withColumn("is_changed", F.lit(True)), "group_id", "left").fillna(False, ["is_changed"])
    return marked.select(
        "group_id",
        F.when(F.col("is_summed_now"), 2).otherwise(1).alias("bought_variants"),
        (F.col("is_changed") | (F.col("is_summed_was") != F.col("is_summed_now"))).alias("is_renewed"),
    )


def group_differences(root_differences: DataFrame, groups: DataFrame, facts: Sides, support_unit: str) -> DataFrame:
    """By how much group_pair_support differs (its columns, signed), from how pair_support of the root does.

    `groups`: bought_groups of the same facts. Right but for renewed groups.
    """
    sides = (group_members(side, support_unit).select("variant", "group_id") for side in (facts.before, facts.after))
    known = next(sides).unionByName(next(sides)).distinct().join(groups, "group_id")
    return added(state.GROUP_PAIR_SUPPORT, group_sums(sibling_pairs(flat_pairs(root_differences), known)))


def renewed_groups(root_pairs: DataFrame, groups: DataFrame, facts: DataFrame, support_unit: str) -> DataFrame:
    """Rows of group_pair_support that a renewed group is in, made anew from its variants' rows in pair_support.

    `root_pairs`: pair_support of the root, of renewed_anchors at least, and `facts`, as they are.
    """
    renewed = _renewed(groups, _GROUPS[0])
    found = sibling_pairs(flat_pairs(root_pairs), group_members(facts, support_unit))
    theirs = found.join(renewed, _GROUPS[0], "left_semi")
    return group_sums(theirs.select(*_GROUP_PAIR).unionByName(_turned(theirs, renewed)))


def renewed_anchors(groups: DataFrame, facts: DataFrame, support_unit: str) -> DataFrame:
    """The bought variants (anchor) of renewed groups."""
    theirs = group_members(facts, support_unit).join(_renewed(groups, "group_id"), "group_id", "left_semi")
    return theirs.select(F.col("variant").alias("anchor"))


def of_renewed(groups: DataFrame, group_pairs: DataFrame) -> DataFrame:
    """The rows of group_pair_support that a renewed group is in, on either side."""
    anchors, candidates = (group_pairs.join(_renewed(groups, side), side, "left_semi") for side in _GROUPS)
    return anchors.unionByName(candidates.join(_renewed(groups, _GROUPS[0]), _GROUPS[0], "left_anti"))


def with_renewed_groups(
    differences: DataFrame, stored: DataFrame, recounted: DataFrame, groups: DataFrame
) -> DataFrame:
    """The same differences, those of renewed groups as what is `recounted` of them differs from what is `stored`."""
    for side in _GROUPS:
        differences = differences.join(_renewed(groups, side), side, "left_anti")
    return differences.unionByName(added(state.GROUP_PAIR_SUPPORT, recounted, minus=stored))


def _renewed(groups: DataFrame, side: str) -> DataFrame:
    """The renewed of bought_groups, as the column `side`."""
    return F.broadcast(groups.where("is_renewed").select(F.col("group_id").alias(side)))


def _turned(pairs: DataFrame, renewed: DataFrame) -> DataFrame:
    """The other direction of pairs whose candidate's group is not among the renewed: those hold both already."""
    anchor, candidate = (F.col(name) for name in reversed(_GROUPS))
    others = pairs.select(anchor.alias(_GROUPS[0]), candidate.alias(_GROUPS[1]), *_GROUP_PAIR[2:])
    return others.join(renewed, _GROUPS[0], "left_anti")


def _stratum(place: int, sign: int) -> Column:
    return (F.col("stratum_baskets")[place] * sign).alias(_STRATA[place])
