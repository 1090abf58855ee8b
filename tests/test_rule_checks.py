"""Rule checks: which rules do nothing, contradict each other or reach too far, in a shop of six goods."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

import pytest
from pyspark.sql import SparkSession

from builders import Shop
from sidecart.contracts import silver
from sidecart.rule_checks import compared, reach, rule_findings, wildcard_findings, written_rules
from sidecart.rules import Goods, own_attributes, rule_subjects

TODAY = date(2026, 3, 1)
_SHELF = {"milk": "dairy", "brie": "cheese", "edam": "cheese", "red": "wine", "white": "wine", "lamp": "lamps"}
_BRANDS = {"brie": "Alm", "lamp": "Lux"}


def _goods(shop: Shop) -> Goods:
    catalog = shop.frame(
        silver.CATALOG,
        *({"variant_id": v, "group_id": v, "category_id": c, "brand": _BRANDS.get(v)} for v, c in _SHELF.items()),
    )
    categories = shop.categories("food > dairy", "food > cheese", "drinks > wine", "home > lamps")
    offers = shop.offers(root="milk=1 brie=8 edam=6 red=9 white=7 lamp=40", oslo="red=12 milk=1", rome="white=5")
    regions = shop.regions("root > north > oslo", "root > rome")
    return Goods(rule_subjects(catalog, categories), offers, regions)


def _rule(candidates: str, anchors: str = "any", action: str = "deny", **more: Any) -> dict[str, Any]:
    """A rule in words: `category wine` beside `variant milk`."""
    sides = {"candidate": candidates.partition(" "), "anchor": anchors.partition(" ")}
    chosen = {f"{side}_by": by for side, (by, _, _) in sides.items()}
    values = {f"{side}_value": value or None for side, (_, _, value) in sides.items()}
    return {"action": action} | chosen | values | more


_WINE = "category wine"
_DEAD = ("r1", "dead", "warning")
_CONTRADICTORY = ("r1", "contradictory", "error")
_IN_PART = ("r1", "contradictory", "warning")


class _Case(NamedTuple):
    """Rules, and what is found of them."""

    rules: list[dict[str, Any]]
    findings: list[tuple[str, str, str]]
    id: str


_CASES = [
    _Case([_rule(_WINE), _rule(_WINE, _WINE, "allow", priority=1)], [], id="wine only beside wine"),
    _Case([_rule(_WINE, ends_on=date(2026, 2, 28))], [_DEAD], id="its last day is over"),
    _Case([_rule(_WINE, ends_on=TODAY)], [], id="its last day is today"),
    _Case([_rule(_WINE, starts_on=date(2026, 3, 2))], [], id="it begins tomorrow"),
    _Case([_rule("brand Nobody")], [_DEAD], id="nothing is of that brand"),
    _Case([_rule(_WINE, "category beer")], [_DEAD], id="no page is of that category"),
    _Case([_rule("price 10..", region_id="oslo")], [], id="a price that one good has there"),
    _Case([_rule("price 20..", region_id="oslo")], [_DEAD], id="a price that nothing has there"),
    _Case([_rule(_WINE, region_id="bergen")], [_DEAD], id="there is no such region"),
    _Case([_rule("variant red"), _rule(_WINE, priority=1)], [_DEAD], id="a higher rule always wins"),
    _Case([_rule(_WINE), _rule("variant red", priority=1)], [], id="a higher rule wins in part"),
    _Case([_rule(_WINE), _rule(_WINE, "category food", priority=1)], [], id="it wins beside food only"),
    _Case([_rule(_WINE), _rule(_WINE, priority=1, region_id="rome")], [], id="it wins in Rome only"),
    _Case([_rule(_WINE, region_id="oslo"), _rule(_WINE, priority=1, region_id="north")], [_DEAD], id="and north of it"),
    _Case([_rule(_WINE, region_id="oslo"), _rule(_WINE, priority=1)], [_DEAD], id="or everywhere"),
    _Case([_rule(_WINE), _rule(_WINE, priority=1, region_id="root")], [_DEAD], id="the root is everywhere"),
    _Case([_rule(_WINE), _rule(_WINE, priority=1, ends_on=TODAY)], [], id="it wins today only"),
    _Case([_rule(_WINE, ends_on=TODAY), _rule(_WINE, priority=1, ends_on=TODAY)], [_DEAD], id="as long as both hold"),
    _Case([_rule(_WINE), _rule(_WINE)], [_DEAD], id="two equal rules"),
    _Case([_rule("brand Alm"), _rule("variant brie", priority=1)], [_DEAD], id="chosen in two ways"),
    _Case([_rule("price 7..8"), _rule("price 6..8", priority=1)], [_DEAD], id="a band within a band"),
    _Case([_rule("price 6..8"), _rule("price 7..8", priority=1)], [], id="a band around a band"),
    _Case([_rule("variant lamp"), _rule("price 30..", priority=1)], [], id="prices differ by region"),
    _Case([_rule(_WINE, action="allow"), _rule(_WINE)], [_CONTRADICTORY], id="allowed and denied"),
    _Case([_rule(_WINE, _WINE, "allow"), _rule(_WINE)], [_CONTRADICTORY], id="who forgot the priority"),
    _Case([_rule(_WINE, action="allow"), _rule("variant red")], [_IN_PART], id="denied in part"),
    _Case([_rule(_WINE, action="allow", region_id="oslo"), _rule(_WINE, region_id="rome")], [], id="in two cities"),
    _Case([_rule("brand Alm", "variant brie")], [("r1", "self", "warning")], id="a brand of one cheese"),
    _Case([_rule("group brie", "variant brie")], [("r1", "self", "error")], id="brie beside brie"),
    _Case([_rule("any")], [("r1", "everything", "error")], id="all beside all"),
    _Case([_rule("category food")], [], id="half of the catalogue"),
    _Case([_rule("price 5..")], [("r1", "wildcard", "error")], id="five of six"),
    _Case([_rule("any", "price 5..")], [("r1", "wildcard", "error")], id="on five of six pages"),
    _Case([_rule("price 5..", _WINE)], [], id="no wildcard on the other side"),
    _Case([_rule("any", action="allow")], [("r1", "wildcard", "error")], id="all are allowed"),
]


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> dict[str, list[tuple[str, str, str]]]:
    """The findings of every case. All of them are counted at once, each is compared alone."""
    shop = Shop(spark)
    named = {
        case.id: [rule | {"rule_id": f"{case.id}/r{place}"} for place, rule in enumerate(case.rules, 1)]
        for case in _CASES
    }
    goods, rules = _goods(shop), shop.rules(*(rule for of_case in named.values() for rule in of_case))
    counted, written = reach(rules, goods, with_common=True), written_rules(rules, goods, TODAY)
    known = {"root", "north", "oslo", "rome"}
    return {
        case: [
            (finding.rule_id.rpartition("/")[2], finding.finding, finding.severity)
            for finding in compared(
                [rule for rule in written if rule.rule_id.startswith(f"{case}/")], counted, known, TODAY, 0.5
            )
        ]
        for case in named
    }


@pytest.mark.parametrize(("case", "findings"), [(case.id, case.findings) for case in _CASES])
def test_rules_are_checked(
    found: dict[str, list[tuple[str, str, str]]], case: str, findings: list[tuple[str, str, str]]
) -> None:
    assert found[case] == findings


def test_findings_name_the_rule_and_why(shop: Shop) -> None:
    rules = [_rule(_WINE, action="allow"), _rule(_WINE), _rule("brand Nobody"), _rule("any", "price 5..")]
    told_of = rule_findings(shop.rules(*rules), _goods(shop), TODAY, 0.5)
    assert [(found.rule_id, found.detail) for found in told_of] == [
        ("r1", "rule r2 denies all its pairs at the same priority, and wins"),
        ("r4", "5 of 6 variants are its anchors, with any on the other side"),
        ("r3", "it chooses no candidate: brand:Nobody"),
    ]


def test_a_run_asks_for_rules_that_reach_too_far_and_are_not_over(shop: Shop) -> None:
    over = _rule("price 5..", ends_on=date(2026, 2, 28))
    rules = shop.rules(_rule("category food"), _rule("price 5.."), over, _rule("any"))
    told_of = wildcard_findings(rules, _goods(shop), TODAY, 0.5)
    assert [(found.rule_id, found.finding) for found in told_of] == [("r2", "wildcard"), ("r4", "everything")]
    assert wildcard_findings(rules, _goods(shop), TODAY, 1.0) == []


def test_an_attribute_that_a_region_says_chooses_there_and_covers_only_itself(shop: Shop) -> None:
    """Wine is red in Oslo alone: a rule on red is not dead, and does not win over one on wine everywhere."""
    rules = shop.rules(
        _rule("attribute colour=red", priority=5), _rule("attribute colour=pink", priority=5), _rule("variant red")
    )
    goods, red = _goods(shop), {"region_id": "oslo", "variant_id": "red", "attributes": {"colour": "red"}}
    own = own_attributes(shop.frame(silver.OFFERS, red), rules)
    told_of = rule_findings(rules, replace(goods, own_attributes=own), TODAY, 0.5)
    assert [(found.rule_id, found.detail) for found in told_of] == [
        ("r2", "it chooses no candidate: attribute:colour=pink")
    ]
