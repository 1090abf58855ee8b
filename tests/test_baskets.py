"""Baskets: who bought what where, as the newest line tells it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import functions as F

from builders import NOON, Shop, told
from sidecart.baskets import baskets, recent_baskets, variant_ids


def _line(variant: str, order: str = "b1", **more: Any) -> dict[str, Any]:
    return {"order_id": order, "variant_id": variant} | more


def _baskets(shop: Shop, *lines: dict[str, Any], columns: tuple[str, ...]) -> list[Any]:
    return told(baskets(shop.order_lines(*lines), shop.variant_ids("bread milk")), *columns)


def test_a_basket_holds_each_variant_once(shop: Shop) -> None:
    lines = (_line("milk"), _line("bread"), _line("milk", quantity=12, quantity_left=12))
    assert _baskets(shop, *lines, columns=("order_id", "variants")) == [("b1", [1, 2])]


def test_a_returned_line_leaves_the_basket_and_a_half_returned_one_stays(shop: Shop) -> None:
    half = _line("bread", quantity=2, quantity_left=1)
    back = _line("milk", quantity_left=0)
    assert _baskets(shop, half, back, columns=("order_id", "variants")) == [("b1", [1])]


def test_an_order_of_which_all_came_back_is_no_basket(shop: Shop) -> None:
    assert _baskets(shop, _line("milk", quantity_left=0), columns=("order_id",)) == []


def test_the_newest_line_decides_buyer_and_region_and_the_earliest_the_time(shop: Shop) -> None:
    early, late = datetime(2026, 3, 1, 9, tzinfo=UTC), datetime(2026, 3, 1, 10, tzinfo=UTC)
    lines = (
        _line("milk", buyer_key="ann", region_id="oslo", ordered_at=early, source_seq=2),
        _line("bread", buyer_key="bob", region_id="bergen", ordered_at=late, source_seq=1),
        _line("milk", order="b2", buyer_key="ann", region_id="oslo", ordered_at=early),
        _line("bread", order="b2", buyer_key="bob", region_id="bergen", ordered_at=late),
    )
    assert _baskets(shop, *lines, columns=("order_id", "buyer_key", "region_id", "ordered_at")) == [
        ("b1", "ann", "oslo", early),
        ("b2", "bob", "bergen", early),
    ]


def test_a_returned_line_no_longer_decides_the_region(shop: Shop) -> None:
    lines = (_line("milk", region_id="oslo"), _line("bread", region_id="bergen", source_seq=9, quantity_left=0))
    assert _baskets(shop, *lines, columns=("region_id",)) == ["oslo"]


def test_every_guest_order_is_a_buyer_of_its_own(shop: Shop) -> None:
    lines = (_line("milk"), _line("milk", order="b2"), _line("milk", order="b3", buyer_key="ann"))
    assert _baskets(shop, *lines, columns=("buyer_key", "is_guest")) == [
        ("ann", False),
        ("guest:b1", True),
        ("guest:b2", True),
    ]


def test_a_variant_keeps_its_number_and_newcomers_follow_by_name(shop: Shop) -> None:
    known = shop.variant_ids("wine bread")
    catalog = shop.catalog(milk="", wine="", ale="")
    assert told(variant_ids(known, catalog), "variant", "variant_id") == [
        (1, "wine"),
        (2, "bread"),
        (3, "ale"),
        (4, "milk"),
    ]


def test_the_first_variant_of_a_shop_is_number_one(shop: Shop) -> None:
    nothing = shop.variant_ids("milk").where("false")
    assert told(variant_ids(nothing, shop.catalog(milk="")), "variant", "variant_id") == [(1, "milk")]


def test_recent_baskets_are_those_of_the_weeks_up_to_the_newest(shop: Shop) -> None:
    weeks_ago = {"b1": 9, "b2": 8, "b3": 7, "b4": 0}
    moment = F.create_map(*(F.lit(x) for b, w in weeks_ago.items() for x in (b, NOON - timedelta(weeks=w))))
    stored = shop.baskets(b1="milk", b2="milk", b3="milk jam", b4="milk").withColumn(
        "ordered_at", moment[F.col("order_id")]
    )
    found = {shop.word(row["variant"]): row["recent_baskets"] for row in recent_baskets(stored, 8).collect()}
    assert found == {"milk": 2, "jam": 1}
