"""Components 7 to 11: no accidents, no repetition, no rule broken, and one variant of a group."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from sidecart.compatibility import with_lift
from sidecart.contracts import gold, silver, state
from sidecart.diversity import kept_key
from sidecart.measures import required_support as asked_support
from sidecart.quality.audits.audited import AT_MOST, Audited, excludes_own_category, found, not_asked, share_of
from sidecart.rules import goods_of, with_ruling

AVOIDING = 0.7
"""Two categories with a smaller lift avoid each other."""
AVOIDING_SHARE = 0.05
"""Share of shown pairs that may be of such categories: those that met often enough all the same."""


def required_support(audited: Audited) -> DataFrame:
    """Of rows that stand by orders, those with less support than the lift of their categories asks: none.

    Within one category the gate asks for one.
    """
    gate = audited.settings.compatibility
    if not gate.gate_power:
        return not_asked(audited, "required_support")
    there = F.col("region_id").isin(audited.root, *audited.regions)
    rows = audited.tables.read(gold.SHORTLISTS).where(there & (F.col("source") == "orders"))
    bare = rows.select("anchor_category_id", "candidate_category_id", "group_support")
    judged = with_lift(bare, audited.tables.read(gold.CATEGORY_COMPATIBILITY), gate)
    is_within = F.coalesce(F.col("anchor_category_id") == F.col("candidate_category_id"), F.lit(False))
    between = asked_support(F.col("category_lift"), gate.gate_constant, gate.gate_power)
    asked = F.when(is_within, F.lit(1)).otherwise(between)
    counted = share_of(judged, F.col("group_support") < asked)
    return found("required_support", counted, AT_MOST, 0.0, "rows of orders, with the support that the gate asks")


def incompatible_pairs(audited: Audited) -> DataFrame:
    """Of the pairs that the root's lists show, those whose categories avoid each other: few."""
    if not audited.settings.compatibility.gate_power:
        return not_asked(audited, "incompatible_pairs")
    counted = share_of(audited.root_lists, F.col("category_lift") < AVOIDING)
    return found("incompatible_pairs", counted, AT_MOST, AVOIDING_SHARE, "shown pairs with lift below 0.7")


def diversity(audited: Audited) -> DataFrame:
    """Of neighbours in a list, those that stand the other way round than the greedy order says: none.

    A candidate's score less what the like ones before it take off may not be below that of the next one.
    """
    wish = audited.settings.diversity
    if wish.factor == 1 and wish.brand_factor == 1:
        return not_asked(audited, "diversity")
    of_tier = Window.partitionBy("region_id", "anchor_id", "tier").orderBy("rank")
    kept = audited.lists.withColumn("kept", kept_key("rank", wish))
    neighbours = kept.withColumn("next_kept", F.lead("kept").over(of_tier))
    counted = share_of(neighbours.where("next_kept IS NOT NULL"), F.col("kept") < F.col("next_kept"))
    return found("diversity", counted, AT_MOST, 0.0, "neighbours of one trust in final lists")


def rules(audited: Audited) -> DataFrame:
    """Of rows that a rule speaks of, those that it denies: none."""
    tables = audited.tables
    if audited.rules is None:
        return not_asked(audited, "rules", "no rules")
    prices = tables.read(silver.OFFERS).select(
        "region_id", F.col("variant_id").alias("anchor_id"), F.col("price").alias("anchor_price")
    )
    rows = audited.lists.select("region_id", "anchor_id", "candidate_id", "price")
    priced = rows.join(prices, ["region_id", "anchor_id"], "left")
    ruled = with_ruling(priced, goods_of(tables, audited.rules), audited.rules)
    ruled = ruled.where("ruling IS NOT NULL")
    return found("rules", share_of(ruled, F.col("ruling.is_deny")), AT_MOST, 0.0, "rows that a rule in force speaks of")


def own_category(audited: Audited) -> DataFrame:
    """Of shown pairs, those of the category that the shop excludes as the anchor's own: none."""
    if not excludes_own_category(audited.settings):
        return not_asked(audited, "own_category")
    is_own = F.coalesce(F.col("anchor_own") == F.col("candidate_own"), F.lit(False))
    return found("own_category", share_of(audited.lists, is_own), AT_MOST, 0.0, "rows of final lists")


def one_of_group(audited: Audited) -> DataFrame:
    """Of groups in a list, those that stand there twice, or are the anchor's own: none."""
    groups = audited.tables.read(state.VARIANT_FACTS).select("variant_id", "group_id")
    rows = audited.lists
    for side in ("anchor", "candidate"):
        named = groups.select(F.col("variant_id").alias(f"{side}_id"), F.col("group_id").alias(f"{side}_group"))
        rows = rows.join(F.broadcast(named), f"{side}_id")
    held = rows.groupBy("region_id", "anchor_id", "anchor_group", "candidate_group").agg(
        F.count(F.lit(1)).alias("variants")
    )
    is_wrong = (F.col("variants") > 1) | (F.col("anchor_group") == F.col("candidate_group"))
    return found("one_of_group", share_of(held, is_wrong), AT_MOST, 0.0, "groups in final lists")


def best_of_group(audited: Audited) -> DataFrame:
    """Of shown variants with siblings in the base list, those that a live, allowed sibling outranks there: none.

    At the root.
    """
    at_root = F.col("region_id") == F.lit(audited.root)
    facts = audited.tables.read(state.VARIANT_FACTS)
    several = facts.groupBy("group_id").agg(F.count(F.lit(1)).alias("variants")).where("variants > 1")
    groups = F.broadcast(several.select(F.col("group_id").alias("candidate_group_id")))
    listed = audited.tables.read(gold.SHORTLISTS).where(at_root).join(groups, "candidate_group_id", "left_semi")
    keys = ["region_id", "anchor_id", "candidate_group_id"]
    shown = audited.root_lists.select(*keys, F.col("candidate_id").alias("shown_id"), "base_rank")
    offers = audited.tables.read(silver.OFFERS).where(at_root & F.col("is_available"))
    live = offers.select("region_id", F.col("variant_id").alias("candidate_id"), "price")
    siblings = (
        listed.select(*keys, "candidate_id", "rank")
        .join(shown, keys)
        .where("candidate_id <> shown_id")
        .join(live, ["region_id", "candidate_id"])
    )
    allowed = _allowed(siblings, audited)
    pairs = allowed.groupBy(*keys, "shown_id").agg(F.max(F.col("rank") < F.col("base_rank")).alias("is_outranked"))
    return found("best_of_group", share_of(pairs, F.col("is_outranked")), AT_MOST, 0.0, "shown variants with siblings")


def _allowed(rows: DataFrame, audited: Audited) -> DataFrame:
    """The rows of the root that no rule in force denies."""
    if audited.rules is None:
        return rows
    prices = audited.tables.read(silver.OFFERS).where(F.col("region_id") == F.lit(audited.root))
    priced = rows.join(
        prices.select(F.col("variant_id").alias("anchor_id"), F.col("price").alias("anchor_price")), "anchor_id", "left"
    )
    ruled = with_ruling(priced, goods_of(audited.tables, audited.rules), audited.rules)
    return ruled.where(~F.coalesce("ruling.is_deny", F.lit(False)))
