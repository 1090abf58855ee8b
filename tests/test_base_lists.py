"""Base lists: who sells what, and where a region's own counts make another order."""

from __future__ import annotations

from builders import Shop, told
from sidecart.contracts import state
from sidecart.list_places import sellers
from sidecart.regional_lists import regional_counts, weighed_regions
from sidecart.settings import ListSettings, RegionSettings, Settings
from sidecart.settings_files import settings_from

TREE = ("root > north > oslo", "root > south")
LISTS = ListSettings(live_candidates=5, region_depth=5)


def test_parents_come_before_children(shop: Shop) -> None:
    places = shop.places(shop.regions(*TREE), shop.offers(), LISTS)
    found = [(place.region_id, place.slot, place.parent) for place in places.regions]
    assert found == [("root", 0, -1), ("north", 1, 0), ("south", 2, 0), ("oslo", 3, 1)]
    assert told(places.slots(shop.spark), "slot", "region_id", "list_depth") == [
        (0, "root", 5), (1, "north", 5), (2, "south", 5), (3, "oslo", 5),
    ]  # fmt: skip


def test_what_is_out_of_stock_today_may_be_listed_and_the_root_lists_what_anyone_sells(shop: Shop) -> None:
    offers = shop.offers(root="milk", oslo="-milk bread", south="milk")
    places = shop.places(shop.regions(*TREE), offers, LISTS)
    found = sellers(offers, places.slots(shop.spark), shop.facts(milk={}, bread={}, jam={}), places.tree.words)
    assert told(found, "variant", "slots", "least_range") == [
        (shop.number("milk"), [0b1101], 1),
        (shop.number("bread"), [0b1001], 2),
    ]


def test_a_bitset_has_a_word_for_every_64_regions(shop: Shop) -> None:
    regions = shop.regions(*(f"root > r{number:03}" for number in range(1, 130)))
    offers = shop.offers(root="milk", r063="milk", r064="milk", r128="milk")
    places = shop.places(regions, offers, LISTS)
    found = sellers(offers, places.slots(shop.spark), shop.facts(milk={}), places.tree.words)
    assert told(found, "slots") == [[1 - 2**63, 1, 1]]


def test_a_regions_own_counts_may_enter_from_so_many_baskets(shop: Shop) -> None:
    counted = {"root": 9, "north": 5, "oslo": 4}
    support = shop.frame(state.REGION_SUPPORT, *({"region_id": r, "baskets": n} for r, n in counted.items()))
    regions = shop.regions(*TREE)
    slots = shop.places(regions, shop.offers(), LISTS).slots(shop.spark)
    found = weighed_regions(support, regions, slots, RegionSettings(min_region_baskets=5))
    assert told(found, "slot", "region_id") == [(1, "north")]


def test_own_counts_enter_where_the_anchor_has_support_there(shop: Shop) -> None:
    weighed = shop.spark.createDataFrame([("north", 1), ("south", 2), ("oslo", 3)], "region_id STRING, slot INT")
    milk, tea = shop.number("milk"), shop.number("tea")
    met = [{"pair_buyers": 7, "pair_baskets": 9, "candidates": [tea]}]
    supports = [("root", milk, 500), ("north", milk, 200), ("oslo", milk, 99), ("south", tea, 300), ("rome", milk, 300)]
    pairs = shop.frame(
        state.PAIR_SUPPORT,
        *(
            {"region_id": r, "anchor": v, "anchor_buyers": n, "anchor_baskets": 2 * n, "met": met if v == milk else []}
            for r, v, n in supports
        ),
    )
    columns = ("slot", "anchor", "support", "size(counted)")
    assert told(regional_counts(pairs, weighed, Settings()).selectExpr(*columns), *columns) == [
        (1, milk, 200, 1), (2, tea, 300, 0),
    ]  # fmt: skip
    by_baskets = settings_from({"scoring": {"support_unit": "baskets"}})
    assert told(regional_counts(pairs, weighed, by_baskets).selectExpr(*columns), *columns) == [
        (1, milk, 400, 1), (2, tea, 600, 0), (3, milk, 198, 1),
    ]  # fmt: skip
