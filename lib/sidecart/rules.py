"""Rules: what the shop allows and denies in a list, and which rule wins. docs/rules.md is the page for people."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_AMOUNT = r"([0-9]{1,14}(?:\.[0-9]{1,4})?)?"
_BAND = rf"^\s*{_AMOUNT}\s*\.\.\s*{_AMOUNT}\s*$"
_ATTRIBUTE = r"^[^=]+=.+$"


def rules_on(rules: DataFrame, day: date) -> DataFrame:
    """The rules in force on the day (contract rules)."""
    begun = F.coalesce("starts_on", F.lit(day)) <= F.lit(day)
    return rules.where(begun & (F.coalesce("ends_on", F.lit(day)) >= F.lit(day)))


def rule_subjects(catalog: DataFrame, categories: DataFrame) -> DataFrame:
    """One row per variant with what rules choose it by: variant_id, group_id, category_path, brand, attributes.

    The path is empty where the category is unknown. In: contracts catalog and categories.
    """
    paths = categories.select("category_id", F.col("path").alias("category_path"))
    path = F.coalesce("category_path", F.array().cast("array<string>")).alias("category_path")
    return catalog.join(paths, "category_id", "left").select("variant_id", "group_id", path, "brand", "attributes")


def subject_keys(subjects: DataFrame) -> DataFrame:
    """One row per variant and key (see rule_key) of a rule that names it: variant_id, key.

    A category names all variants in it or below. No row for `any`, nor for prices: they differ by region.
    """
    of_category = F.transform("category_path", lambda category: rule_key("category", category))
    of_attribute = F.transform(
        F.map_entries("attributes"),
        lambda entry: rule_key("attribute", F.concat(entry["key"], F.lit("="), entry["value"])),
    )
    single = F.array(*(rule_key(by, F.col(column)) for by, column in _NAMES.items()))
    return subjects.select("variant_id", F.explode(F.array_compact(F.concat(single, of_category, of_attribute)))).toDF(
        "variant_id", "key"
    )


_NAMES = {"variant": "variant_id", "group": "group_id", "brand": "brand"}


def rule_key(by: str | Column, value: Column) -> Column:
    """What rules and variants are matched by: `brand:Acme`; null for a null value."""
    return F.concat(F.lit(by) if isinstance(by, str) else by, F.lit(":"), value)


def names_variants(by: Column) -> Column:
    """Whether a choice names variants by a key; `any` and `price` are decided otherwise."""
    return ~by.isin("any", "price")


def price_band(value: Column) -> Column:
    """A struct of low and high, both within the band, of `10..25`, `..5` or `100..`; null for what is no band."""
    low, high = (
        F.nullif(F.regexp_extract(value, _BAND, group), F.lit("")).try_cast("decimal(18,4)") for group in (1, 2)
    )
    is_band = value.rlike(_BAND) & (low.isNotNull() | high.isNotNull()) & F.coalesce(low <= high, F.lit(True))
    return F.when(is_band, F.struct(low.alias("low"), high.alias("high")))


def in_band(price: Column, band: Column) -> Column:
    """Whether the price lies within the band (see price_band); an unknown price lies in none."""
    above = band["low"].isNull() | (price >= band["low"])
    below = band["high"].isNull() | (price <= band["high"])
    return F.coalesce(band.isNotNull() & price.isNotNull() & above & below, F.lit(False))


def is_attribute(value: Column) -> Column:
    """Whether the value names an attribute and its value, `colour=green`; the first equals sign parts them."""
    return value.rlike(_ATTRIBUTE)


def candidate_rules(rules: DataFrame, subjects: DataFrame) -> DataFrame:
    """One row per variant that any rule speaks of as a candidate: candidate_id and `rules`, an array of structs.

    Rules by price are told of every variant; its price in the region decides, row by row.
    """
    everyone = subjects.select("variant_id", F.explode(F.array(F.lit("any"), F.lit("price"))).alias("key"))
    told = rules.select(
        F.when(names_variants(F.col("candidate_by")), rule_key(F.col("candidate_by"), F.col("candidate_value")))
        .otherwise(F.col("candidate_by"))
        .alias("key"),
        F.struct(
            "rule_id",
            "action",
            "priority",
            "region_id",
            "anchor_by",
            "candidate_by",
            _band_of("anchor").alias("anchor_band"),
            _band_of("candidate").alias("candidate_band"),
        ).alias("rule"),
    )
    keys = subject_keys(subjects).unionByName(everyone)
    gathered = keys.join(F.broadcast(told), "key").groupBy(F.col("variant_id").alias("candidate_id"))
    return gathered.agg(F.array_sort(F.collect_list("rule")).alias("rules"))


def anchor_rules(rules: DataFrame, subjects: DataFrame) -> DataFrame:
    """One row per variant that any rule names as an anchor: anchor_id and `anchor_rules`, the ids of these rules."""
    named = rules.where(names_variants(F.col("anchor_by")))
    told = named.select(rule_key(F.col("anchor_by"), F.col("anchor_value")).alias("key"), "rule_id")
    gathered = subject_keys(subjects).join(F.broadcast(told), "key").groupBy(F.col("variant_id").alias("anchor_id"))
    return gathered.agg(F.array_sort(F.collect_list("rule_id")).alias("anchor_rules"))


def with_ruling(listed: DataFrame, regions: DataFrame, subjects: DataFrame, rules: DataFrame) -> DataFrame:
    """The rows with `ruling` (see below). `listed` has region_id, anchor_id, candidate_id, price and anchor_price.

    Each row carries only the rules that speak of its candidate, as an array: rows are never multiplied by rules.
    """
    region_paths = regions.select("region_id", F.col("path").alias("region_path"))
    told = (
        listed.join(F.broadcast(region_paths), "region_id")
        .join(anchor_rules(rules, subjects), "anchor_id", "left")
        .join(candidate_rules(rules, subjects), "candidate_id", "left")
    )
    return told.withColumn("ruling", ruling()).drop("region_path", "anchor_rules", "rules")


def ruling() -> Column:
    """The rule that decides a pair, as a struct of priority, is_deny and rule_id; null where none speaks of it.

    Of a row with rules (see candidate_rules), anchor_rules, region_path, price and anchor_price.
    Order of conflict: the larger priority; at the same priority deny before allow; then the larger rule id.
    """

    def speaks(rule: Column) -> Column:
        named = F.coalesce(F.array_contains("anchor_rules", rule["rule_id"]), F.lit(False))
        of_anchor = (
            F.when(rule["anchor_by"] == "any", F.lit(True))
            .when(rule["anchor_by"] == "price", in_band(F.col("anchor_price"), rule["anchor_band"]))
            .otherwise(named)
        )
        of_candidate = (rule["candidate_by"] != "price") | in_band(F.col("price"), rule["candidate_band"])
        there = rule["region_id"].isNull() | F.array_contains("region_path", rule["region_id"])
        return there & of_candidate & of_anchor

    return F.array_max(F.transform(F.filter("rules", speaks), precedence))


def precedence(rule: Column) -> Column:
    """Priority, is_deny and rule_id of a rule as a struct; of two rules the one with the larger struct wins."""
    is_deny = (rule["action"] == "deny").alias("is_deny")
    return F.struct(rule["priority"].alias("priority"), is_deny, rule["rule_id"].alias("rule_id"))


def _band_of(side: str) -> Column:
    return F.when(F.col(f"{side}_by") == "price", price_band(F.col(f"{side}_value")))
