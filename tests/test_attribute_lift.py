"""Attribute lift: how far agreement in colour or size changes what is bought together."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import DataFrame

from builders import Shop, told
from sidecart.attribute_lift import attribute_lift
from sidecart.group_support import group_pair_support
from sidecart.settings_files import settings_from

SETTINGS = settings_from({"variants": {"attribute_prior": 10.0}})
COUNTS = ("category_a", "category_b", "joint_same", "expected_same", "joint_other", "expected_other")


def _good(group: str, category: str | None, buyers: int, **attributes: str) -> dict[str, Any]:
    return {"group_id": group, "category_id": category, "attributes": attributes, "buyers": buyers}


GOODS = {
    "green_bag": _good("bag", "bags", 10, colour="green"),
    "black_bag": _good("bag", "bags", 10, colour="black"),
    "green_shoe": _good("shoe", "shoes", 20, colour="green"),
    "black_shoe": _good("shoe", "shoes", 20, colour="black"),
    "green_belt": _good("belt", None, 5, colour="green"),
    "polish": _good("polish", "care", 50),
}


def _lifts(shop: Shop, goods: dict[str, dict[str, Any]], *pairs: str) -> DataFrame:
    facts, met = shop.facts(**goods), shop.flat_pairs(*pairs)
    return attribute_lift(met, group_pair_support(met, facts, "buyers"), facts, SETTINGS)


def test_joint_counts_stand_beside_what_shares_alone_would_make(shop: Shop) -> None:
    """40 joint buyers over two bags and two shoes of equal popularity: 20 in one colour, 20 in two were expected."""
    found = _lifts(shop, GOODS, "green_bag green_shoe 20", "black_bag black_shoe 10", "black_bag green_shoe 10")
    assert told(found, *COUNTS) == [("*", "*", 30, 20.0, 10, 20.0), ("bags", "shoes", 30, 20.0, 10, 20.0)]


def test_two_categories_are_pulled_to_all_categories_and_these_to_one(shop: Shop) -> None:
    """All: (30 + 10)/(20 + 10) = 4/3 and (10 + 10)/30 = 2/3. Bags and shoes: (30 + 10 * 4/3)/30, (10 + 10 * 2/3)/30."""
    found = _lifts(shop, GOODS, "green_bag green_shoe 20", "black_bag black_shoe 10", "black_bag green_shoe 10")
    lifts = found.orderBy("category_a").select("parent_same", "lift_same", "lift_other").collect()
    assert [pytest.approx(tuple(row)) for row in lifts] == [(1.0, 4 / 3, 2 / 3), (4 / 3, 13 / 9, 5 / 9)]


def test_goods_without_a_category_tell_of_all_categories_only(shop: Shop) -> None:
    """Six met the belt: each colour was expected in three."""
    found = _lifts(shop, GOODS, "green_belt green_shoe 5", "green_belt black_shoe 1")
    assert told(found, *COUNTS) == [("*", "*", 5, 3.0, 1, 3.0)]


@pytest.mark.parametrize("pair", ["polish green_shoe 9", "polish green_belt 9", "green_bag black_bag 9"])
def test_pairs_that_cannot_both_agree_and_differ_tell_nothing(shop: Shop, pair: str) -> None:
    assert told(_lifts(shop, GOODS, pair), *COUNTS) == []


def test_a_variant_without_a_value_is_left_out(shop: Shop) -> None:
    """A third of the shoes have no colour: of 9 joint buyers 3 were expected to agree and 3 to differ."""
    goods = GOODS | {"plain_shoe": _good("shoe", "shoes", 20)}
    found = _lifts(shop, goods, "green_belt green_shoe 6", "green_belt plain_shoe 3")
    assert told(found, *COUNTS) == [("*", "*", 6, 3.0, 0, 3.0)]


def test_neither_order_nor_partitions_change_the_lifts(shop: Shop) -> None:
    goods = GOODS | {
        "red_shoe": _good("shoe", "shoes", 7, colour="red"),
        "red_bag": _good("bag", "bags", 3, colour="red"),
    }
    facts = shop.facts(**goods)
    pairs = shop.flat_pairs(
        "green_bag green_shoe 3", "red_bag black_shoe 2", "green_belt red_shoe 1", "green_belt red_bag 4"
    )
    columns = (*COUNTS, "lift_same", "lift_other")

    def lifts(met: DataFrame) -> list[Any]:
        return told(attribute_lift(met, group_pair_support(met, facts, "buyers"), facts, SETTINGS), *columns)

    assert lifts(pairs.coalesce(1)) == lifts(pairs.orderBy("candidate").repartition(4))
