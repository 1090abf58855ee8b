"""Base lists: which regions have lists of their own, and of what."""

from __future__ import annotations

from builders import Shop, told
from sidecart.base_lists import list_pages, list_regions, slot_members
from sidecart.contracts import gold, state
from sidecart.regional_lists import RegionalCounts, regional_evidence, regional_lists
from sidecart.scoring import TIER_ORDERS, TIER_OTHER_BRAND, ScoringParameters
from sidecart.settings import RegionSettings, ScoringSettings, settings_from

TREE = ("root > north > oslo", "root > south")
SLOTS = "region_id STRING, slot INT, path ARRAY<STRING>"


def test_a_region_has_lists_of_its_own_from_so_many_baskets_and_the_root_always(shop: Shop) -> None:
    counted = {"root": 9, "north": 5, "oslo": 4}
    support = shop.frame(state.REGION_SUPPORT, *({"region_id": r, "baskets": n} for r, n in counted.items()))
    found = list_regions(support, shop.regions(*TREE), RegionSettings(min_region_baskets=5))
    assert told(found, "slot", "region_id") == [(0, "root"), (1, "north")]


def test_the_root_has_lists_before_anyone_bought_anything(shop: Shop) -> None:
    nobody = shop.frame(state.REGION_SUPPORT)
    assert told(list_regions(nobody, shop.regions(*TREE), RegionSettings()), "region_id") == ["root"]


def test_what_is_out_of_stock_today_stays_in_base_lists(shop: Shop) -> None:
    slots = shop.spark.createDataFrame([("root", 0, ["root"]), ("oslo", 1, ["root", "oslo"])], SLOTS)
    offers = shop.offers(root="milk", oslo="-milk bread", south="milk")
    found = slot_members(offers, slots, shop.facts(milk={}, bread={}))
    assert told(found, "slot", "variant") == [(0, 1), (1, 1), (1, 2)]


def test_every_variant_has_a_list_at_the_root_and_in_a_region_what_it_sells(shop: Shop) -> None:
    found = list_pages(shop.members("milk", "milk bread"), shop.facts(milk={}, bread={}, jam={}))
    assert told(found, "slot", "anchor") == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2)]


def test_own_counts_enter_where_the_anchor_has_support_in_a_region_with_lists(shop: Shop) -> None:
    slots = shop.spark.createDataFrame(
        [("root", 0, ["root"]), ("north", 1, ["root", "north"]), ("oslo", 2, ["root", "north", "oslo"])], SLOTS
    )
    supports = [("root", "milk", 500), ("north", "milk", 200), ("oslo", "milk", 99), ("south", "milk", 300)]
    support = shop.frame(
        state.VARIANT_SUPPORT,
        *({"region_id": r, "variant": shop.number(v), "buyers": n, "baskets": 2 * n} for r, v, n in supports),
    )
    found = regional_evidence(support, slots, RegionSettings(), ScoringSettings())
    columns = ("slot", "evidence_region", "evidence_depth", "region_anchor_support", "is_own")
    assert told(found, *columns) == [(1, "north", 1, 200, True), (2, "north", 1, 200, False)]
    by_baskets = regional_evidence(support, slots, RegionSettings(), ScoringSettings(support_unit="baskets"))
    assert told(by_baskets, *columns) == [
        (1, "north", 1, 400, True),
        (2, "north", 1, 400, False),
        (2, "oslo", 2, 198, True),
    ]


def test_a_regions_confidence_is_mixed_down_the_tree(shop: Shop) -> None:
    """Bread: root 0.5; north (150 + 300*0.5) / (200 + 300) = 0.6; Oslo (90 + 300*0.6) / (100 + 300) = 0.675.

    Tea stands there by joint views, which are the whole shop's.
    """
    milk, bread, jam, tea = (shop.number(word) for word in ("milk", "bread", "jam", "tea"))
    scored = shop.spark.createDataFrame(
        [
            (milk, bread, 50, 0.5, 1, TIER_ORDERS, 0),
            (milk, jam, 60, 0.6, 2, TIER_ORDERS, 0),
            (milk, tea, 0, 0.9, 3, TIER_OTHER_BRAND, -7),
        ],
        "anchor INT, candidate INT, support INT, confidence DOUBLE, candidate_id_order INT, tier INT, score_key BIGINT",
    ).selectExpr("*", "50 AS candidate_support", "1D AS category_lift", "1D AS exposure_factor", "9 AS anchor_support")
    evidence = shop.spark.createDataFrame(
        [(1, milk, "north", 1, 200, True), (2, milk, "north", 1, 200, False), (2, milk, "oslo", 2, 100, True)],
        "slot INT, anchor INT, evidence_region STRING, evidence_depth INT, region_anchor_support INT, is_own BOOLEAN",
    )
    counts = shop.flat_pairs("north: milk bread 150", "oslo: milk bread 90", "north: milk jam 20")
    members = shop.members("", "bread jam tea", "bread")
    parameters = ScoringParameters(0.5, 1_000, shop.frame(gold.EXPOSURE_FACTORS))
    found = regional_lists(scored, RegionalCounts(evidence, counts), members, parameters, settings_from({}))
    named = found.selectExpr("*", "round(confidence, 9) AS sure", "round(region_weight, 9) AS weight")
    columns = ("slot", "rank", "candidate", "sure", "region_pair_support", "region_anchor_support", "weight")
    assert told(named, *columns) == [
        (1, 1, bread, 0.6, 150, 200, 0.4),
        (1, 2, jam, 0.4, 20, 200, 0.4),
        (1, 3, tea, 0.9, 0, 0, 0.0),
        (2, 1, bread, 0.675, 90, 100, 0.25),
    ]
