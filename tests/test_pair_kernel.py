"""The counting kernel against counting by hand, one event after the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecart import pair_kernel
from sidecart.pair_kernel import Ints, Shard, anchor_rows

Basket = tuple[str, tuple[int, ...], frozenset[int]]
Support = dict[tuple[int, int, int], tuple[int, int]]

_PATHS = [(1,), (1, 2), (1, 3), (1, 2, 4), (1, 2, 5), (1, 2, 5, 6)]
"""Nodes from the root down: regions of a tree that is deeper here than there."""

_VARIANTS = st.frozensets(st.sampled_from([1, 2, 3, 5, 8, 900, 70_001, 2**30]), min_size=1, max_size=6)
_BASKETS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(_PATHS), _VARIANTS), min_size=1, max_size=25)


def _by_hand(baskets: Iterable[Basket]) -> Support:
    met: dict[tuple[int, int, int], list[str]] = defaultdict(list)
    for buyer, nodes, variants in baskets:
        for node in nodes:
            for anchor in variants:
                for candidate in variants:
                    met[node, anchor, candidate].append(buyer)
    return {key: (len(set(buyers)), len(buyers)) for key, buyers in met.items()}


def _table(baskets: list[Basket]) -> pa.Table:
    lists = pa.list_(pa.int32())
    return pa.table(
        {
            "buyer_key": pa.array([buyer for buyer, _, _ in baskets]),
            "nodes": pa.array([list(nodes) for _, nodes, _ in baskets], lists),
            "variants": pa.array([sorted(variants) for _, _, variants in baskets], lists),
        }
    )


def _by_kernel(baskets: list[Basket], shards: int = 1) -> Support:
    """All shards together; an anchor that two of them own would be counted twice and is refused."""
    found: Support = {}
    for shard in range(shards):
        mine = [b for b in baskets if any(v % shards == shard for v in b[2])]
        if not mine:
            continue
        for batch in anchor_rows(Shard.from_table(_table(mine)), partial(_is_owned, shard, shards)):
            for row in batch.to_pylist():
                rows = _flat(row)
                assert not found.keys() & rows.keys()
                found |= rows
    return found


def _is_owned(shard: int, shards: int, variants: Ints) -> npt.NDArray[np.bool_]:
    is_owned: npt.NDArray[np.bool_] = variants % shards == shard
    return is_owned


def _flat(row: dict[str, Any]) -> Support:
    """A row of the kernel as its pairs, ascending, and the anchor with itself."""
    node, anchor, candidates = row["node"], row["anchor"], row["candidates"]
    assert candidates == sorted(candidates)
    counts = zip(candidates, row["pair_buyers"], row["pair_baskets"], strict=True)
    own = {(node, anchor, anchor): (row["anchor_buyers"], row["anchor_baskets"])}
    return own | {(node, anchor, candidate): (buyers, baskets) for candidate, buyers, baskets in counts}


@settings(max_examples=200)
@given(_BASKETS)
def test_every_pair_is_counted_once_per_buyer_at_every_node_above_it(baskets: list[Basket]) -> None:
    assert _by_kernel(baskets) == _by_hand(baskets)


@settings(max_examples=100)
@given(_BASKETS, st.integers(2, 5))
def test_the_number_of_shards_changes_no_count(baskets: list[Basket], shards: int) -> None:
    assert _by_kernel(baskets, shards) == _by_hand(baskets)


@settings(max_examples=100)
@given(_BASKETS, st.integers(1, 40))
def test_events_sorted_in_small_chunks_give_the_same_counts(baskets: list[Basket], events: int) -> None:
    with patch.object(pair_kernel, "CHUNK_EVENTS", events):
        assert _by_kernel(baskets) == _by_hand(baskets)


@settings(max_examples=100)
@given(_BASKETS)
def test_keys_too_wide_for_one_integer_give_the_same_counts(baskets: list[Basket]) -> None:
    narrow, is_inner = pair_kernel._run_lengths, False

    def as_if_wide(pair: Ints, buyer: Ints, pair_bits: int, buyer_bits: int) -> tuple[Ints, Ints, Ints]:
        # The kernel calls itself with a narrower key, and that call must not be widened again.
        nonlocal is_inner
        is_inner = not is_inner
        return narrow(pair, buyer, 63 if is_inner else pair_bits, buyer_bits)

    with patch.object(pair_kernel, "_run_lengths", as_if_wide):
        assert _by_kernel(baskets) == _by_hand(baskets)


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 2**50), st.integers(0, 2**20)), min_size=1, max_size=60),
    st.integers(1, 3),
)
def test_runs_of_wide_keys_are_counted_like_narrow_ones(events: list[tuple[int, int]], times: int) -> None:
    events = events * times
    pair = np.array([p for p, _ in events], dtype=np.int64)
    buyer = np.array([b for _, b in events], dtype=np.int64)
    distinct = sorted(set(pair.tolist()))
    pairs, buyers, baskets = pair_kernel._run_lengths(pair, buyer, 51, 21)
    assert pairs.tolist() == distinct
    assert buyers.tolist() == [len({b for p, b in events if p == one}) for one in distinct]
    assert baskets.tolist() == [sum(p == one for p, _ in events) for one in distinct]


def test_a_basket_of_one_variant_counts_the_variant_and_no_pair() -> None:
    assert _by_kernel([("ann", (1,), frozenset({7}))]) == {(1, 7, 7): (1, 1)}


def test_a_buyer_who_repeats_a_basket_is_one_buyer_of_two_baskets() -> None:
    twice: list[Basket] = [("ann", (1,), frozenset({7, 8}))] * 2
    assert _by_kernel(twice)[1, 7, 8] == (1, 2)


def test_a_buyer_of_two_cities_counts_once_in_each_and_once_above_them() -> None:
    travels: list[Basket] = [("ann", (1, 2), frozenset({7, 8})), ("ann", (1, 3), frozenset({7, 8}))]
    found = _by_kernel(travels)
    assert [found[node, 7, 8] for node in (1, 2, 3)] == [(1, 2), (1, 1), (1, 1)]


def test_a_shard_that_owns_nothing_has_no_rows() -> None:
    shard = Shard.from_table(_table([("ann", (1,), frozenset({7, 8}))]))
    assert list(anchor_rows(shard, lambda variants: variants < 0)) == []
