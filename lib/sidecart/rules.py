"""Rules: what the shop allows and denies in a list, and which rule wins."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def rules_on(rules: DataFrame, day: date) -> DataFrame:
    """One row with the column `rules`: all rules in force on the day, as an array of structs (empty if none)."""
    in_force = (F.coalesce("starts_on", F.lit(day)) <= F.lit(day)) & (F.coalesce("ends_on", F.lit(day)) >= F.lit(day))
    rule = F.struct(
        "rule_id",
        "action",
        "anchor_by",
        "anchor_value",
        "candidate_by",
        "candidate_value",
        "region_id",
        "priority",
    )
    return rules.where(in_force).agg(F.array_sort(F.collect_list(rule)).alias("rules"))


def ruling() -> Column:
    """The rule that decides a candidate, as a struct of priority, is_deny and rule_id; null where none speaks of it.

    Of a row with rules (see rules_on), anchor_id, anchor_path, candidate_id, candidate_path and region_path.
    Order of conflict: the larger priority; at the same priority deny before allow; then the larger rule id.
    """

    def speaks(rule: Column) -> Column:
        return (
            _chooses(rule["anchor_by"], rule["anchor_value"], "anchor")
            & _chooses(rule["candidate_by"], rule["candidate_value"], "candidate")
            & (rule["region_id"].isNull() | F.array_contains("region_path", rule["region_id"]))
        )

    def weight(rule: Column) -> Column:
        return F.struct(
            rule["priority"].alias("priority"),
            (rule["action"] == "deny").alias("is_deny"),
            rule["rule_id"].alias("rule_id"),
        )

    return F.array_max(F.transform(F.filter("rules", speaks), weight))


def _chooses(by: Column, value: Column, side: str) -> Column:
    of_category = (by == "category") & F.coalesce(F.array_contains(f"{side}_path", value), F.lit(False))
    of_variant = (by == "variant") & F.coalesce(value == F.col(f"{side}_id"), F.lit(False))
    return (by == "any") | of_category | of_variant
