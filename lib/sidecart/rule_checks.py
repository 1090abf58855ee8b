"""Rule checks: which rules do nothing, contradict each other or reach too far, on the catalogue as it stands.

A *choice* is one side of a rule: what it chooses by, and the value. Choices are counted once however many rules make
them, so that a thousand rules about one category cost one count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.rules import in_band, names_variants, precedence, price_band, rule_key, subject_keys

_SIDES = ("anchor", "candidate")


@dataclass(frozen=True)
class Goods:
    """What rules choose from: variants (see rules.rule_subjects), OFFERS for their prices, and REGIONS."""

    subjects: DataFrame
    offers: DataFrame
    regions: DataFrame


def rule_findings(rules: DataFrame, goods: Goods, day: date, max_wildcard_share: float) -> DataFrame:
    """One row per finding: rule_id, finding, severity (error or warning), detail in words. In: contract rules.

    `dead`: its last day is over, it chooses no anchor or no candidate, or a rule that comes before it always wins.
    `contradictory`: an allow whose pairs a deny of its priority takes, all (an error) or some of them.
    `self`: anchor and candidate are one variant. `everything` and `wildcard`: see wildcard_findings.
    """
    is_over = F.col("ends_on") < F.lit(day)
    sized = _sized(rules.where(~F.coalesce(is_over, F.lit(False))), goods)
    awake = _known_places(sized, goods).where("anchor_variants > 0 AND candidate_variants > 0")
    ended = _found(
        rules.where(is_over), "dead", F.format_string("its last day was %s", F.col("ends_on").cast("string"))
    )
    parts = [
        ended,
        _empty(sized, goods),
        _beaten(awake, goods, day),
        _own(awake, goods),
        _wide(sized, max_wildcard_share),
    ]
    return reduce(DataFrame.unionByName, parts)


def wildcard_findings(rules: DataFrame, goods: Goods, day: date, max_wildcard_share: float) -> DataFrame:
    """The findings (see rule_findings) that stop a run: `everything`, a deny of any to any, and `wildcard`, a rule with
    any on one side that chooses more than `max_wildcard_share` of the catalogue on the other. Rules that are over are
    left out. A price chooses what has it anywhere the rule holds.
    """
    is_over = F.coalesce(F.col("ends_on") < F.lit(day), F.lit(False))
    return _wide(_sized(rules.where(~is_over), goods), max_wildcard_share)


def _sized(rules: DataFrame, goods: Goods) -> DataFrame:
    """The rules with the choice of each side, how many variants it has (anchor_variants, …), and of the catalogue."""
    chosen = rules.withColumns({side: _choice(side) for side in _SIDES})
    sizes = _sizes(_choices(chosen), goods)
    for side in _SIDES:
        counted = sizes.select(F.col("choice").alias(side), F.col("variants").alias(f"{side}_variants"))
        chosen = chosen.join(F.broadcast(counted), side)
    return chosen.crossJoin(_catalogue(goods))


def _catalogue(goods: Goods) -> DataFrame:
    return goods.subjects.agg(F.count(F.lit(1)).alias("catalogue"))


def _choice(side: str) -> Column:
    """The key of one side; a price also names its region, as it chooses among the prices there."""
    by, value = F.col(f"{side}_by"), F.col(f"{side}_value")
    price = F.concat_ws("@", rule_key(by, value), "region_id")
    return F.when(by == "any", by).when(by == "price", price).otherwise(rule_key(by, value))


def _choices(chosen: DataFrame) -> DataFrame:
    """One row per choice: choice, by, band, region_id (the last two of prices only)."""
    sides = [
        chosen.select(
            F.col(side).alias("choice"),
            F.col(f"{side}_by").alias("by"),
            F.when(F.col(f"{side}_by") == "price", price_band(F.col(f"{side}_value"))).alias("band"),
            F.when(F.col(f"{side}_by") == "price", F.col("region_id")).alias("region_id"),
        )
        for side in _SIDES
    ]
    return sides[0].unionByName(sides[1]).dropDuplicates(["choice"])


def _members(choices: DataFrame, goods: Goods) -> DataFrame:
    """One row per choice and variant it has: choice, variant_id; none for `any`."""
    keys = subject_keys(goods.subjects).withColumnRenamed("key", "choice")
    named = keys.join(F.broadcast(choices.where(names_variants(F.col("by"))).select("choice")), "choice")
    paths = goods.regions.select("region_id", F.col("path").alias("region_path"))
    priced = goods.offers.select("region_id", "variant_id", "price").join(F.broadcast(paths), "region_id")
    bands = choices.where("by = 'price'").withColumnRenamed("region_id", "of_region")
    there = F.col("of_region").isNull() | F.array_contains("region_path", F.col("of_region"))
    within = priced.join(F.broadcast(bands), there & in_band(F.col("price"), F.col("band")))
    known = within.join(goods.subjects.select("variant_id"), "variant_id", "left_semi")
    return named.select("choice", "variant_id").union(known.select("choice", "variant_id").distinct())


def _sizes(choices: DataFrame, goods: Goods) -> DataFrame:
    """One row per choice: choice, by, band, variants."""
    counted = _members(choices, goods).groupBy("choice").agg(F.count(F.lit(1)).alias("counted"))
    variants = F.when(F.col("by") == "any", F.col("catalogue")).otherwise(F.coalesce("counted", F.lit(0)))
    joined = choices.join(counted, "choice", "left").crossJoin(_catalogue(goods))
    return joined.select("choice", "by", "band", variants.alias("variants"))


def _known_places(sized: DataFrame, goods: Goods) -> DataFrame:
    """The rules of regions that exist, with region_path (null where a rule holds everywhere)."""
    paths = goods.regions.select("region_id", F.col("path").alias("region_path"))
    joined = sized.join(F.broadcast(paths), "region_id", "left")
    return joined.where("region_id IS NULL OR region_path IS NOT NULL")


def _empty(sized: DataFrame, goods: Goods) -> DataFrame:
    """Rules that choose nothing, or hold nowhere."""
    nothing = [_found(sized.where(f"{side}_variants = 0"), "dead", _nothing(side)) for side in _SIDES]
    placed = sized.where("region_id IS NOT NULL")
    lost = placed.join(F.broadcast(goods.regions.select("region_id")), "region_id", "left_anti")
    nowhere = _found(lost, "dead", F.format_string("there is no region %s", "region_id"))
    return nothing[0].unionByName(nothing[1]).unionByName(nowhere)


def _nothing(side: str) -> Column:
    return F.concat(F.lit(f"chooses no {side}: "), F.concat_ws(" ", f"{side}_by", f"{side}_value"))


def _overlaps(choices: DataFrame, goods: Goods) -> DataFrame:
    """One row per two choices that share variants: choice, other, and is_within where the other has all of them.

    One price is within another only by its band, as which variants have it differs by region.
    """
    members, sizes = _members(choices, goods), _sizes(choices, goods)
    shared = members.join(members.withColumnRenamed("choice", "other"), "variant_id").groupBy("choice", "other")
    of_any = sizes.join(sizes.selectExpr("choice AS other", "by AS other_by", "variants AS other_variants"))
    with_any = of_any.where("by = 'any' OR other_by = 'any'").select(
        "choice", "other", F.least("variants", "other_variants").alias("common")
    )
    pairs = shared.agg(F.count(F.lit(1)).alias("common")).unionByName(with_any)
    described = pairs.join(sizes, "choice").join(
        sizes.selectExpr("choice AS other", "by AS other_by", "band AS other_band"), "other"
    )
    is_exact = (F.col("other_by") != "price") | _within(F.col("band"), F.col("other_band"))
    return described.select("choice", "other", ((F.col("common") == F.col("variants")) & is_exact).alias("is_within"))


def _within(band: Column, other: Column) -> Column:
    """Whether every price of a band is in the other one too; not where one of them is no band."""
    above = other["low"].isNull() | (band["low"] >= other["low"])
    below = other["high"].isNull() | (band["high"] <= other["high"])
    return F.coalesce(band.isNotNull() & other.isNotNull() & above & below, F.lit(False))


def _beaten(awake: DataFrame, goods: Goods, day: date) -> DataFrame:
    """Rules that another one always beats, and allows that a deny of the same priority beats in part."""
    pairs = _met(awake, goods, day)
    is_contrary = (F.col("action") == "allow") & (F.col("other_action") == "deny")
    is_contrary = is_contrary & (F.col("priority") == F.col("other_priority"))
    told = pairs.withColumns({"is_contrary": is_contrary, "is_total": _covers()}).where("is_total OR is_contrary")
    worst = F.min(F.struct(~F.col("is_total"), ~F.col("is_contrary"), "other_rule_id", "is_total", "is_contrary"))
    found = told.groupBy("rule_id").agg(worst.alias("worst")).select("rule_id", "worst.*")
    other = F.col("other_rule_id")
    detail = (
        F.when(~F.col("is_contrary"), F.format_string("rule %s always comes before it", other))
        .when(F.col("is_total"), F.format_string("rule %s denies all its pairs at the same priority, and wins", other))
        .otherwise(F.format_string("rule %s denies some of its pairs at the same priority, and wins there", other))
    )
    finding = F.when(F.col("is_contrary"), F.lit("contradictory")).otherwise(F.lit("dead"))
    severity = F.when(F.col("is_contrary") & F.col("is_total"), F.lit("error")).otherwise(F.lit("warning"))
    return found.select("rule_id", finding.alias("finding"), severity.alias("severity"), detail.alias("detail"))


_OF_RULE = ("rule_id", "action", "priority", "region_id", "region_path", "begins_on", "over_on", "precedence")


def _met(awake: DataFrame, goods: Goods, day: date) -> DataFrame:
    """One row per rule and another that comes before it for some of its pairs, somewhere, on some day."""
    overlaps = _overlaps(_choices(awake), goods)
    timed = awake.withColumns(
        {
            "begins_on": F.greatest(F.coalesce("starts_on", F.lit(day)), F.lit(day)),
            "over_on": F.coalesce("ends_on", F.lit(date.max)),
            "precedence": precedence(F.struct("action", "priority", "rule_id")),
        }
    ).select(*_OF_RULE, *_SIDES)
    pairs = timed
    for side in _SIDES:
        of_side = overlaps.toDF(side, f"other_{side}", f"{side}_is_within")
        pairs = pairs.join(of_side, side)
    others = timed.toDF(*(f"other_{name}" for name in timed.columns))
    met = pairs.join(others, ["other_anchor", "other_candidate"]).where("other_precedence > precedence")
    is_somewhere = _is_there("region_path", "other_region_id") | _is_there("other_region_path", "region_id")
    return met.where("begins_on <= other_over_on AND other_begins_on <= over_on").where(is_somewhere)


def _covers() -> Column:
    """Whether the other rule speaks of every pair of this one, wherever and as long as it holds."""
    always = F.expr("other_begins_on <= begins_on AND other_over_on >= over_on")
    everywhere = _is_there("region_path", "other_region_id") | F.coalesce(
        F.size("other_region_path") == 1, F.lit(False)
    )
    return F.col("anchor_is_within") & F.col("candidate_is_within") & always & everywhere


def _is_there(path: str, region_id: str) -> Column:
    """Whether a rule of the region holds on the whole path's end; one without a region holds everywhere."""
    return F.col(region_id).isNull() | F.coalesce(F.array_contains(path, F.col(region_id)), F.lit(False))


