"""Base lists: who sells what, and where a region's own counts make another order."""

from __future__ import annotations

from builders import Shop, told
from sidecart.contracts import gold, state
from sidecart.list_places import sellers
from sidecart.regional_lists import regional_evidence, regional_pairs, weighed_regions
from sidecart.scoring import TIER_ORDERS, ScoringParameters
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
    assert told(found, "slot", "region_id", "path") == [(1, "north", ["root", "north"])]


def test_own_counts_make_an_order_where_the_region_sells_the_anchor_and_it_has_support_there(shop: Shop) -> None:
    weighed = shop.spark.createDataFrame(
        [("north", 1, ["root", "north"]), ("south", 2, ["root", "south"]), ("oslo", 3, ["root", "north", "oslo"])],
        "region_id STRING, slot INT, path ARRAY<STRING>",
    )
    milk, tea = shop.number("milk"), shop.number("tea")
    sold = shop.spark.createDataFrame([(milk, [0b1111]), (tea, [0b0011])], "variant INT, slots ARRAY<BIGINT>")
    supports = [("root", milk, 500), ("north", milk, 200), ("oslo", milk, 99), ("south", tea, 300), ("rome", milk, 300)]
    support = shop.frame(
        state.VARIANT_SUPPORT,
        *({"region_id": r, "variant": v, "buyers": n, "baskets": 2 * n} for r, v, n in supports),
    )
    columns = ("slot", "anchor", "evidence_region", "evidence_depth", "region_anchor_support")
    assert told(regional_evidence(support, weighed, sold, Settings()), *columns) == [(1, milk, "north", 1, 200)]
    by_baskets = settings_from({"scoring": {"support_unit": "baskets"}})
    assert told(regional_evidence(support, weighed, sold, by_baskets), *columns) == [
        (1, milk, "north", 1, 400),
        (3, milk, "north", 1, 400),
        (3, milk, "oslo", 2, 198),
    ]


def test_a_regions_confidence_is_mixed_down_the_tree(shop: Shop) -> None:
    """Bread: root 0.5; north (150 + 300*0.5) / (200 + 300) = 0.6; Oslo (90 + 300*0.6) / (100 + 300) = 0.675."""
    milk, bread, jam = (shop.number(word) for word in ("milk", "bread", "jam"))
    scored = shop.spark.createDataFrame(
        [(milk, bread, 50, 0.5, TIER_ORDERS, 0), (milk, jam, 60, 0.6, TIER_ORDERS, 0)],
        "anchor INT, candidate INT, support INT, confidence DOUBLE, tier INT, score_key BIGINT",
    ).selectExpr("*", "50 AS candidate_support", "1D AS category_lift", "1D AS exposure_factor", "9 AS anchor_support")
    evidence = shop.spark.createDataFrame(
        [(1, milk, "north", 1, 200), (2, milk, "north", 1, 200), (2, milk, "oslo", 2, 100)],
        "slot INT, anchor INT, evidence_region STRING, evidence_depth INT, region_anchor_support INT",
    )
    counts = shop.flat_pairs("north: milk bread 150", "oslo: milk bread 90", "north: milk jam 20")
    sold = shop.spark.createDataFrame([(bread, [0b111]), (jam, [0b011])], "variant INT, slots ARRAY<BIGINT>")
    parameters = ScoringParameters(0.5, 1_000, shop.frame(gold.EXPOSURE_FACTORS))
    found = regional_pairs(scored, evidence, counts, sold, parameters, settings_from({}))
    named = found.selectExpr("*", "round(confidence, 9) AS sure", "round(region_weight, 9) AS weight")
    columns = ("slot", "candidate", "sure", "region_pair_support", "region_anchor_support", "weight", "evidence_slot")
    assert told(named, *columns) == [
        (1, bread, 0.6, 150, 200, 0.4, 1),
        (1, jam, 0.4, 20, 200, 0.4, 1),
        (2, bread, 0.675, 90, 100, 0.25, 2),
    ]
