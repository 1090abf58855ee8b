"""The filling kernel: draws from the best fits, within what a region sells, never the own group."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa

from sidecart.draws import DRAWS
from sidecart.fill_kernel import NONE, fills

BRANDS = {"": NONE, "acme": 1, "best": 2}


def _short(*lists: dict[str, Any]) -> pa.Table:
    """Short lists: anchor 100 of group 100 in slot 0 lacks 2 and was never sold, where a test does not say."""
    rows = [
        {
            "slot": 0, "anchor": 100, "group": 100, "own": NONE, "brand": NONE, "brand_mode": "off", "draw": 7,
            "is_sold": False, "need": 2, "keys": ["milks", ""], "taken_groups": [],
        } | given
        for given in lists
    ]  # fmt: skip
    types = {"slot": pa.int32(), "anchor": pa.int32(), "need": pa.int32(), "taken_groups": pa.list_(pa.int32())}
    return pa.table({name: pa.array([row[name] for row in rows], types.get(name)) for name in rows[0]})


def _pools(*pooled: dict[str, Any]) -> pa.Table:
    """Candidates of the subcategory milks, each of a group of its own, sold in slot 0."""
    rows = []
    for given in pooled:
        row: dict[str, Any] = {
            "step": 0,
            "key": "milks",
            "fit": 0.0,
            "own": NONE,
            "brand": NONE,
            "draw": 3,
            "slots": [1],
        }
        row |= {"group": given["candidate"], "fill_support": 5, "category_lift": 1.5} | given
        rows.append(row | {"plain_fit": row["fit"]})
    types = {"step": pa.int32(), "candidate": pa.int32(), "slots": pa.list_(pa.int64())}
    return pa.table({name: pa.array([row[name] for row in rows], types.get(name)) for name in rows[0]})


def _filled(short: pa.Table, pools: pa.Table, size: int = 600) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for row in fills(short, pools, size).to_pylist():
        found.setdefault(row["slot"], []).append(row["candidate"])
    return found


def test_a_list_gets_as_many_as_it_lacks_best_fit_first() -> None:
    pools = _pools({"candidate": 1, "fit": 0.1}, {"candidate": 2, "fit": 0.9}, {"candidate": 3, "fit": 0.5})
    assert _filled(_short({}), pools) == {0: [2, 3]}


def test_a_region_is_filled_from_what_it_sells() -> None:
    pools = _pools({"candidate": 1, "fit": 0.9, "slots": [1]}, {"candidate": 2, "fit": 0.1, "slots": [3]})
    assert _filled(_short({}, {"slot": 1}), pools) == {0: [1, 2], 1: [2]}


def test_neither_the_anchors_group_nor_a_group_already_there_nor_one_twice() -> None:
    pools = _pools(
        {"candidate": 1, "fit": 0.9, "group": 100},
        {"candidate": 2, "fit": 0.8, "group": 55},
        {"candidate": 3, "fit": 0.7, "group": 9},
        {"candidate": 4, "fit": 0.6, "group": 9},
    )
    assert _filled(_short({"taken_groups": [55]}), pools) == {0: [3]}


def test_the_own_category_is_left_out_where_the_shop_excludes_it() -> None:
    pools = _pools({"candidate": 1, "own": 8}, {"candidate": 2, "own": 9}, {"candidate": 3})
    assert _filled(_short({"own": 8}), pools) == {0: [2, 3]}
    assert _filled(_short({"own": NONE}), pools) == {0: [1, 2]}


def test_the_category_fills_what_the_subcategory_leaves() -> None:
    pools = _pools(
        {"candidate": 1, "fit": 0.1},
        {"candidate": 2, "fit": 0.9, "step": 1, "key": ""},
        {"candidate": 3, "fit": 0.5, "key": "buns"},
    )
    assert _filled(_short({"need": 3}), pools) == {0: [1, 2]}


def test_the_anchors_brand_comes_first_or_alone() -> None:
    pools = _pools({"candidate": 1, "fit": 0.9, "brand": 2}, {"candidate": 2, "fit": 0.1, "brand": 1})
    assert _filled(_short({"brand": 1, "brand_mode": "first"}), pools) == {0: [2, 1]}
    assert _filled(_short({"brand": 1, "brand_mode": "only"}), pools) == {0: [2]}
    assert _filled(_short({"brand": 1, "brand_mode": "off"}), pools) == {0: [1, 2]}
    assert _filled(_short({"brand": NONE, "brand_mode": "only"}), pools) == {}


def test_what_is_sold_draws_by_chance_of_anchor_and_candidate_and_says_the_same_each_time() -> None:
    goods = [{"candidate": c, "draw": 1_000_003 * c} for c in range(1, 41)]
    lists = [{"anchor": 100 + a, "group": 100 + a, "draw": 900_001 * (a + 1), "is_sold": True} for a in range(30)]
    found = fills(_short(*lists), _pools(*goods), 600).to_pylist()
    assert len({row["candidate"] for row in found}) > 25
    for row in found:
        chance = (900_001 * (row["anchor"] - 99)) * (1_000_003 * row["candidate"]) % DRAWS / DRAWS
        assert row["score_key"] == round(-math.log(-math.log(chance)) * 1e6)


def test_only_the_best_fits_that_a_region_sells_are_drawn_from() -> None:
    goods = [
        {"candidate": c, "fit": -float(c), "draw": 1_000_003 * c, "slots": [3 if c % 2 else 1]} for c in range(1, 41)
    ]
    lists = [{"anchor": a, "group": a, "draw": 77 * a, "is_sold": True, "slot": a % 2} for a in range(101, 161)]
    found = _filled(_short(*lists), _pools(*goods), size=4)
    assert set(found[0]) <= {1, 2, 3, 4}
    assert set(found[1]) <= {1, 3, 5, 7}
