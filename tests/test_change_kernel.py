"""The changing kernel: rows of before and the difference, added up, are the rows of after."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel_rows import Basket, both_sides, counted_rows, in_batches, told_rows
from sidecart.change_kernel import added_up, differences

_PATHS = [(1,), (1, 2), (1, 3), (1, 2, 4)]
_VARIANTS = st.frozensets(st.sampled_from([1, 2, 3, 5, 8, 900, 70_001]), min_size=1, max_size=5)
_BASKETS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(_PATHS), _VARIANTS), max_size=15)


@settings(max_examples=300)
@given(_BASKETS, _BASKETS, st.integers(1, 7))
def test_what_was_and_the_difference_are_what_is(before: list[Basket], after: list[Basket], size: int) -> None:
    changes = told_rows(differences(counted_rows(both_sides(before, after))))
    found = told_rows(added_up(in_batches(told_rows(counted_rows(before)) + changes, size)))
    assert found == told_rows(counted_rows(after))


@settings(max_examples=100)
@given(st.lists(_BASKETS, min_size=2, max_size=4), st.integers(1, 7))
def test_differences_of_days_add_up_to_that_of_all(days: list[list[Basket]], size: int) -> None:
    daily = [told_rows(differences(counted_rows(both_sides(*two)))) for two in pairwise(days)]
    together = told_rows(added_up(in_batches([row for day in daily for row in day], size)))
    assert together == told_rows(differences(counted_rows(both_sides(days[0], days[-1]))))


@given(_BASKETS)
def test_what_did_not_change_has_no_difference(baskets: list[Basket]) -> None:
    assert told_rows(differences(counted_rows(both_sides(baskets, baskets)))) == []


def test_groups_stand_in_their_order_whatever_the_sign_of_their_counts() -> None:
    """Salt and tea were bought together twice and by two; jam once, which is gone; milk a second time by one."""
    was: list[Basket] = [("ann", (1,), frozenset({1, 4})), ("ann", (1,), frozenset({1, 5}))]
    now: list[Basket] = [
        ("ann", (1,), frozenset({1, 5, 3})),
        ("ann", (1,), frozenset({1, 5, 2})),
        ("bob", (1,), frozenset({1, 2})),
    ]
    row = next(row for row in told_rows(differences(counted_rows(both_sides(was, now)))) if row["anchor"] == 1)
    assert (row["anchor_buyers"], row["anchor_baskets"]) == (1, 1)
    assert [(m["pair_buyers"], m["pair_baskets"], m["candidates"]) for m in row["met"]] == [
        (2, 2, [2]),
        (1, 1, [3]),
        (0, 1, [5]),
        (-1, -1, [4]),
    ]


@pytest.mark.parametrize("size", [1, 100])
def test_rows_of_one_anchor_may_come_in_several_batches(size: int) -> None:
    twice = told_rows(counted_rows([("ann", (1,), frozenset({1, 2}))])) * 2
    found = told_rows(added_up(in_batches(twice, size)))
    assert [(row["anchor_buyers"], row["anchor_baskets"]) for row in found] == [(2, 2), (2, 2)]
    assert found[0]["met"] == [{"pair_buyers": 2, "pair_baskets": 2, "candidates": [2]}]
