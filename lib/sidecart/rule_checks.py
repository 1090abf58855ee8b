"""Rule checks: which rules do nothing, contradict each other or reach too far, on the catalogue as it stands.

A *choice* is one side of a rule: what it chooses by, and the value. Spark counts what every choice of a rule set has of
the catalogue, each once however many rules make it; the rules themselves, written by hand, are compared in the driver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from sidecart.rules import Goods, in_band, names_variants, price_band, regional_keys, rule_key, subject_keys

_SIDES = ("anchor", "candidate")
Band = tuple[Decimal | None, Decimal | None]


@dataclass(frozen=True)
class Finding:
    """What is wrong with one rule; an error stops a run, or makes the rule say what nobody can mean."""

    rule_id: str
    finding: str
    severity: str
    detail: str


@dataclass(frozen=True)
class Choice:
    """One side of a rule; `band` of prices only."""

    key: str
    by: str
    band: Band | None


@dataclass(frozen=True)
class WrittenRule:
    """A rule as it is compared with others. `path` ends at its region; it is empty where the rule holds everywhere."""

    rule_id: str
    action: str
    priority: int
    path: tuple[str, ...]
    starts_on: date
    ends_on: date
    anchor: Choice
    candidate: Choice

    @property
    def precedence(self) -> tuple[int, bool, str]:
        """Of two rules the one with the larger precedence wins, as in rules.precedence."""
        return (self.priority, self.action == "deny", self.rule_id)


@dataclass(frozen=True)
class Reach:
    """Variants of the catalogue, of each choice, of two choices in common; and the variant of a choice that has one."""

    catalogue: int
    variants: Mapping[str, int]
    common: Mapping[tuple[str, str], int]
    single: Mapping[str, str]
    regional: frozenset[str] = frozenset()
    """Choices by an attribute that some variant has in one region and not in another."""

    def of(self, choice: Choice) -> int:
        return self.catalogue if choice.by == "any" else self.variants.get(choice.key, 0)

    def is_shared(self, one: Choice, other: Choice) -> bool:
        """Whether any variant is chosen by both."""
        return "any" in (one.by, other.by) or (one.key, other.key) in self.common

    def is_within(self, one: Choice, other: Choice) -> bool:
        """Whether the other chooses all that the one does. In a price only a price is, by its band, as which variants
        have it differs by region; so in an attribute that does, only itself.
        """
        if other.by == "price":
            return one.band is not None and other.band is not None and _is_inside(one.band, other.band)
        if other.key in self.regional:
            return one.key == other.key
        return other.by == "any" or self.common.get((one.key, other.key)) == self.of(one)


def rule_findings(rules: DataFrame, goods: Goods, day: date, max_wildcard_share: float) -> list[Finding]:
    """What is wrong with the rules (contract rules, of readable values), errors first.

    `dead`: its last day is over, it chooses no anchor or no candidate, or a rule that comes before it always wins.
    `contradictory`: an allow whose pairs a deny of its priority takes, all (an error) or some of them.
    `self`: anchor and candidate are one variant (an error where both are chosen by variant or group).
    `everything`: a deny of any to any. `wildcard`: a rule with any on one side that chooses more than
    `max_wildcard_share` of the catalogue on the other.
    """
    written = written_rules(rules, goods, day)
    known = {row["region_id"] for row in goods.regions.select("region_id").collect()}
    return compared(written, reach(rules, goods, with_common=True), known, day, max_wildcard_share)


def wildcard_findings(rules: DataFrame, goods: Goods, day: date, max_wildcard_share: float) -> list[Finding]:
    """The findings that stop a run: `everything` and `wildcard` of rules that are not over (see rule_findings)."""
    current = rules.where(F.coalesce(F.col("ends_on") >= F.lit(day), F.lit(True)))
    counted = reach(current, goods, with_common=False)
    return [found for rule in written_rules(current, goods, day) for found in _wide(rule, counted, max_wildcard_share)]


def compared(
    rules: Sequence[WrittenRule], counted: Reach, known: set[str], day: date, max_wildcard_share: float
) -> list[Finding]:
    """The findings of rules of which the reach is known, and the ids of regions."""
    asleep = {rule.rule_id: found for rule in rules for found in _asleep(rule, counted, known, day)}
    awake = [rule for rule in rules if rule.rule_id not in asleep]
    found = [*asleep.values()]
    for rule in awake:
        found += [*_own(rule, counted), *_wide(rule, counted, max_wildcard_share), *_beaten(rule, awake, counted)]
    return sorted(found, key=lambda finding: (finding.severity, finding.rule_id, finding.finding))


def written_rules(rules: DataFrame, goods: Goods, day: date) -> list[WrittenRule]:
    """The rules, each with its choices; those of unknown regions with a path of that region alone."""
    paths = F.broadcast(goods.regions.select("region_id", "path"))
    chosen = rules.join(paths, "region_id", "left").withColumns(
        {side: _choice(side) for side in _SIDES} | {f"{side}_band": _band(side) for side in _SIDES}
    )
    return [_written(row, day) for row in chosen.orderBy("rule_id").collect()]


def reach(rules: DataFrame, goods: Goods, *, with_common: bool) -> Reach:
    """What the choices of the rules choose; `with_common` also what two of them have in common."""
    members = choice_members(rules, goods)
    sizes = members.groupBy("choice").agg(F.count(F.lit(1)).alias("n"), F.min("variant_id").alias("one")).collect()
    shared = choice_overlaps(members).collect() if with_common else []
    return Reach(
        catalogue=goods.subjects.count(),
        variants={row["choice"]: row["n"] for row in sizes},
        common={(row["choice"], row["other"]): row["common"] for row in shared},
        single={row["choice"]: row["one"] for row in sizes if row["n"] == 1},
        regional=_regional_choices(rules, goods),
    )


def choice_members(rules: DataFrame, goods: Goods) -> DataFrame:
    """One row per choice of the rules and variant it has: choice, variant_id; none for `any`.

    A price has what costs that anywhere the rule holds, an attribute what has it in any region.
    """
    choices = _choices(rules)
    keys = subject_keys(goods.subjects)
    if goods.own_attributes is not None:
        of_regions = regional_keys(goods.subjects, goods.own_attributes).where("holds").select("variant_id", "key")
        keys = keys.unionByName(of_regions).distinct()
    keys = keys.withColumnRenamed("key", "choice")
    named = keys.join(F.broadcast(choices.where(names_variants(F.col("by"))).select("choice")), "choice")
    paths = goods.regions.select("region_id", F.col("path").alias("region_path"))
    priced = goods.offers.select("region_id", "variant_id", "price").join(F.broadcast(paths), "region_id")
    bands = choices.where("by = 'price'").withColumnRenamed("region_id", "of_region")
    there = F.col("of_region").isNull() | F.array_contains("region_path", F.col("of_region"))
    within = priced.join(F.broadcast(bands), there & in_band(F.col("price"), F.col("band")))
    known = within.join(goods.subjects.select("variant_id"), "variant_id", "left_semi")
    return named.select("choice", "variant_id").union(known.select("choice", "variant_id").distinct())


def _regional_choices(rules: DataFrame, goods: Goods) -> frozenset[str]:
    """The choices of the rules by an attribute that differs by region."""
    if goods.own_attributes is None:
        return frozenset()
    keys = regional_keys(goods.subjects, goods.own_attributes).select(F.col("key").alias("choice"))
    return frozenset(row["choice"] for row in keys.join(F.broadcast(_choices(rules)), "choice").distinct().collect())


def choice_overlaps(members: DataFrame) -> DataFrame:
    """One row per two choices that share variants, each with itself too: choice, other, common."""
    others = members.withColumnRenamed("choice", "other")
    return members.join(others, "variant_id").groupBy("choice", "other").agg(F.count(F.lit(1)).alias("common"))


def _choices(rules: DataFrame) -> DataFrame:
    """One row per choice: choice, by, band, region_id (the last two of prices only)."""
    sides = [
        rules.select(
            _choice(side).alias("choice"),
            F.col(f"{side}_by").alias("by"),
            _band(side).alias("band"),
            F.when(F.col(f"{side}_by") == "price", F.col("region_id")).alias("region_id"),
        )
        for side in _SIDES
    ]
    return sides[0].unionByName(sides[1]).dropDuplicates(["choice"])


def _choice(side: str) -> Column:
    """The key of one side; a price also names its region, as it chooses among the prices there."""
    by, value = F.col(f"{side}_by"), F.col(f"{side}_value")
    price = F.concat_ws("@", rule_key(by, value), "region_id")
    return F.when(by == "any", by).when(by == "price", price).otherwise(rule_key(by, value))


def _band(side: str) -> Column:
    return F.when(F.col(f"{side}_by") == "price", price_band(F.col(f"{side}_value")))


def _written(row: Row, day: date) -> WrittenRule:
    sides = {
        side: Choice(row[side], row[f"{side}_by"], tuple(row[f"{side}_band"]) if row[f"{side}_band"] else None)
        for side in _SIDES
    }
    return WrittenRule(
        rule_id=row["rule_id"],
        action=row["action"],
        priority=row["priority"],
        path=tuple(row["path"] or filter(None, [row["region_id"]])),
        starts_on=max(row["starts_on"] or day, day),
        ends_on=row["ends_on"] or date.max,
        **sides,
    )


def _asleep(rule: WrittenRule, counted: Reach, known: set[str], day: date) -> Iterator[Finding]:
    """Why the rule has no effect whatever the others say; the first reason found."""
    reasons = []
    if rule.ends_on < day:
        reasons.append(f"its last day was {rule.ends_on}")
    if rule.path and rule.path[-1] not in known:
        reasons.append(f"there is no region {rule.path[-1]}")
    for side, choice in (("anchor", rule.anchor), ("candidate", rule.candidate)):
        if not counted.of(choice):
            reasons.append(f"it chooses no {side}: {choice.key}")
    for reason in reasons[:1]:
        yield Finding(rule.rule_id, "dead", "warning", reason)


def _own(rule: WrittenRule, counted: Reach) -> Iterator[Finding]:
    one = counted.single.get(rule.anchor.key)
    if one is not None and one == counted.single.get(rule.candidate.key):
        # A category or brand may have one product today and more tomorrow; a product has its variants.
        is_for_good = {rule.anchor.by, rule.candidate.by} <= {"variant", "group"}
        severity = "error" if is_for_good else "warning"
        yield Finding(rule.rule_id, "self", severity, f"anchor and candidate are one variant, {one}")


def _wide(rule: WrittenRule, counted: Reach, max_share: float) -> Iterator[Finding]:
    wild = [side for side in (rule.anchor, rule.candidate) if side.by == "any"]
    if len(wild) == 2 and rule.action == "deny" and max_share < 1:
        yield Finding(rule.rule_id, "everything", "error", "it denies all candidates to all anchors")
    elif wild:
        side, choice = ("candidates", rule.candidate) if rule.anchor.by == "any" else ("anchors", rule.anchor)
        chosen = counted.of(choice)
        if chosen > counted.catalogue * max_share:
            share = f"{chosen:,} of {counted.catalogue:,} variants are its {side}, with any on the other side"
            yield Finding(rule.rule_id, "wildcard", "error", share)


def _beaten(rule: WrittenRule, awake: Sequence[WrittenRule], counted: Reach) -> Iterator[Finding]:
    """Whether another rule always wins, or denies at the same priority what this one allows."""
    met = [other for other in awake if other.precedence > rule.precedence and _meet(rule, other, counted)]
    over = [other for other in met if _covers(other, rule, counted)]
    contrary = [other for other in met if other.priority == rule.priority and other.action != rule.action]
    total = [other for other in contrary if other in over]
    if total:
        text = f"rule {total[0].rule_id} denies all its pairs at the same priority, and wins"
        yield Finding(rule.rule_id, "contradictory", "error", text)
    elif over:
        yield Finding(rule.rule_id, "dead", "warning", f"rule {over[0].rule_id} always wins over it")
    elif contrary:
        text = f"rule {contrary[0].rule_id} denies some of its pairs at the same priority, and wins there"
        yield Finding(rule.rule_id, "contradictory", "warning", text)


def _meet(one: WrittenRule, other: WrittenRule, counted: Reach) -> bool:
    """Whether both speak of some pair, somewhere, on some day."""
    at_once = one.starts_on <= other.ends_on and other.starts_on <= one.ends_on
    shorter = min(len(one.path), len(other.path))
    is_there = one.path[:shorter] == other.path[:shorter]
    both = ((one.anchor, other.anchor), (one.candidate, other.candidate))
    return at_once and is_there and all(counted.is_shared(*sides) for sides in both)


def _covers(other: WrittenRule, rule: WrittenRule, counted: Reach) -> bool:
    """Whether the other speaks of every pair of the rule, wherever and as long as it holds."""
    always = other.starts_on <= rule.starts_on and rule.ends_on <= other.ends_on
    everywhere = len(other.path) <= 1 or rule.path[: len(other.path)] == other.path
    sides = ((rule.anchor, other.anchor), (rule.candidate, other.candidate))
    return always and everywhere and all(counted.is_within(*both) for both in sides)


def _is_inside(band: Band, other: Band) -> bool:
    low, high = band
    above = other[0] is None or (low is not None and low >= other[0])
    below = other[1] is None or (high is not None and high <= other[1])
    return above and below
