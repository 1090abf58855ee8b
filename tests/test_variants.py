"""Variant facts: what the current catalogue says of each variant."""

from __future__ import annotations

from builders import Shop, told
from sidecart.baskets import recent_baskets
from sidecart.contracts import state
from sidecart.settings_files import settings_from
from sidecart.variants import variant_facts

TREE = ("food > dairy > milk_whole", "food > bakery", "gifts")


def _facts(shop: Shop, lists: dict[str, object], *columns: str) -> list[object]:
    catalog = shop.catalog(milk="milk_whole", bun="bakery", card="gifts", odd="", tee_red="lost/tee")
    support = shop.frame(state.VARIANT_SUPPORT, {"variant": shop.number("milk"), "buyers": 3, "baskets": 5})
    recent = recent_baskets(shop.baskets(b1="milk", b2="milk odd"), 8)
    settings = settings_from({"compatibility": {"category_level": 2}, "lists": lists})
    return told(variant_facts(catalog, shop.categories(*TREE), shop.variant_ids(), support, recent, settings), *columns)


def test_a_category_is_looked_up_at_its_level_or_where_its_branch_ends(shop: Shop) -> None:
    assert _facts(shop, {"own_category_level": 1}, "variant_id", "category_id", "own_category") == [
        ("bun", "bakery", "food"),
        ("card", "gifts", "gifts"),
        ("milk", "dairy", "food"),
        ("odd", None, None),
        ("tee_red", None, None),
    ]


def test_a_category_may_have_an_own_category_of_its_own_or_none(shop: Shop) -> None:
    lists = {"own_category_level": 1, "own_category_by_category": {"dairy": 3, "gifts": "none", "bakery": 2}}
    found = _facts(shop, lists, "variant_id", "own_category")
    assert found == [("bun", "bakery"), ("card", None), ("milk", "milk_whole"), ("odd", None), ("tee_red", None)]


def test_without_own_category_exclusion_nothing_is_own(shop: Shop) -> None:
    assert _facts(shop, {}, "own_category") == [None] * 5


def test_what_nobody_bought_has_no_support_and_every_variant_has_its_place(shop: Shop) -> None:
    assert _facts(shop, {}, "id_order", "variant_id", "group_id", "buyers", "baskets", "recent_baskets") == [
        (1, "bun", "bun", 0, 0, 0),
        (2, "card", "card", 0, 0, 0),
        (3, "milk", "milk", 3, 5, 2),
        (4, "odd", "odd", 0, 0, 1),
        (5, "tee_red", "tee", 0, 0, 0),
    ]


def test_the_deepest_category_named_says_how_fills_treat_the_brand(shop: Shop) -> None:
    catalog = shop.catalog(milk="milk_whole", bun="bakery", card="gifts")
    cold_start = {"brand": "first", "brand_by_category": {"food": "off", "dairy": "only"}}
    facts = variant_facts(
        catalog, shop.categories(*TREE), shop.variant_ids(), shop.frame(state.VARIANT_SUPPORT),
        recent_baskets(shop.baskets(), 8), settings_from({"cold_start": cold_start}),
    )  # fmt: skip
    assert told(facts, "variant_id", "brand_mode") == [("bun", "off"), ("card", "first"), ("milk", "only")]