def _own(awake: DataFrame, goods: Goods) -> DataFrame:
    """Rules between one variant and itself, whatever they choose it by."""
    single = awake.where("anchor_variants = 1 AND candidate_variants = 1")
    members = _members(_choices(single), goods)
    for side in _SIDES:
        single = single.join(members.toDF(side, f"{side}_id"), side)
    same = single.where("anchor_id = candidate_id")
    return _found(same, "self", F.format_string("anchor and candidate are one variant, %s", "anchor_id"), "error")


def _wide(sized: DataFrame, max_wildcard_share: float) -> DataFrame:
    is_any = {side: F.col(f"{side}_by") == "any" for side in _SIDES}
    is_total = is_any["anchor"] & is_any["candidate"] & (F.col("action") == "deny")
    total = _found(
        sized.where(is_total & F.lit(max_wildcard_share < 1)), "everything", F.lit("denies all to all"), "error"
    )
    chosen = F.when(is_any["anchor"], F.col("candidate_variants")).otherwise(F.col("anchor_variants"))
    is_wide = (is_any["anchor"] | is_any["candidate"]) & (chosen > F.col("catalogue") * F.lit(max_wildcard_share))
    side = F.when(is_any["anchor"], F.lit("candidates")).otherwise(F.lit("anchors"))
    share = F.format_string(
        "%.0f %% of the catalogue are its %s, with any on the other side", 100 * chosen / F.col("catalogue"), side
    )
    return total.unionByName(_found(sized.where(is_wide & ~is_total), "wildcard", share, "error"))


def _found(rules: DataFrame, finding: str, detail: Column, severity: str = "warning") -> DataFrame:
    named = {"finding": F.lit(finding), "severity": F.lit(severity), "detail": detail}
    return rules.select("rule_id", *(column.alias(name) for name, column in named.items()))
