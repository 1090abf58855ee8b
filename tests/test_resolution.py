"""Resolution: what a visitor of a region sees, given base lists, what is live and the rules of the day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from pyspark.sql import DataFrame

from builders import Shop, told
from sidecart.contracts import gold
from sidecart.resolution import list_owners, resolved_lists
from sidecart.shortlists import base_lists

TREE = ("root > north > oslo", "root > south")
SHELVES = ("drinks > alcohol > wine", "drinks > juice", "food > cheese")
TODAY = date(2026, 3, 1)


def _lists(shop: Shop, **lists: str) -> DataFrame:
    """Base lists of an anchor at the root, or in a region: `milk="bread jam"`, `milk_in_north="jam"`."""
    rows = []
    for name, words in lists.items():
        anchor, _, region = name.partition("_in_")
        for rank, word in enumerate(words.split(), 1):
            group = word.partition("_")[0]
            place = {"region_id": region or "root", "anchor_id": anchor, "rank": rank}
            rows.append(place | {"candidate_id": word, "candidate_group_id": group})
    return shop.frame(gold.SHORTLISTS, *rows)


def _resolved(
    shop: Shop, lists: DataFrame, offers: DataFrame, *rules: Mapping[str, Any], shelves: str = ""
) -> DataFrame:
    """Final lists; `shelves` names variants with their category: `red=wine`."""
    regions, categories = shop.regions(*TREE), shop.categories(*SHELVES)
    at = dict(pair.split("=") for pair in shelves.split())
    words = [word for pair in lists.select("anchor_id", "candidate_id").distinct().collect() for word in pair]
    catalog = shop.catalog(**{word: at.get(word, "") for word in words})
    paths = catalog.join(categories, "category_id", "left").selectExpr(
        "variant_id", "coalesce(path, cast(array() AS array<string>)) AS category_path"
    )
    owners = list_owners(base_lists(lists), regions, offers)
    return resolved_lists(lists, owners, offers, regions, paths, shop.rules(*rules), TODAY)


def _page(resolved: DataFrame, anchor: str, region: str = "root") -> list[str]:
    page = resolved.where(resolved["anchor_id"] == anchor).where(resolved["region_id"] == region)
    return [candidate for _, candidate in told(page, "rank", "candidate_id")]


def test_what_is_sold_out_leaves_every_list_and_keeps_its_own(shop: Shop) -> None:
    lists = _lists(shop, milk="bread jam", bread="milk jam")
    found = _resolved(shop, lists, shop.offers(root="milk -bread jam"))
    assert told(found, "anchor_id", "rank", "candidate_id", "base_rank") == [
        ("bread", 1, "milk", 1),
        ("bread", 2, "jam", 2),
        ("milk", 1, "jam", 2),
    ]


def test_a_region_without_lists_sees_its_nearest_ancestors_cut_to_what_it_sells(shop: Shop) -> None:
    lists = _lists(shop, milk="bread jam ale", milk_in_north="ale bread", bread="milk jam")
    offers = shop.offers(root="milk bread jam ale", north="milk bread ale", oslo="milk bread", south="milk jam=2.5")
    found = _resolved(shop, lists, offers).where("region_id <> 'root'")
    assert told(found, "region_id", "anchor_id", "rank", "candidate_id", "list_region_id", "base_rank") == [
        ("north", "bread", 1, "milk", "root", 1),
        ("north", "milk", 1, "ale", "north", 1),
        ("north", "milk", 2, "bread", "north", 2),
        ("oslo", "bread", 1, "milk", "root", 1),
        ("oslo", "milk", 1, "bread", "north", 2),
        ("south", "milk", 1, "jam", "root", 2),
    ]
    assert [float(price) for price in told(found.where("candidate_id = 'jam'"), "price")] == [2.5]


def test_a_region_has_no_page_for_what_it_does_not_sell(shop: Shop) -> None:
    found = _resolved(shop, _lists(shop, milk="bread"), shop.offers(root="milk bread", oslo="bread"))
    assert told(found, "region_id", "anchor_id") == [("root", "milk")]


def test_a_list_shows_a_product_once_by_its_best_variant_that_is_live(shop: Shop) -> None:
    lists = _lists(shop, jeans="shoe_green belt_a shoe_red belt_b")
    found = _resolved(shop, lists, shop.offers(root="-shoe_green belt_a shoe_red belt_b"))
    assert _page(found, "jeans") == ["belt_a", "shoe_red"]


_ALCOHOL_ONLY_BESIDE_ALCOHOL = (
    {"action": "deny", "candidate_by": "category", "candidate_value": "alcohol"},
    {
        "action": "allow",
        "anchor_by": "category",
        "anchor_value": "alcohol",
        "candidate_by": "category",
        "candidate_value": "alcohol",
        "priority": 1,
    },
)


def test_alcohol_stands_only_beside_alcohol(shop: Shop) -> None:
    lists = _lists(shop, brie="red cola", white="red brie", cola="white brie")
    offers = shop.offers(root="brie red white cola")
    shelves = "brie=cheese red=wine white=wine cola=juice"
    found = _resolved(shop, lists, offers, *_ALCOHOL_ONLY_BESIDE_ALCOHOL, shelves=shelves)
    assert told(found, "anchor_id", "rank", "candidate_id", "rule_id") == [
        ("brie", 1, "cola", None),
        ("cola", 1, "brie", None),
        ("white", 1, "red", "r2"),
        ("white", 2, "brie", None),
    ]


def test_a_denied_variant_gives_its_place_to_another_of_its_product(shop: Shop) -> None:
    lists = _lists(shop, jeans="shoe_green shoe_red")
    deny = {"candidate_by": "variant", "candidate_value": "shoe_green"}
    assert _page(_resolved(shop, lists, shop.offers(root="shoe_green shoe_red"), deny), "jeans") == ["shoe_red"]
