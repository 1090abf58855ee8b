"""Assortments: what each region may sell."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame

from builders import NOON, Shop, told
from sidecart.assortments import SalesWindow, changed_offers, offers_from_sales, offers_of_all_regions
from sidecart.contracts.silver import OFFERS, ORDER_LINES
from sidecart.row_changes import changed_rows
from sidecart.settings import RegionSettings

TREE = ("root > north > oslo", "root > north > bergen", "root > south")


def _sold(variant: str, region: str, days_ago: float, **more: Any) -> dict[str, Any]:
    return {"variant_id": variant, "region_id": region, "ordered_at": NOON - timedelta(days=days_ago)} | more


def _derived(shop: Shop, lines: list[dict[str, Any]], *columns: str) -> list[Any]:
    regions = shop.regions(*TREE)
    return told(
        offers_from_sales(shop.order_lines(*lines), SalesWindow(regions, "root", NOON, RegionSettings())), *columns
    )


def test_without_offers_a_region_sells_what_it_sold_in_half_a_year_and_the_root_in_two_months(shop: Shop) -> None:
    sales = [("new", 55.0), ("old", 57.0), ("ancient", 183.0), ("last_minute", 181.9)]
    lines = [_sold(variant, "oslo", days_ago) for variant, days_ago in sales]
    found = _derived(shop, lines, "region_id", "variant_id", "is_available", "basis")
    assert found == [
        (region, variant, True, "sales")
        for region, sells in (("north", "last_minute new old"), ("oslo", "last_minute new old"), ("root", "new"))
        for variant in sells.split()
    ]


def test_the_price_is_that_of_the_newest_sale_there_and_what_came_back_was_not_sold(shop: Shop) -> None:
    lines = [
        _sold("milk", "oslo", 3, unit_price="1.50"),
        _sold("milk", "bergen", 2, unit_price="1.80"),
        _sold("milk", "bergen", 1, unit_price="9.99", quantity_left=0),
    ]
    assert _derived(shop, lines, "region_id", "price") == [
        ("bergen", Decimal("1.80")),
        ("north", Decimal("1.80")),
        ("oslo", Decimal("1.50")),
        ("root", Decimal("1.80")),
    ]


def test_an_inner_region_sells_what_is_sold_below_it(shop: Shop) -> None:
    offers = shop.offers(oslo="milk=1.50 -jam=3", bergen="milk=1.20 -jam=2 -ale", south="ale=4 -milk=0.50")
    found = offers_of_all_regions(offers, shop.regions(*TREE)).where("region_id IN ('north', 'root')")
    assert told(found, "region_id", "variant_id", "is_available", "price", "basis") == [
        ("north", "ale", False, None, "below"),
        ("north", "jam", False, Decimal(2), "below"),
        ("north", "milk", True, Decimal("1.20"), "below"),
        ("root", "ale", True, Decimal(4), "below"),
        ("root", "jam", False, Decimal(2), "below"),
        ("root", "milk", True, Decimal("1.20"), "below"),
    ]


def test_what_an_inner_region_says_of_its_own_stands(shop: Shop) -> None:
    offers = shop.offers(oslo="milk=1.50", north="-milk=1.40")
    found = offers_of_all_regions(offers, shop.regions(*TREE))
    assert told(found, "region_id", "is_available", "price", "basis") == [
        ("north", False, Decimal("1.40"), "offers"),
        ("oslo", True, Decimal("1.50"), "offers"),
        ("root", True, Decimal("1.50"), "below"),
    ]


def _line(chance: random.Random) -> dict[str, Any]:
    """A sale at one of a few moments, about the ends of both windows, so that many are of the same."""
    days_ago = chance.choice([0.5, 1, 1, 2, 55.5, 56, 56.5, 181.5, 182, 182.5])
    price, left = chance.choice([None, "1.00", "2.00"]), chance.choice([0, 1, 1, 1])
    return _sold("", chance.choice(["root", "north", "oslo", "bergen"]), days_ago, unit_price=price, quantity_left=left)


def _next_day(chance: random.Random, line: dict[str, Any]) -> dict[str, Any] | None:
    """A line a day later: gone, come back, corrected in any of it, or as it was."""
    what = chance.choice(["gone", "back", "corrected", "same", "same"])
    return {"gone": None, "back": line | {"quantity_left": 0}, "corrected": _line(chance)}.get(what, line)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_derived_offers_follow_any_changes_of_lines_and_the_time_as_if_derived_anew(shop: Shop, seed: int) -> None:
    chance, before, after = random.Random(seed), list[dict[str, Any]](), list[dict[str, Any]]()
    for good in range(200):
        for place in range(chance.randrange(6)):
            key = {"order_id": f"o{place}", "variant_id": f"v{good}", "line_key": f"{good}-{place}"}
            line = _line(chance)
            is_new = chance.random() < 0.3
            later = line if is_new else _next_day(chance, line)
            before += [] if is_new else [line | key]
            after += [] if later is None else [later | key]
    regions, yesterday = shop.regions(*TREE), NOON - timedelta(days=1)
    was, now = (shop.frame(ORDER_LINES, *lines) for lines in (before, after))
    windows = [SalesWindow(regions, "root", moment, RegionSettings()) for moment in (yesterday, NOON)]
    offers = offers_from_sales(was, windows[0])
    changes = changed_rows(was, now, ORDER_LINES)
    moved = changed_offers(offers, changes, now, windows[1], lambda _, frame: frame.cache())
    found, expected = (_plain(frame) for frame in (_applied(offers, moved), offers_from_sales(now, windows[1])))
    assert not moved.where("is_gone").isEmpty()
    assert_df_equality(found, expected, ignore_row_order=True, ignore_nullable=True)


def _applied(offers: DataFrame, changes: DataFrame) -> DataFrame:
    others = offers.join(changes, list(OFFERS.key), "left_anti")
    return others.unionByName(changes.where("NOT is_gone").select(*OFFERS.column_names))


def _plain(offers: DataFrame) -> DataFrame:
    return offers.drop("attributes")
