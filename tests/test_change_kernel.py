"""The changing kernel: rows of before and the difference, added up, are the rows of after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecart.basket_messages import Baskets, messages
from sidecart.change_kernel import REGION_ROWS, added_up, differences
from sidecart.met_groups import LIST
from sidecart.pair_kernel import anchor_rows

Basket = tuple[str, tuple[int, ...], frozenset[int]]

_PATHS = [(1,), (1, 2), (1, 3), (1, 2, 4)]
_VARIANTS = st.frozensets(st.sampled_from([1, 2, 3, 5, 8, 900, 70_001]), min_size=1, max_size=5)
_BASKETS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(_PATHS), _VARIANTS), max_size=15)


def _counted(baskets: Iterable[Basket]) -> Iterator[pa.RecordBatch]:
    """Rows of the counting kernel, one shard."""
    told = list(baskets)
    table = pa.table(
        {
            "buyer": pa.array([buyer.encode().rjust(16) for buyer, _, _ in told]),
            "nodes": pa.array([list(nodes) for _, nodes, _ in told], LIST),
            "variants": pa.array([sorted(variants) for _, _, variants in told], LIST),
        }
    )
    sent = [row for message in messages(table.to_batches(), 1) for row in message.to_pylist()]
    return anchor_rows(Baskets.of_messages(sent), 0, 1) if sent else iter(())


def _sides(before: list[Basket], after: list[Basket]) -> list[Basket]:
    """Both counts as one: what was, at even nodes; what is, at odd ones."""
    return [
        (buyer, tuple(2 * node + side for node in nodes), variants)
        for side, baskets in enumerate((before, after))
        for buyer, nodes, variants in baskets
    ]


def _told(batches: Iterable[pa.RecordBatch]) -> list[dict[str, Any]]:
    """All rows; a region is told as its node."""
    told: list[dict[str, Any]] = [row for batch in batches for row in batch.to_pylist()]
    told = [{"node": int(row.pop("region_id"))} | row if "region_id" in row else row for row in told]
    return sorted(told, key=lambda row: (row["anchor"], row["node"]))


def _in_batches(rows: list[dict[str, Any]], size: int) -> list[pa.RecordBatch]:
    ordered = sorted(rows, key=lambda row: (row["anchor"], row["node"]))
    named = [{"region_id": str(row["node"])} | {k: v for k, v in row.items() if k != "node"} for row in ordered]
    batches: list[pa.RecordBatch] = pa.Table.from_pylist(named, schema=REGION_ROWS).to_batches(max_chunksize=size)
    return batches


@settings(max_examples=300)
@given(_BASKETS, _BASKETS, st.integers(1, 7))
def test_what_was_and_the_difference_are_what_is(before: list[Basket], after: list[Basket], size: int) -> None:
    changes = _told(differences(_counted(_sides(before, after))))
    found = _told(added_up(_in_batches(_told(_counted(before)) + changes, size)))
    assert found == _told(_counted(after))


@settings(max_examples=100)
@given(st.lists(_BASKETS, min_size=2, max_size=4), st.integers(1, 7))
def test_differences_of_days_add_up_to_that_of_all(days: list[list[Basket]], size: int) -> None:
    daily = [_told(differences(_counted(_sides(*two)))) for two in pairwise(days)]
    together = _told(added_up(_in_batches([row for day in daily for row in day], size)))
    assert together == _told(differences(_counted(_sides(days[0], days[-1]))))


@given(_BASKETS)
def test_what_did_not_change_has_no_difference(baskets: list[Basket]) -> None:
    assert _told(differences(_counted(_sides(baskets, baskets)))) == []


def test_groups_stand_in_their_order_whatever_the_sign_of_their_counts() -> None:
    """Salt and tea were bought together twice and by two; jam once, which is gone; milk a second time by one."""
    was: list[Basket] = [("ann", (1,), frozenset({1, 4})), ("ann", (1,), frozenset({1, 5}))]
    now: list[Basket] = [
        ("ann", (1,), frozenset({1, 5, 3})),
        ("ann", (1,), frozenset({1, 5, 2})),
        ("bob", (1,), frozenset({1, 2})),
    ]
    row = next(row for row in _told(differences(_counted(_sides(was, now)))) if row["anchor"] == 1)
    assert (row["anchor_buyers"], row["anchor_baskets"]) == (1, 1)
    assert [(m["pair_buyers"], m["pair_baskets"], m["candidates"]) for m in row["met"]] == [
        (2, 2, [2]),
        (1, 1, [3]),
        (0, 1, [5]),
        (-1, -1, [4]),
    ]


@pytest.mark.parametrize("size", [1, 100])
def test_rows_of_one_anchor_may_come_in_several_batches(size: int) -> None:
    twice = _told(_counted([("ann", (1,), frozenset({1, 2}))])) * 2
    found = _told(added_up(_in_batches(twice, size)))
    assert [(row["anchor_buyers"], row["anchor_baskets"]) for row in found] == [(2, 2), (2, 2)]
    assert found[0]["met"] == [{"pair_buyers": 2, "pair_baskets": 2, "candidates": [2]}]
