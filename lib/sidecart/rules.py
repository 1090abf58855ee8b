"""Rules: what the shop allows and denies in a list, and which rule wins. docs/rules.md is the page for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.contracts import silver
from sidecart.contracts.frames import Tables

_AMOUNT = r"([0-9]{1,14}(?:\.[0-9]{1,4})?)?"
_BAND = rf"^\s*{_AMOUNT}\s*\.\.\s*{_AMOUNT}\s*$"
_ATTRIBUTE = r"^[^=]+=.+$"


@dataclass(frozen=True)
class Goods:
    """What rules choose from, and where."""

    subjects: DataFrame
    """rule_subjects"""
    offers: DataFrame
    """OFFERS, for their prices."""
    regions: DataFrame
    own_attributes: DataFrame | None = None
    """region_id, variant_id and attributes of the offers that have any: they come before the catalogue's in their
    region. None where no rule asks.
    """


def goods_of(tables: Tables, rules: DataFrame) -> Goods:
    """What these rules choose from, of a run or a release."""
    subjects = rule_subjects(tables.read(silver.CATALOG), tables.read(silver.CATEGORIES))
    offers, regions = tables.read(silver.OFFERS), tables.read(silver.REGIONS)
    return Goods(subjects, offers, regions, own_attributes(offers, rules))


def own_attributes(offers: DataFrame, rules: DataFrame) -> DataFrame | None:
    """The offers with attributes of their own (region_id, variant_id, attributes); None where no rule asks for any."""
    own = offers.where(F.size("attributes") > 0).select("region_id", "variant_id", "attributes")
    is_asked = not rules.where("'attribute' IN (anchor_by, candidate_by)").isEmpty()
    return own if is_asked and not own.isEmpty() else None


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
    of_attribute = F.transform(F.map_entries("attributes"), lambda entry: _attribute_key(entry["key"], entry["value"]))
    single = F.array(*(rule_key(by, F.col(column)) for by, column in _NAMES.items()))
    return subjects.select("variant_id", F.explode(F.array_compact(F.concat(single, of_category, of_attribute)))).toDF(
        "variant_id", "key"
    )


def regional_keys(subjects: DataFrame, own_attributes: DataFrame) -> DataFrame:
    """One row per region, variant and key of an attribute that is another there than in the catalogue: region_id,
    variant_id, key and holds (whether the variant has it there, or has lost it).
    """
    known = subjects.select("variant_id", F.col("attributes").alias("general"))
    said = own_attributes.select("region_id", "variant_id", F.explode("attributes").alias("name", "value"))
    name, value = F.col("name"), F.col("value")
    before = F.try_element_at("general", name)
    differing = said.join(known, "variant_id").where(~before.eqNullSafe(value))
    gained = F.struct(_attribute_key(name, value).alias("key"), F.lit(True).alias("holds"))
    lost = F.struct(_attribute_key(name, before).alias("key"), F.lit(False).alias("holds"))
    both = F.array_compact(F.array(gained, F.when(before.isNotNull(), lost)))
    return differing.select("region_id", "variant_id", F.inline(both))


def _attribute_key(name: Column, value: Column) -> Column:
    return rule_key("attribute", F.concat(name, F.lit("="), value))


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
    keys = subject_keys(subjects).unionByName(everyone)
    gathered = keys.join(F.broadcast(_told_of_candidates(rules)), "key")
    return gathered.groupBy(F.col("variant_id").alias("candidate_id")).agg(
        F.array_sort(F.collect_list("rule")).alias("rules")
    )


def _told_of_candidates(rules: DataFrame) -> DataFrame:
    """One row per rule: the key of its candidates, and `rule`, what decides a pair by it."""
    return rules.select(
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


def anchor_rules(rules: DataFrame, subjects: DataFrame) -> DataFrame:
    """One row per variant that any rule names as an anchor: anchor_id and `anchor_rules`, the ids of these rules."""
    told = F.broadcast(_told_of_anchors(rules))
    gathered = subject_keys(subjects).join(told, "key").groupBy(F.col("variant_id").alias("anchor_id"))
    return gathered.agg(F.array_sort(F.collect_list("rule_id")).alias("anchor_rules"))


def _told_of_anchors(rules: DataFrame) -> DataFrame:
    """One row per rule that names its anchors: their key, and rule_id."""
    named = rules.where(names_variants(F.col("anchor_by")))
    return named.select(rule_key(F.col("anchor_by"), F.col("anchor_value")).alias("key"), "rule_id")


def _with_regional_rules(told: DataFrame, rules: DataFrame, goods: Goods) -> DataFrame:
    """The rows with the rules that speak of their variants by attributes of the region, without those that do not."""
    if goods.own_attributes is None:
        return told
    keys = regional_keys(goods.subjects, goods.own_attributes)
    candidates = _gained_and_lost(keys.join(F.broadcast(_told_of_candidates(rules)), "key"), "candidate", "rule")
    anchors = _gained_and_lost(keys.join(F.broadcast(_told_of_anchors(rules)), "key"), "anchor", "rule_id")
    there = told.join(candidates, ["region_id", "candidate_id"], "left").join(
        anchors, ["region_id", "anchor_id"], "left"
    )
    kept = F.filter("rules", lambda rule: ~F.array_contains("candidate_lost", rule["rule_id"]))
    nothing = F.slice("candidate_gained", 1, 0)
    of_candidate = F.concat(F.coalesce(kept, nothing), "candidate_gained")
    before = F.coalesce("anchor_rules", F.array().cast("array<string>"))
    of_anchor = F.concat(F.array_except(before, "anchor_lost"), "anchor_gained")
    return there.withColumns(
        {
            "rules": F.when(F.col("candidate_gained").isNull(), F.col("rules")).otherwise(of_candidate),
            "anchor_rules": F.when(F.col("anchor_gained").isNull(), F.col("anchor_rules")).otherwise(of_anchor),
        }
    ).drop("candidate_gained", "candidate_lost", "anchor_gained", "anchor_lost")


def _gained_and_lost(met: DataFrame, side: str, what: str) -> DataFrame:
    """One row per region and variant: what rules it gained there, and the ids of those it lost."""
    rule_id = F.col("rule.rule_id") if what == "rule" else F.col("rule_id")
    return met.groupBy("region_id", F.col("variant_id").alias(f"{side}_id")).agg(
        F.array_sort(F.collect_list(F.when(F.col("holds"), F.col(what)))).alias(f"{side}_gained"),
        F.collect_set(F.when(~F.col("holds"), rule_id)).alias(f"{side}_lost"),
    )


def with_ruling(listed: DataFrame, goods: Goods, rules: DataFrame) -> DataFrame:
    """The rows with `ruling` (see below). `listed` has region_id, anchor_id, candidate_id, price and anchor_price.

    Each row carries only the rules that speak of its candidate, as an array: rows are never multiplied by rules.
    """
    region_paths = goods.regions.select("region_id", F.col("path").alias("region_path"))
    told = (
        listed.join(F.broadcast(region_paths), "region_id")
        .join(anchor_rules(rules, goods.subjects), "anchor_id", "left")
        .join(candidate_rules(rules, goods.subjects), "candidate_id", "left")
    )
    return (
        _with_regional_rules(told, rules, goods)
        .withColumn("ruling", ruling())
        .drop("region_path", "anchor_rules", "rules")
    )


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
