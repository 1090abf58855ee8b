"""Rules: which one decides a candidate, on the page of a milk in Oslo."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from pyspark.sql import functions as F

from builders import Shop, told
from sidecart.contracts import silver
from sidecart.rules import Goods, in_band, own_attributes, price_band, rule_subjects, rules_on, with_ruling

TODAY = date(2026, 3, 1)
_CHEESE = {"candidate_by": "category", "candidate_value": "cheese"}
_FOOD = {"candidate_by": "category", "candidate_value": "food"}


def _beside(anchor_by: str, anchor: str | None, candidate_by: str, candidate: str | None) -> dict[str, Any]:
    return {
        "anchor_by": anchor_by,
        "anchor_value": anchor,
        "candidate_by": candidate_by,
        "candidate_value": candidate,
    }


def _decided(
    shop: Shop, *rules: Mapping[str, Any], there: Mapping[str, Mapping[str, str]] | None = None
) -> tuple[str, bool] | None:
    """The rule that decides whether brie for 8.50 may stand beside milk for 1.20 in Oslo, and whether it denies.

    `there`: attributes of offers in Oslo.
    """
    goods = shop.frame(
        silver.CATALOG,
        {"variant_id": "milk", "group_id": "milks", "category_id": "dairy", "brand": "Tine"},
        {"variant_id": "brie", "group_id": "soft", "category_id": "cheese", "brand": "Acme"}
        | {"attributes": {"colour": "white", "fat": "a=b"}},
    )
    subjects = rule_subjects(goods, shop.categories("food > dairy", "food > cheese"))
    page = shop.spark.sql(
        "SELECT 'oslo' AS region_id, 'milk' AS anchor_id, 'brie' AS candidate_id,"
        " CAST(8.5 AS DECIMAL(18,4)) AS price, CAST(1.2 AS DECIMAL(18,4)) AS anchor_price"
    )
    told_rules = rules_on(shop.rules(*rules), TODAY)
    offers = shop.frame(
        silver.OFFERS,
        {"region_id": "rome", "variant_id": "brie", "attributes": {"colour": "blue"}},
        *({"region_id": "oslo", "variant_id": word, "attributes": own} for word, own in (there or {}).items()),
    )
    goods_there = Goods(subjects, offers, shop.regions("root > north > oslo"), own_attributes(offers, told_rules))
    found = with_ruling(page, goods_there, told_rules).collect()
    return (found[0]["ruling"]["rule_id"], found[0]["ruling"]["is_deny"]) if found[0]["ruling"] else None


@pytest.mark.parametrize(
    ("rules", "decided"),
    [
        pytest.param([], None, id="without rules nothing is decided"),
        pytest.param([{"candidate_by": "any"}], ("r1", True), id="everything is denied"),
        pytest.param([_CHEESE], ("r1", True), id="a category is denied"),
        pytest.param([_FOOD], ("r1", True), id="a category includes what lies below it"),
        pytest.param([{"candidate_by": "variant", "candidate_value": "brie"}], ("r1", True), id="a variant"),
        pytest.param([{"candidate_by": "variant", "candidate_value": "edam"}], None, id="another variant"),
        pytest.param([{"candidate_by": "category", "candidate_value": "brie"}], None, id="a variant is no category"),
        pytest.param([_CHEESE | {"anchor_by": "variant", "anchor_value": "milk"}], ("r1", True), id="on milk's page"),
        pytest.param([_CHEESE | {"anchor_by": "category", "anchor_value": "meat"}], None, id="not beside meat"),
        pytest.param([_beside("brand", "Tine", "group", "soft")], ("r1", True), id="a product beside a brand"),
        pytest.param([_beside("group", "milks", "brand", "Acme")], ("r1", True), id="a brand beside a product"),
        pytest.param([_beside("brand", "Acme", "brand", "Acme")], None, id="not beside another brand"),
        pytest.param([_beside("any", None, "brand", "acme")], None, id="a brand is written as in the catalogue"),
        pytest.param([_beside("any", None, "attribute", "colour=white")], ("r1", True), id="what is white"),
        pytest.param([_beside("any", None, "attribute", "colour=red")], None, id="not what is red"),
        pytest.param([_beside("any", None, "attribute", "fat=a=b")], ("r1", True), id="the first equals sign parts"),
        pytest.param([_beside("attribute", "colour=white", "any", None)], None, id="milk has no attribute"),
        pytest.param([_beside("any", None, "price", "8.5..20")], ("r1", True), id="a price at the band's lower end"),
        pytest.param([_beside("any", None, "price", "..8.5")], ("r1", True), id="and at its upper end"),
        pytest.param([_beside("any", None, "price", "8.51..")], None, id="not a price below the band"),
        pytest.param([_beside("any", None, "price", "..8.49")], None, id="nor one above it"),
        pytest.param([_beside("price", "..2", "price", "5..10")], ("r1", True), id="dear beside cheap"),
        pytest.param([_beside("price", "2..", "price", "5..10")], None, id="the anchor's price counts too"),
        pytest.param([_CHEESE | {"region_id": "north"}], ("r1", True), id="in a region and below"),
        pytest.param([_CHEESE | {"region_id": "bergen"}], None, id="not in another region"),
        pytest.param([_CHEESE | {"starts_on": TODAY, "ends_on": TODAY}], ("r1", True), id="first and last day count"),
        pytest.param([_CHEESE | {"ends_on": date(2026, 2, 28)}], None, id="an expired rule is silent"),
        pytest.param([_CHEESE | {"starts_on": date(2026, 3, 2)}], None, id="so is one of tomorrow"),
        pytest.param([_CHEESE, _FOOD | {"action": "allow"}], ("r1", True), id="deny beats allow at equal priority"),
        pytest.param([_CHEESE, _FOOD | {"action": "allow", "priority": 1}], ("r2", False), id="priority beats deny"),
        pytest.param([_CHEESE | {"priority": -1}, _FOOD | {"action": "allow"}], ("r2", False), id="below nought too"),
        pytest.param([_CHEESE, _FOOD], ("r2", True), id="of two equal ones the larger id is named"),
    ],
)
def test_rules_decide(shop: Shop, rules: list[Mapping[str, Any]], decided: tuple[str, bool] | None) -> None:
    assert _decided(shop, *rules) == decided


@pytest.mark.parametrize(
    ("rule", "there", "decided"),
    [
        pytest.param(("any", None, "attribute", "colour=red"), {"brie": {"colour": "red"}}, True, id="red there"),
        pytest.param(
            ("any", None, "attribute", "colour=white"), {"brie": {"colour": "red"}}, False, id="white no more"
        ),
        pytest.param(("any", None, "attribute", "fat=a=b"), {"brie": {"colour": "red"}}, True, id="as fat as anywhere"),
        pytest.param(("any", None, "attribute", "colour=white"), {"brie": {"colour": "white"}}, True, id="said twice"),
        pytest.param(("any", None, "attribute", "colour=blue"), {}, False, id="blue is it in Rome only"),
        pytest.param(
            ("attribute", "cold=yes", "any", None), {"milk": {"cold": "yes"}}, True, id="the page is cold there"
        ),
        pytest.param(
            ("attribute", "cold=no", "brand", "Acme"), {"milk": {"cold": "yes"}}, False, id="not what it is not"
        ),
        pytest.param(("any", None, "brand", "Acme"), {"brie": {"colour": "red"}}, True, id="other rules stay"),
    ],
)
def test_attributes_of_a_region_come_before_the_catalogues(
    shop: Shop, rule: tuple[str, str | None, str, str | None], there: Mapping[str, Mapping[str, str]], *, decided: bool
) -> None:
    quiet = _beside("attribute", "never=so", "attribute", "never=so")
    assert _decided(shop, _beside(*rule), quiet, there=there) == (("r1", True) if decided else None)


@pytest.mark.parametrize(
    ("text", "band"),
    [
        ("10..25", ("10.0000", "25.0000")),
        (" 1.5 .. 2.75 ", ("1.5000", "2.7500")),
        ("..5", (None, "5.0000")),
        ("100..", ("100.0000", None)),
        ("5..5", ("5.0000", "5.0000")),
        *((text, None) for text in ("..", "10", "25..10", "10-25", "1,5..2", "-1..5", "a..b", "1..2..3", "1e3..", "")),
    ],
)
def test_a_price_band_is_read_or_refused_never_guessed(
    shop: Shop, text: str, band: tuple[str | None, str | None] | None
) -> None:
    row = shop.spark.range(1).select(price_band(F.lit(text)).alias("band")).collect()[0]
    assert (row["band"] and tuple(end and str(end) for end in row["band"])) == band


def test_a_product_without_a_price_is_in_no_band(shop: Shop) -> None:
    bands = shop.spark.sql("SELECT '..5' AS value UNION ALL SELECT '0..'")
    none = F.lit(None).cast("decimal(18,4)")
    assert told(bands.select(in_band(none, price_band(F.col("value"))).alias("is_in")), "is_in") == [False, False]
