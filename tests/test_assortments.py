"""Assortments: what each region may sell."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from builders import NOON, Shop, told
from sidecart.assortments import offers_from_sales, offers_of_all_regions
from sidecart.settings import RegionSettings

TREE = ("root > north > oslo", "root > north > bergen", "root > south")


def _sold(variant: str, region: str, days_ago: float, **more: Any) -> dict[str, Any]:
    return {"variant_id": variant, "region_id": region, "ordered_at": NOON - timedelta(days=days_ago)} | more


def _derived(shop: Shop, lines: list[dict[str, Any]], *columns: str) -> list[Any]:
    regions = shop.regions(*TREE)
    return told(offers_from_sales(shop.order_lines(*lines), regions, "root", NOON, RegionSettings()), *columns)


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
