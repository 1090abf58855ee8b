"""Rule changes: what another rule set would change in the lists a shop shows."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.rules import Goods, rules_on, with_ruling

_LIST = ("region_id", "anchor_id")


def list_changes(before: DataFrame, after: DataFrame, shown: int) -> DataFrame:
    """One row per list of which the first `shown` differ: region_id, anchor_id, before and after (candidates by rank),
    slots_emptied.

    `before` and `after` are final lists (contract shortlists_resolved) by the one rule set and by the other.
    """
    none = F.array().cast("array<string>")
    both = _tops(before, shown, "before").join(_tops(after, shown, "after"), list(_LIST), "full")
    filled = both.withColumns({name: F.coalesce(name, none) for name in ("before", "after")})
    emptied = F.greatest(F.size("before") - F.size("after"), F.lit(0))
    return filled.where("before <> after").withColumn("slots_emptied", emptied)


def slot_changes(changes: DataFrame, released: DataFrame, proposed: DataFrame, goods: Goods, day: date) -> DataFrame:
    """One row per slot that a rule took or gave: region_id, anchor_id, candidate_id, rule_id, effect.

    Effects: `denied` by a proposed rule, `allowed` by one, `freed` of a released rule that denied it. Candidates that
    only moved up or made room have no row. `changes`: see list_changes.
    """
    moved = F.array_union(F.array_except("before", "after"), F.array_except("after", "before"))
    judged = _priced(changes.select(*_LIST, F.explode(moved).alias("candidate_id")), goods)
    for name, rules in (("was", released), ("now", proposed)):
        judged = with_ruling(judged, goods, rules_on(rules, day))
        judged = judged.withColumnRenamed("ruling", name)
    was_denied, is_denied = (F.coalesce(f"{name}.is_deny", F.lit(False)) for name in ("was", "now"))
    rule = F.coalesce("now.rule_id", "was.rule_id").alias("rule_id")
    effect = F.when(is_denied, F.lit("denied")).when(F.col("now").isNull(), F.lit("freed")).otherwise(F.lit("allowed"))
    return judged.where(was_denied != is_denied).select(*_LIST, "candidate_id", rule, effect.alias("effect"))


def rule_effects(changes: DataFrame, slots: DataFrame, shown: int) -> DataFrame:
    """One row per rule that took or gave a slot: rule_id, lists_touched, slots_denied, slots_allowed, slots_freed,
    slots_emptied, lists_short (touched lists that end up with fewer than `shown`).

    A list counts for every rule that changed it; a slot it lost for every rule that denied one there.
    """
    counts = {f"slots_{effect}": F.count_if(F.col("effect") == effect) for effect in ("denied", "allowed", "freed")}
    of_list = slots.groupBy("rule_id", *_LIST).agg(*(count.alias(name) for name, count in counts.items()))
    touched = of_list.join(changes.select(*_LIST, "after", "slots_emptied"), list(_LIST))
    emptied = F.sum(F.least("slots_denied", F.col("slots_emptied").cast("bigint"))).alias("slots_emptied")
    totals = [F.sum(name).alias(name) for name in counts]
    return touched.groupBy("rule_id").agg(_touched(), *totals, emptied, _short(shown))


def total_effect(changes: DataFrame, shown: int) -> DataFrame:
    """One row: lists_touched, slots_emptied, lists_short (touched lists that end up with fewer than `shown`)."""
    emptied = F.coalesce(F.sum("slots_emptied"), F.lit(0)).alias("slots_emptied")
    return changes.agg(_touched(), emptied, _short(shown))


def _tops(lists: DataFrame, shown: int, name: str) -> DataFrame:
    ranked = F.array_sort(F.collect_list(F.struct("rank", "candidate_id")))["candidate_id"]
    return lists.where(F.col("rank") <= shown).groupBy(*_LIST).agg(ranked.alias(name))


def _priced(pairs: DataFrame, goods: Goods) -> DataFrame:
    prices = goods.offers.select("region_id", "variant_id", "price")
    of_candidate = prices.withColumnRenamed("variant_id", "candidate_id")
    of_anchor = prices.withColumnsRenamed({"variant_id": "anchor_id", "price": "anchor_price"})
    return pairs.join(of_candidate, ["region_id", "candidate_id"], "left").join(of_anchor, list(_LIST), "left")


def _touched() -> Column:
    return F.count(F.lit(1)).alias("lists_touched")


def _short(shown: int) -> Column:
    return F.count_if(F.size("after") < shown).alias("lists_short")
