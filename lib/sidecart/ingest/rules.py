"""Rules: what the shop allows and denies. A rule that can't be applied stops the run; none is ever ignored."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.contracts.frames import conform
from sidecart.contracts.inputs import RULES as INPUT
from sidecart.contracts.silver import RULES
from sidecart.errors import RuleError
from sidecart.ingest.parsing import Moment, fault
from sidecart.ingest.snapshots import staged_snapshot, with_duplicate_keys
from sidecart.ingest.staged import staged, with_fault

APPLICABLE = ("any", "category", "variant")


def staged_rules(raw: DataFrame, moment: Moment) -> DataFrame:
    """One row per input row: its values and its fault."""
    rows = with_duplicate_keys(staged_snapshot(raw, INPUT, moment, checks=_checked), INPUT)
    return staged(rows, INPUT.name)


def _checked(rows: DataFrame) -> DataFrame:
    is_self = (
        (F.col("anchor_by") == "variant")
        & (F.col("candidate_by") == "variant")
        & (F.col("anchor_value") == F.col("candidate_value"))
    )
    lacks_anchor = (F.coalesce("anchor_by", F.lit("any")) != "any") & F.col("anchor_value").isNull()
    lacks_candidate = (F.col("candidate_by") != "any") & F.col("candidate_value").isNull()
    return with_fault(
        rows,
        fault(lacks_anchor, "VALUE_MISSING", "anchor_value"),
        fault(lacks_candidate, "VALUE_MISSING", "candidate_value"),
        fault(F.col("ends_on") < F.col("starts_on"), "RULE_DATES", "ends_on"),
        fault(is_self, "RULE_SELF", "candidate_value"),
    )


def rules(rows: DataFrame) -> DataFrame:
    """RULES of the newest rows; the defaults are filled in."""
    completed = rows.where("is_newest").withColumns(
        {
            "anchor_by": F.coalesce("anchor_by", F.lit("any")),
            "priority": F.coalesce("priority", F.lit(0)),
        }
    )
    return conform(completed, RULES)


def require_applicable(silver_rules: DataFrame) -> None:
    """Raises RuleError for a rule by group, brand or attribute, and for one that denies everything to everyone."""
    by_other = ~F.col("anchor_by").isin(*APPLICABLE) | ~F.col("candidate_by").isin(*APPLICABLE)
    found = silver_rules.where(by_other).orderBy("rule_id").limit(1).collect()
    if found:
        raise RuleError(
            f"rule {found[0]['rule_id']}: this version chooses by any, category or variant only;"
            " rewrite it or take it out of the input rules"
        )
    total = silver_rules.where("action = 'deny' AND anchor_by = 'any' AND candidate_by = 'any'")
    found = total.orderBy("rule_id").limit(1).collect()
    if found:
        raise RuleError(f"rule {found[0]['rule_id']}: denies every candidate to every anchor; name what it is about")


def rule_warnings(silver_rules: DataFrame, catalog: DataFrame, categories: DataFrame, regions: DataFrame) -> list[str]:
    """RULE_INACTIVE for rules that name what nobody knows, RULE_CONFLICT for an allow and a deny of the same pairs."""
    known = (
        catalog.select(F.lit("variant").alias("by"), F.col("variant_id").alias("value"))
        .unionByName(categories.select(F.lit("category").alias("by"), F.col("category_id").alias("value")))
        .unionByName(regions.select(F.lit("region").alias("by"), F.col("region_id").alias("value")))
    )
    named = [("anchor_by", "anchor_value"), ("candidate_by", "candidate_value")]
    parts = [silver_rules.select("rule_id", F.col(by).alias("by"), F.col(value).alias("value")) for by, value in named]
    places = silver_rules.select("rule_id", F.lit("region").alias("by"), F.col("region_id").alias("value"))
    asked = parts[0].unionByName(parts[1]).unionByName(places).where("by <> 'any' AND value IS NOT NULL")
    inactive = asked.join(known, ["by", "value"], "left_anti").select("rule_id", F.lit("RULE_INACTIVE").alias("code"))
    found = inactive.unionByName(_conflicts(silver_rules)).groupBy("code")
    counted = found.agg(F.count_distinct("rule_id").alias("n"), F.min("rule_id").alias("first")).orderBy("code")
    return [f"{row['code']}: {row['n']} rules, {row['first']} for one" for row in counted.collect()]


def _conflicts(silver_rules: DataFrame) -> DataFrame:
    same = ("anchor_by", "anchor_value", "candidate_by", "candidate_value", "region_id", "priority")
    both = silver_rules.groupBy(*same).agg(F.min("rule_id").alias("rule_id"), F.count_distinct("action").alias("n"))
    return both.where("n > 1").select("rule_id", F.lit("RULE_CONFLICT").alias("code"))
