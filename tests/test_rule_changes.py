"""Rule changes: a shop that keeps wine off every page thinks of allowing it beside cheese, and of denying jam."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pyspark.sql import DataFrame

from builders import Shop, told
from sidecart.rule_changes import list_changes, rule_effects, slot_changes, total_effect
from sidecart.rules import Goods, rule_subjects

TODAY = date(2026, 3, 1)
_NO_WINE = {"rule_id": "no-wine", "candidate_by": "category", "candidate_value": "wine"}
_WITH_CHEESE = {"rule_id": "with-cheese", "action": "allow", "priority": 1} | {
    "anchor_by": "category",
    "anchor_value": "cheese",
    "candidate_by": "category",
    "candidate_value": "wine",
}
_NO_JAM = {"rule_id": "no-jam", "candidate_by": "variant", "candidate_value": "jam"}


def _lists(shop: Shop, **pages: str) -> DataFrame:
    rows = [
        ("root", anchor, rank, candidate)
        for anchor, words in pages.items()
        for rank, candidate in enumerate(words.split(), 1)
    ]
    return shop.spark.createDataFrame(rows, "region_id STRING, anchor_id STRING, rank INT, candidate_id STRING")


def _changes(shop: Shop) -> DataFrame:
    """What the first two places of three pages become."""
    before = _lists(shop, milk="bread jam", brie="bread honey figs", tea="cake figs red")
    after = _lists(shop, milk="bread", brie="red bread honey figs", tea="cake figs")
    return list_changes(before, after, 2)


def _goods(shop: Shop) -> Goods:
    catalog = shop.catalog(milk="", bread="", jam="", brie="cheese", red="wine", honey="", tea="", cake="", figs="")
    return Goods(
        rule_subjects(catalog, shop.categories("food > cheese", "drinks > wine")),
        shop.offers(root="milk bread jam brie red honey tea cake figs"),
        shop.regions(),
    )


def test_a_list_changes_where_its_first_places_do(shop: Shop) -> None:
    assert told(_changes(shop), "anchor_id", "before", "after", "slots_emptied") == [
        ("brie", ["bread", "honey"], ["red", "bread"], 0),
        ("milk", ["bread", "jam"], ["bread"], 1),
    ]


def test_a_list_that_comes_or_goes_whole_is_a_change_too(shop: Shop) -> None:
    changes = list_changes(_lists(shop, milk="bread jam"), _lists(shop, tea="cake"), 10)
    assert told(changes, "anchor_id", "before", "after", "slots_emptied") == [
        ("milk", ["bread", "jam"], [], 2),
        ("tea", [], ["cake"], 0),
    ]


@pytest.mark.parametrize(
    ("proposed", "slots"),
    [
        (
            [_NO_WINE, _WITH_CHEESE, _NO_JAM],
            [("brie", "red", "with-cheese", "allowed"), ("milk", "jam", "no-jam", "denied")],
        ),
        ([_NO_JAM], [("brie", "red", "no-wine", "freed"), ("milk", "jam", "no-jam", "denied")]),
        ([_NO_WINE], []),
    ],
    ids=["allowed again", "no longer denied", "nothing new"],
)
def test_a_slot_is_told_by_the_rule_that_took_or_gave_it(
    shop: Shop, proposed: list[dict[str, Any]], slots: list[tuple[str, ...]]
) -> None:
    found = slot_changes(_changes(shop), shop.rules(_NO_WINE), shop.rules(*proposed), _goods(shop), TODAY)
    assert told(found, "anchor_id", "candidate_id", "rule_id", "effect") == slots


def test_effects_are_counted_by_rule_and_in_all(shop: Shop) -> None:
    slots = shop.spark.createDataFrame(
        [("root", "brie", "red", "with-cheese", "allowed"), ("root", "milk", "jam", "no-jam", "denied")],
        "region_id STRING, anchor_id STRING, candidate_id STRING, rule_id STRING, effect STRING",
    )
    columns = (
        "rule_id",
        "lists_touched",
        "slots_denied",
        "slots_allowed",
        "slots_freed",
        "slots_emptied",
        "lists_short",
    )
    assert told(rule_effects(_changes(shop), slots, 2), *columns) == [
        ("no-jam", 1, 1, 0, 0, 1, 1),
        ("with-cheese", 1, 0, 1, 0, 0, 0),
    ]
    assert told(total_effect(_changes(shop), 2), "lists_touched", "slots_emptied", "lists_short") == [(2, 1, 1)]
