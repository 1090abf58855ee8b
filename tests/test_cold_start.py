"""Cold start: which categories may fill a list."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from builders import Shop, told
from chains import compiled_plans
from sidecart.cold_start import ColdInputs, compatible_categories, pools, shelf_support
from sidecart.contracts import gold
from sidecart.list_places import sellers
from sidecart.settings import ListSettings
from sidecart.settings_files import settings_from


def _lifts(*lifts: tuple[int, str, str, float]) -> list[dict[str, object]]:
    return [{"level": level, "category_a": a, "category_b": b, "lift": lift} for level, a, b, lift in lifts]


def test_a_category_that_nobody_bought_yet_is_beside_what_its_top_category_complements(
    shop: Shop, tmp_path: Path
) -> None:
    """Mugs are new; kitchen goods complement drinks, so mugs may show tea. What has no category says nothing."""
    facts = shop.facts(
        tea={"category_id": "tea", "category_path": ["drinks", "tea"]},
        pot={"category_id": "pots", "category_path": ["kitchen", "pots"]},
        mug={"category_id": "mugs", "category_path": ["kitchen", "mugs"]},
        gift={"category_path": []},
    )
    measured = shop.frame(
        gold.CATEGORY_COMPATIBILITY,
        *_lifts((1, "kitchen", "drinks", 1.4), (1, "kitchen", "kitchen", 0.9), (2, "pots", "tea", 2.0)),
        *_lifts((2, "tea", "pots", 2.0), (2, "pots", "pots", 0.5)),
    )
    # As tables: what is asked of a file's rows comes in an order that Spark chooses, here when it compiles.
    for name, frame in {"measured": measured, "facts": facts}.items():
        frame.write.parquet(str(tmp_path / name))
    measured, facts = (shop.spark.read.parquet(str(tmp_path / name)) for name in ("measured", "facts"))
    with compiled_plans(shop.spark):
        found = told(compatible_categories(measured, facts, level=2), "category_id", "beside", "lift")
    assert found == [("mugs", "tea", 1.4), ("pots", "tea", 2.0), ("tea", "pots", 2.0)]


def test_what_a_small_region_sells_may_fill_lists_of_categories_it_complements_though_nobody_bought_both(
    shop: Shop,
) -> None:
    """The kiosk sells tea, a mug and a gift, the market more; pots go with drinks, not with one another."""
    facts = shop.facts(
        pot={"category_id": "pots", "category_path": ["pots"], "buyers": 5},
        tea={"category_id": "drinks", "category_path": ["drinks"], "buyers": 9},
        juice={"category_id": "drinks", "category_path": ["drinks"], "buyers": 99},
        mug={"category_id": "pots", "category_path": ["pots"], "buyers": 4},
        gift={"category_path": [], "buyers": 20},
    )
    measured = shop.frame(gold.CATEGORY_COMPATIBILITY, *_lifts((1, "pots", "drinks", 2.0), (1, "drinks", "pots", 2.0)))
    regions = shop.regions("root > kiosk", "root > market")
    offers = shop.offers(kiosk="tea mug gift", market="pot tea juice mug")
    places = shop.places(regions, offers, ListSettings())
    sold = sellers(offers, places.slots(shop.spark), facts, places.tree.words)
    inputs = ColdInputs(shop.flat_pairs("pot gift 1"), facts, measured, sold.withColumnRenamed("variant", "candidate"))
    settings = settings_from({"cold_start": {"small_range": 3}, "compatibility": {"category_level": 1}})
    found = told(pools(shelf_support(inputs), inputs, settings), "category_id", "candidate", "fit", "fill_support")
    assert found == sorted(
        [
            ("drinks", shop.number("mug"), pytest.approx(math.log(5 * 2.0)), 0),
            ("pots", shop.number("tea"), pytest.approx(math.log(10 * 2.0)), 0),
        ]
    )
    nowhere = settings_from({"cold_start": {"small_range": 0}, "compatibility": {"category_level": 1}})
    assert told(pools(shelf_support(inputs), inputs, nowhere), "candidate") == []
