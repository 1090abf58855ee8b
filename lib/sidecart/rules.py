"""Rules: what the shop allows and denies in a list, and which rule wins."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def rules_on(rules: DataFrame, day: date) -> DataFrame:
    """The rules in force on the day (contract rules)."""
    begun = F.coalesce("starts_on", F.lit(day)) <= F.lit(day)
    return rules.where(begun & (F.coalesce("ends_on", F.lit(day)) >= F.lit(day)))


def candidate_rules(rules: DataFrame, variant_paths: DataFrame) -> DataFrame:
    """One row per variant that any rule speaks of as a candidate: candidate_id and `rules`, an array of structs.

    `variant_paths`: variant_id, category_path. A rule for a category speaks of all variants in it or below.
    """
    of_category = F.transform("category_path", lambda category: _key(F.lit("category"), category))
    every = F.array(_key(F.lit("any"), F.lit(None)), _key(F.lit("variant"), F.col("variant_id")))
    keys = variant_paths.select("variant_id", F.explode(F.concat(every, of_category)).alias("key"))
    rule = F.struct("rule_id", "action", "anchor_by", "anchor_value", "region_id", "priority")
    told = rules.select(_key(F.col("candidate_by"), F.col("candidate_value")).alias("key"), rule.alias("rule"))
    gathered = keys.join(F.broadcast(told), "key").groupBy(F.col("variant_id").alias("candidate_id"))
    return gathered.agg(F.array_sort(F.collect_list("rule")).alias("rules"))


def ruling() -> Column:
    """The rule that decides a pair, as a struct of priority, is_deny and rule_id; null where none speaks of it.

    Of a row with rules (see candidate_rules), anchor_id, anchor_path and region_path.
    Order of conflict: the larger priority; at the same priority deny before allow; then the larger rule id.
    """

    def speaks(rule: Column) -> Column:
        by, value = rule["anchor_by"], rule["anchor_value"]
        of_category = (by == "category") & F.array_contains("anchor_path", value)
        of_variant = (by == "variant") & (value == F.col("anchor_id"))
        there = rule["region_id"].isNull() | F.array_contains("region_path", rule["region_id"])
        return ((by == "any") | F.coalesce(of_category, F.lit(False)) | F.coalesce(of_variant, F.lit(False))) & there

    def weight(rule: Column) -> Column:
        is_deny = (rule["action"] == "deny").alias("is_deny")
        return F.struct(rule["priority"].alias("priority"), is_deny, rule["rule_id"].alias("rule_id"))

    return F.array_max(F.transform(F.filter("rules", speaks), weight))


def _key(by: Column, value: Column) -> Column:
    """What rules and variants are matched by; any rule for `any` has the same key."""
    return F.concat_ws(":", by, F.when(by != "any", value))
