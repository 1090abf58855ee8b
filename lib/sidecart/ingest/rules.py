"""Rules: what the shop allows and denies. A rule that can't be applied stops the run; none is ever ignored."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sidecart.contracts.frames import conform
from sidecart.contracts.inputs import RULES as INPUT
from sidecart.contracts.silver import RULES
from sidecart.errors import RuleError
from sidecart.ingest.buyers import BuyerKey
from sidecart.ingest.delta import survey_delta
from sidecart.ingest.files import files_at
from sidecart.ingest.parsing import Moment, fault
from sidecart.ingest.reading import raw_rows
from sidecart.ingest.snapshots import staged_snapshot, with_duplicate_keys
from sidecart.ingest.staged import staged, with_fault
from sidecart.ingest.survey import survey
from sidecart.rules import Goods, is_attribute, names_variants, price_band, regional_keys, rule_key, subject_keys


def rule_file(spark: SparkSession, path: Path, moment: Moment) -> DataFrame:
    """The staged rows (see staged_rules) of a file, folder or Delta table of rules anywhere."""
    found = files_at(path, INPUT.name)
    files = [survey_delta(spark, f) if f.format == "delta" else survey(f, moment.settings.ingest) for f in found]
    no_buyers = BuyerKey(b"rules name no buyers")
    return staged_rules(raw_rows(spark, INPUT.name, files, moment.settings.ingest, no_buyers), moment)


def staged_rules(raw: DataFrame, moment: Moment) -> DataFrame:
    """One row per input row: its values and its fault. Price bands are written with a decimal point from here on."""
    rows = with_duplicate_keys(staged_snapshot(raw, INPUT, moment, checks=_checked), INPUT)
    return staged(_with_points(rows) if moment.settings.ingest.decimal_comma else rows, INPUT.name)


def _with_points(rows: DataFrame) -> DataFrame:
    bands = {
        f"{side}_value": F.when(
            F.col(f"{side}_by") == "price", F.regexp_replace(f"{side}_value", "(?<=[0-9]),(?=[0-9])", ".")
        ).otherwise(F.col(f"{side}_value"))
        for side in ("anchor", "candidate")
    }
    return rows.withColumns(bands)


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


def require_applicable(silver_rules: DataFrame, max_wildcard_share: float) -> None:
    """Raises RuleError for a value that can't be read, and, unless every share is let pass, for `deny any to any`."""
    found = unreadable_values(silver_rules).orderBy("rule_id", "detail").limit(1).collect()
    if found:
        raise RuleError("RULE_VALUE", f"rule {found[0]['rule_id']}: {found[0]['detail']}")
    total = silver_rules.where("action = 'deny' AND anchor_by = 'any' AND candidate_by = 'any'")
    found = total.orderBy("rule_id").limit(1).collect() if max_wildcard_share < 1 else []
    if found:
        raise RuleError(
            "RULE_WILDCARD",
            f"rule {found[0]['rule_id']}: denies every candidate to every anchor; name what it is about in"
            " candidate_by and candidate_value, or run with --force",
        )


def unreadable_values(silver_rules: DataFrame) -> DataFrame:
    """One row per price that is no band and attribute that is no pair: rule_id, detail (column, value and remedy)."""
    sides = [_unreadable(silver_rules, side) for side in ("anchor", "candidate")]
    return sides[0].unionByName(sides[1])


def _unreadable(silver_rules: DataFrame, side: str) -> DataFrame:
    by, value = F.col(f"{side}_by"), F.col(f"{side}_value")
    band = f"{side}_value '%s' is no price band; write 10..25, ..5 or 100.., in the shop's currency"
    pair = f"{side}_value '%s' is no attribute; write name=value, colour=green for one"
    detail = F.when((by == "price") & price_band(value).isNull(), F.format_string(band, value)).when(
        (by == "attribute") & ~is_attribute(value), F.format_string(pair, value)
    )
    return silver_rules.select("rule_id", detail.alias("detail")).where("detail IS NOT NULL")


def rule_warnings(silver_rules: DataFrame, goods: Goods, categories: DataFrame) -> list[str]:
    """RULE_INACTIVE for rules that name what nobody knows, RULE_CONFLICT for an allow and a deny of the same pairs."""
    known = (
        subject_keys(goods.subjects)
        .select("key")
        .union(categories.select(rule_key("category", F.col("category_id"))))
        .union(goods.regions.select(rule_key("region", F.col("region_id"))))
    )
    if goods.own_attributes is not None:
        known = known.union(regional_keys(goods.subjects, goods.own_attributes).where("holds").select("key"))
    parts = [
        silver_rules.where(names_variants(F.col(f"{side}_by"))).select(
            "rule_id", rule_key(F.col(f"{side}_by"), F.col(f"{side}_value")).alias("key")
        )
        for side in ("anchor", "candidate")
    ]
    places = silver_rules.where("region_id IS NOT NULL").select("rule_id", rule_key("region", F.col("region_id")))
    asked = parts[0].unionByName(parts[1]).union(places)
    inactive = asked.join(known, "key", "left_anti").select("rule_id", F.lit("RULE_INACTIVE").alias("code"))
    found = inactive.unionByName(_conflicts(silver_rules)).groupBy("code")
    counted = found.agg(F.count_distinct("rule_id").alias("n"), F.min("rule_id").alias("first")).orderBy("code")
    return [f"{row['code']}: {row['n']} rules, {row['first']} for one" for row in counted.collect()]


def _conflicts(silver_rules: DataFrame) -> DataFrame:
    same = ("anchor_by", "anchor_value", "candidate_by", "candidate_value", "region_id", "priority")
    both = silver_rules.groupBy(*same).agg(F.min("rule_id").alias("rule_id"), F.count_distinct("action").alias("n"))
    return both.where("n > 1").select("rule_id", F.lit("RULE_CONFLICT").alias("code"))
