"""Rules: which one decides a candidate, on the page of a milk in Oslo."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from pyspark.sql import functions as F

from builders import Shop
from sidecart.rules import candidate_rules, rules_on, ruling

TODAY = date(2026, 3, 1)
_CHEESE = {"candidate_by": "category", "candidate_value": "cheese"}
_FOOD = {"candidate_by": "category", "candidate_value": "food"}


def _decided(shop: Shop, *rules: Mapping[str, Any]) -> tuple[str, bool] | None:
    """The rule that decides whether brie may stand beside milk in Oslo, and whether it denies."""
    brie = shop.spark.sql("SELECT 'brie' AS variant_id, array('food', 'cheese') AS category_path")
    page = shop.spark.range(1).select(
        F.lit("milk").alias("anchor_id"),
        F.expr("array('food', 'dairy')").alias("anchor_path"),
        F.expr("array('root', 'north', 'oslo')").alias("region_path"),
    )
    spoken = candidate_rules(rules_on(shop.rules(*rules), TODAY), brie)
    found = page.crossJoin(spoken).select(ruling().alias("ruling")).collect()
    return (found[0]["ruling"]["rule_id"], found[0]["ruling"]["is_deny"]) if found and found[0]["ruling"] else None


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
