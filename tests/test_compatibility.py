"""Category compatibility: what basket sizes do not explain."""

from __future__ import annotations

from pyspark.sql import DataFrame

from builders import Shop, told
from sidecart.compatibility import (
    CategoryCounts,
    basket_categories,
    basket_strata,
    category_compatibility,
    category_pair_support,
    category_stratum_support,
    with_lift,
)
from sidecart.contracts import gold, state
from sidecart.settings import CompatibilitySettings

ONE_LEVEL = CompatibilitySettings(category_level=1)


def _shelves(shop: Shop) -> DataFrame:
    return shop.facts(
        milk={"category_path": ["dairy", "milks"]},
        curd={"category_path": ["dairy", "cheese"]},
        ham={"category_path": ["meat"]},
        x={},
    )


def test_a_basket_counts_each_category_once_and_its_size_counts_the_unknown_too(shop: Shop) -> None:
    baskets = shop.baskets(b1="milk curd ham x", b2="x", b3="ham unlisted")
    found = basket_categories(baskets, _shelves(shop), ONE_LEVEL)
    assert told(found.where("level = 1"), "order_id", "stratum", "categories") == [
        ("b1", 4, ["dairy", "meat"]),
        ("b3", 2, ["meat"]),
    ]


def test_the_level_below_that_of_compatibility_is_counted_too_and_a_branch_counts_where_it_ends(shop: Shop) -> None:
    found = basket_categories(shop.baskets(b1="milk curd ham"), _shelves(shop), ONE_LEVEL)
    assert told(found, "level", "categories") == [(1, ["dairy", "meat"]), (2, ["cheese", "meat", "milks"])]


def test_categories_are_counted_by_stratum_and_in_pairs(shop: Shop) -> None:
    baskets = shop.baskets(b1="milk curd", b2="milk ham", b3="milk curd ham", b4="ham")
    categories = basket_categories(baskets, _shelves(shop), ONE_LEVEL).where("level = 1")
    assert told(category_stratum_support(categories), "category_id", "stratum", "baskets") == [
        ("dairy", 2, 2),
        ("dairy", 3, 1),
        ("meat", 1, 1),
        ("meat", 2, 1),
        ("meat", 3, 1),
    ]
    assert told(category_pair_support(categories), "category_a", "category_b", "baskets") == [("dairy", "meat", 2)]
    assert told(basket_strata(baskets), "stratum", "baskets", "items") == [(1, 1, 1), (2, 2, 4), (3, 1, 3)]


def test_lift_is_joint_baskets_over_what_baskets_of_each_size_expect(shop: Shop) -> None:
    """Dairy and bakery: 40*30/100*(1-1/2) + 20*10/50*(1-1/4) = 6 + 3 expected, 38 met."""
    strata = shop.frame(
        state.BASKET_STRATA,
        {"stratum": 2, "baskets": 100, "items": 200},
        {"stratum": 4, "baskets": 50, "items": 200},
    )
    held = [("dairy", 2, 40), ("dairy", 4, 20), ("bakery", 2, 30), ("bakery", 4, 10), ("toys", 2, 20)]
    stratum_support = shop.frame(
        state.CATEGORY_STRATUM_SUPPORT,
        *({"category_id": c, "stratum": s, "baskets": n} for c, s, n in held),
    )
    joint = [("bakery", "dairy", 38), ("bakery", "toys", 3)]
    pairs = shop.frame(
        state.CATEGORY_PAIR_SUPPORT, *({"category_a": a, "category_b": b, "baskets": n} for a, b, n in joint)
    )
    counts = CategoryCounts(strata, stratum_support, pairs, shop.facts())
    found = category_compatibility(counts, ONE_LEVEL).where("level = 1")
    columns = ("category_a", "category_b", "joint_baskets", "expected_baskets", "lift", "required_support")
    assert told(found, *columns) == [
        ("bakery", "bakery", 40, 40.0, 1.0, 1),
        ("bakery", "dairy", 38, 9.0, 2.0, 1),
        ("bakery", "toys", 3, 3.0, 1.0, 2),
        ("dairy", "bakery", 38, 9.0, 2.0, 1),
        ("dairy", "dairy", 60, 60.0, 1.0, 1),
        ("dairy", "toys", 0, 4.0, 20 / 24, 4),
        ("toys", "bakery", 3, 3.0, 1.0, 2),
        ("toys", "dairy", 0, 4.0, 20 / 24, 4),
        ("toys", "toys", 20, 20.0, 1.0, 1),
    ]


def test_an_unknown_category_has_lift_one_and_is_asked_what_that_asks(shop: Shop) -> None:
    measured = shop.frame(
        gold.CATEGORY_COMPATIBILITY,
        {"level": 2, "category_a": "dairy", "category_b": "toys", "lift": 0.5, "required_support": 28},
        {"level": 1, "category_a": "dairy", "category_b": "wine", "lift": 0.1, "required_support": 900},
    )
    pairs = shop.spark.createDataFrame(
        [("known", "dairy", "toys"), ("unknown", "dairy", None), ("never met", "dairy", "wine")],
        "pair STRING, anchor_category_id STRING, candidate_category_id STRING",
    )
    found = with_lift(pairs, measured, CompatibilitySettings())
    assert told(found, "pair", "category_lift", "required_support") == [
        ("known", 0.5, 28),
        ("never met", 1.0, 2),
        ("unknown", 1.0, 2),
    ]


def test_lift_is_pulled_to_that_of_the_categories_above(shop: Shop) -> None:
    """Food and home: (14 + 20) / (0 + 20) = 1.7, and of their shelves lamps and milk (2 + 20*1.7) / (0 + 20) = 1.8."""
    facts = shop.facts(
        milk={"category_path": ["food", "milks"]}, bun={"category_path": ["food", "buns"]},
        lamp={"category_path": ["home", "lamps"]},
    )  # fmt: skip
    # All baskets are of one thing: chance makes no pair, (1 - 1/1) = 0.
    strata = shop.frame(state.BASKET_STRATA, {"stratum": 1, "baskets": 9, "items": 9})
    held = [(1, "food"), (1, "home"), (2, "milks"), (2, "buns"), (2, "lamps"), (3, "milks"), (3, "lamps"), (3, "buns")]
    stratum_support = shop.frame(
        state.CATEGORY_STRATUM_SUPPORT,
        *({"level": level, "category_id": c, "stratum": 1, "baskets": 3} for level, c in held),
    )
    joint = [(1, "food", "home", 14), (2, "lamps", "milks", 2), (3, "buns", "lamps", 4)]
    pairs = shop.frame(
        state.CATEGORY_PAIR_SUPPORT,
        *({"level": level, "category_a": a, "category_b": b, "baskets": n} for level, a, b, n in joint),
    )
    counts = CategoryCounts(strata, stratum_support, pairs, facts)
    found = category_compatibility(counts, CompatibilitySettings()).where("category_a < category_b")
    rounded = found.selectExpr("level", "category_a", "category_b", "round(parent_lift, 6) p", "round(lift, 6) l")
    assert told(rounded, "level", "category_a", "category_b", "p", "l") == [
        (1, "food", "home", 1.0, 1.7),
        (2, "buns", "lamps", 1.7, 1.7),
        (2, "buns", "milks", 1.0, 1.0),
        (2, "lamps", "milks", 1.7, 1.8),
        (3, "buns", "lamps", 1.7, 1.9),
    ]
