"""The filling kernel: what fits an anchor's category, in the order it is drawn, never the own group."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa

from sidecart.draws import DRAWS
from sidecart.fill_kernel import NONE, Drawing, Filled, Shelf, Tiers

TIERS = Tiers(same_brand=2, other_brand=7, behind=12)


def _shelf(*pooled: dict[str, Any], sharpness: float = 1.0) -> Shelf:
    """Candidates of the subcategory milks, each of a group of its own."""
    rows = []
    for given in pooled:
        row: dict[str, Any] = {
            "step": 0,
            "key": "milks",
            "fit": 0.0,
            "own": NONE,
            "brand": NONE,
            "draw": 3,
            "id_order": given["candidate"],
        }
        row |= {"group": given["candidate"], "fill_support": 5, "category_lift": 1.5} | given
        rows.append(row | {"plain_fit": row["fit"]})
    types = {"step": pa.int32(), "candidate": pa.int32(), "id_order": pa.int32()}
    table = pa.table({name: pa.array([row[name] for row in rows], types.get(name)) for name in rows[0]})
    return Shelf(table, Drawing(TIERS, sharpness, by_popularity=2))


def _anchor(**given: Any) -> Filled:
    """An anchor of group 100 that was never sold, where a test does not say otherwise."""
    told: dict[str, Any] = {"group": 100, "own": NONE, "brand": NONE, "brand_mode": "off", "draw": 7, "is_sold": False}
    return Filled(**(told | {"keys": ("milks", "")} | given))


def _filled(shelf: Shelf, anchor: Filled, *taken: int) -> list[int]:
    fills = shelf.fills(anchor, np.array(taken, np.int32))
    assert fills.tiers.tolist() == sorted(fills.tiers)
    found: list[int] = shelf.candidates[fills.rows].tolist()
    return found


def test_the_best_fit_comes_first() -> None:
    shelf = _shelf({"candidate": 1, "fit": 0.1}, {"candidate": 2, "fit": 0.9}, {"candidate": 3, "fit": 0.5})
    assert _filled(shelf, _anchor()) == [2, 3, 1]


def test_neither_the_anchors_group_nor_what_stands_in_its_lists_already() -> None:
    shelf = _shelf({"candidate": 1, "group": 100}, {"candidate": 2}, {"candidate": 3}, {"candidate": 4})
    assert _filled(shelf, _anchor(), 2, 4) == [3]


def test_the_second_best_of_a_group_falls_behind() -> None:
    shelf = _shelf(
        {"candidate": 1, "fit": 0.9, "group": 9},
        {"candidate": 2, "fit": 0.8, "group": 9},
        {"candidate": 3, "fit": 0.1},
        {"candidate": 4, "fit": 0.7, "group": 9},
    )
    assert _filled(shelf, _anchor()) == [1, 3, 2, 4]
    assert shelf.fills(_anchor(), np.zeros(0, np.int32)).keys.tolist() == [900_000, 100_000, -200_000, -1_300_000]


def test_the_own_category_is_left_out_where_the_shop_excludes_it() -> None:
    shelf = _shelf({"candidate": 1, "own": 8}, {"candidate": 2, "own": 9}, {"candidate": 3})
    assert _filled(shelf, _anchor(own=8)) == [2, 3]
    assert _filled(shelf, _anchor(own=NONE)) == [1, 2, 3]


def test_the_category_stands_behind_the_subcategory_and_repeats_none_of_it() -> None:
    shelf = _shelf(
        {"candidate": 1, "fit": 0.1},
        {"candidate": 1, "fit": 0.8, "step": 1, "key": ""},
        {"candidate": 2, "fit": 0.9, "step": 1, "key": ""},
        {"candidate": 3, "fit": 0.5, "key": "buns"},
    )
    assert _filled(shelf, _anchor()) == [1, 2]
    assert shelf.fills(_anchor(), np.zeros(0, np.int32)).tiers.tolist() == [7, 8]
    assert _filled(shelf, _anchor(keys=("buns", ""))) == [3, 2, 1]
    assert _filled(shelf, _anchor(keys=("lamps", "led"))) == []


def test_the_anchors_brand_comes_first_or_alone() -> None:
    shelf = _shelf({"candidate": 1, "fit": 0.9, "brand": 2}, {"candidate": 2, "fit": 0.1, "brand": 1})
    assert _filled(shelf, _anchor(brand=1, brand_mode="first")) == [2, 1]
    assert _filled(shelf, _anchor(brand=1, brand_mode="only")) == [2]
    assert _filled(shelf, _anchor(brand=1, brand_mode="off")) == [1, 2]
    assert _filled(shelf, _anchor(brand=NONE, brand_mode="only")) == []


def test_a_brand_comes_first_among_the_600_best_fits_and_else_behind_all() -> None:
    """One of the goods is of the anchor's group, 100."""
    goods = [{"candidate": c, "fit": -c / 1000} for c in range(1, 600)]
    of_brand = [{"candidate": 700, "fit": -0.599, "brand": 1}, {"candidate": 701, "fit": -0.7, "brand": 1}]
    shelf = _shelf(*goods, *of_brand, {"candidate": 702, "fit": 9.0, "brand": 1, "step": 2, "key": ""})
    found = _filled(shelf, _anchor(brand=1, brand_mode="first", keys=("milks", "", "")))
    assert [found.index(candidate) for candidate in (700, 1, 599, 702, 701)] == [0, 1, 598, 599, 600]
    assert _filled(shelf, _anchor(brand=1, brand_mode="only", keys=("milks", "", ""))) == [700, 701, 702]


GOODS = [{"candidate": c, "draw": 1_000_003 * c, "fit": c / 10} for c in range(1, 41)]


def test_what_is_sold_draws_by_chance_of_anchor_and_candidate_and_says_the_same_each_time() -> None:
    shelf, first = _shelf(*GOODS), set()
    for draw in (900_001 * nth for nth in range(1, 31)):
        fills = shelf.fills(_anchor(draw=draw, is_sold=True), np.zeros(0, np.int32))
        first.add(fills.rows[0])
        for row, key in zip(fills.rows, fills.keys, strict=True):
            chance = draw * (1_000_003 * int(shelf.candidates[row])) % DRAWS / DRAWS
            fit = int(shelf.candidates[row]) / 10
            assert key == round((fit - math.log(-math.log(chance))) * 1e6)
    assert len(first) > 10


def test_a_region_draws_what_it_sells_in_the_same_order() -> None:
    anchor = _anchor(draw=900_001, is_sold=True)
    there = [good for good in GOODS if good["candidate"] % 3 == 0]
    everywhere = _filled(_shelf(*GOODS), anchor)
    assert [c for c in everywhere if c % 3 == 0] == _filled(_shelf(*there), anchor)


def test_the_sharper_the_more_the_best_fits_come_first() -> None:
    def mean_place_of_best(sharpness: float) -> float:
        shelf = _shelf(*GOODS, sharpness=sharpness)
        return float(np.mean([_filled(shelf, _anchor(draw=77 * d, is_sold=True)).index(40) for d in range(1, 60)]))

    assert mean_place_of_best(0.2) > mean_place_of_best(1.0) > mean_place_of_best(5.0)
