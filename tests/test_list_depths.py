"""How many candidates lists keep: by what sells out, and by what regions cut from the lists above them."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import Shop, told
from sidecart.contracts import gold
from sidecart.list_depths import Shelf, depth_of, depths, shelves, sold_out_since, watched
from sidecart.settings import ListSettings

LISTS = ListSettings(live_candidates=10, live_chance=0.95, region_depth=60, root_depth=400)


def test_where_all_is_live_and_nothing_sells_out_no_more_is_kept_than_should_be_live() -> None:
    assert depth_of(1.0, 0.0, LISTS) == 10


def test_the_more_sells_out_the_more_is_kept_up_to_a_bound() -> None:
    assert [depth_of(share, 0.0, LISTS) for share in (0.9, 0.5, 0.2, 0.0)] == [13, 28, 60, 60]
    assert depth_of(1.0, 0.105, LISTS) == depth_of(0.9, 0.0, LISTS), "exp(-.105) of all are live after a day"
    assert depth_of(1.0, 0.0525, replace(LISTS, days_between_runs=2.0)) == 13


@given(st.sampled_from([0.5, 0.7, 0.9, 0.98]), st.integers(0, 2**32))
def test_so_many_are_live_with_the_stated_chance(share: float, seed: int) -> None:
    """2,000 lists: at the depth at least .95 of them have ten live ones, short of it fewer; .02 is four deviations."""
    chance, depth = random.Random(seed), depth_of(share, 0.0, LISTS)

    def full(size: int) -> float:
        return sum(sum(chance.random() < share for _ in range(size)) >= 10 for _ in range(2_000)) / 2_000

    assert full(depth) >= 0.95 - 0.02
    assert full(depth - 1) <= 0.95 + 0.02


def test_what_sells_out_is_counted_where_it_was_live_before(shop: Shop) -> None:
    before = shop.offers(north="milk bread -jam tea", south="milk")
    now = shop.offers(north="milk -bread jam", south="milk bread")
    seen = sold_out_since(before, now, days=2.0, offered=5)
    assert told(seen, "region_id", "watched_days", "sold_out") == [("north", 6.0, 2.0), ("south", 2.0, 0.0)]


def test_of_very_many_offers_the_same_variants_are_looked_at_everywhere(shop: Shop) -> None:
    goods = [f"v{number}" for number in range(64)]
    offers = shop.offers(north=" ".join(goods), south=" ".join(goods))
    seen = told(sold_out_since(offers, offers, 1.0, offered=4 * 4_000_000), "region_id", "watched_days")
    (_, north), (_, south) = seen
    assert north == south
    assert 4 < north < 30


def test_older_looks_count_less_and_regions_not_seen_before_have_none(shop: Shop) -> None:
    known = shop.frame(
        gold.LIST_REGIONS,
        {"region_id": "north", "watched_days": 100.0, "sold_out": 8.0},
        {"region_id": "gone", "watched_days": 9.0, "sold_out": 9.0},
    )
    offers = shop.offers(north="milk -bread", south="milk")
    seen = sold_out_since(shop.offers(north="milk bread"), offers, 28.0, offered=3)
    columns = ("region_id", "offered", "live", "watched_days", "sold_out")
    assert told(watched(shelves(offers), known, seen, 28.0), *columns) == [
        ("north", 2, 1, 50.0 + 56.0, 4.0 + 1.0),
        ("south", 1, 1, 0.0, 0.0),
    ]


ROOT = Shelf(1_000, 1_000, 1_000, 1e6, 0.0)


def _below(offered: int, sold_out: float = 0.0) -> Shelf:
    return Shelf(offered, offered, offered, 1e6, sold_out)


def test_a_region_where_much_sells_out_keeps_more() -> None:
    assert depths([ROOT, _below(900), _below(900, 2e5)], [-1, 0, 0], LISTS)[1:] == [10, 15]


def test_lists_above_others_are_as_deep_as_makes_fewest_rows_in_all() -> None:
    assert depths([ROOT], [-1], LISTS) == [10]
    assert depths([ROOT, _below(500)], [-1, 0], LISTS) == [10, 10], (
        "cheaper to store its lists than to deepen the root's"
    )
    assert depths([ROOT, *[_below(500)] * 9], [-1, *[0] * 9], LISTS) == [33, *[10] * 9]
    wide = depths([ROOT, *[_below(1000)] * 9, *[_below(10)] * 9], [-1, *[0] * 18], LISTS)
    assert wide[0] == 17, "what sells one in a hundred has lists of its own"


def test_regions_with_others_below_keep_what_these_are_cut_from() -> None:
    tree = [ROOT, _below(1_000), *[_below(500)] * 9]
    assert depths(tree, [-1, 0, *[1] * 9], LISTS)[:3] == [33, 33, 10]


def test_a_region_between_passes_on_what_it_surely_sells_of_the_list_above() -> None:
    """Of 33 it sells nine in ten, 29.7 give or take 1.7; and a region below it nine in ten of that again."""
    tree = [ROOT, _below(900), _below(810), *[_below(500)] * 9]
    assert depths(tree, [-1, 0, 1, *[2] * 9], LISTS)[:4] == [33, 26, 20, 10]


@pytest.mark.parametrize("offered", [0, 1])
def test_a_region_that_sells_nothing_or_one_thing_is_no_special_case(offered: int) -> None:
    assert depths([ROOT, _below(offered)], [-1, 0], LISTS)[1] == 10
