"""The counting kernel against counting by hand, one event after the other."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from unittest.mock import patch

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sidecart import pair_kernel
from sidecart.basket_messages import Baskets, messages
from sidecart.pair_kernel import anchor_rows

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
            "buyer": pa.array([buyer.encode().rjust(16) for buyer, _, _ in baskets]),
            "nodes": pa.array([list(nodes) for _, nodes, _ in baskets], lists),
            "variants": pa.array([sorted(variants) for _, _, variants in baskets], lists),
        }
    )


def _by_kernel(baskets: list[Basket], shards: int = 1, parts: int = 1) -> Support:
    """All shards together, of parts that hold whole buyers; an anchor that two shards own is refused."""
    sent: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for part in range(parts):
        mine = [basket for basket in baskets if sum(map(ord, basket[0])) % parts == part]
        for message in messages(_table(mine).to_batches(max_chunksize=3), shards):
            for row in message.to_pylist():
                sent[row["shard"]].append(row)
    found: Support = {}
    for shard, received in sent.items():
        for batch in anchor_rows(Baskets.of_messages(received), shard, shards):
            for row in batch.to_pylist():
                rows = _flat(row)
                assert not found.keys() & rows.keys()
                found |= rows
    return found


def _flat(row: dict[str, Any]) -> Support:
    """A row of the kernel as its pairs, and the anchor with itself; groups of equal counts stand in their order."""
    node, anchor = row["node"], row["anchor"]
    counts = [(alike["pair_buyers"], alike["pair_baskets"]) for alike in row["met"]]
    assert counts == sorted(set(counts), reverse=True)
    found = {(node, anchor, anchor): (row["anchor_buyers"], row["anchor_baskets"])}
    for count, alike in zip(counts, row["met"], strict=True):
        assert alike["candidates"] == sorted(set(alike["candidates"]))
        found |= {(node, anchor, candidate): count for candidate in alike["candidates"]}
    return found


@settings(max_examples=200)
@given(_BASKETS)
def test_every_pair_is_counted_once_per_buyer_at_every_node_above_it(baskets: list[Basket]) -> None:
    assert _by_kernel(baskets) == _by_hand(baskets)


@settings(max_examples=100)
@given(_BASKETS, st.integers(2, 5))
def test_the_number_of_shards_changes_no_count(baskets: list[Basket], shards: int) -> None:
    assert _by_kernel(baskets, shards) == _by_hand(baskets)


@settings(max_examples=100)
@given(_BASKETS, st.integers(2, 4), st.integers(1, 3))
def test_baskets_of_many_parts_give_the_same_counts(baskets: list[Basket], parts: int, shards: int) -> None:
    assert _by_kernel(baskets, shards, parts) == _by_hand(baskets)


@settings(max_examples=100)
@given(_BASKETS, st.randoms(use_true_random=False), st.integers(1, 3))
@example([("a", (1,), frozenset({1})), ("a", (1, 2), frozenset({2}))], random.Random(1), 1)
@example([("a", (1,), frozenset({1})), ("a", (1, 2), frozenset({2}))], random.Random(2), 1)
def test_baskets_in_any_order_are_sent_as_the_same_messages(
    baskets: list[Basket], chance: random.Random, shards: int
) -> None:
    shuffled = chance.sample(baskets, len(baskets))
    one, other = ([m.to_pylist() for m in messages(_table(part).to_batches(), shards)] for part in (baskets, shuffled))
    assert one == other


@settings(max_examples=100)
@given(_BASKETS, st.integers(1, 40))
def test_rows_given_out_in_small_batches_are_the_same(baskets: list[Basket], rows: int) -> None:
    with patch.object(pair_kernel, "ROWS_PER_BATCH", rows):
        assert _by_kernel(baskets) == _by_hand(baskets)


def test_many_variants_are_given_out_ascending_however_few_of_them_an_anchor_met() -> None:
    """A thousand goods in one basket, two in another."""
    baskets: list[Basket] = [("ann", (1,), frozenset(range(1000))), ("bob", (1, 2), frozenset({999, 3}))]
    assert _by_kernel(baskets) == _by_hand(baskets)


def test_of_twenty_thousand_variants_the_few_that_an_anchor_met_are_found() -> None:
    """Each basket holds two of its own and two that all share, at both ends of the catalogue."""
    baskets: list[Basket] = [
        ("ann", (1,), frozenset({0, 1 + 2 * place, 2 + 2 * place, 20_001})) for place in range(10_000)
    ]
    found = _by_kernel(baskets)
    assert found[1, 9_999, 10_000] == (1, 1)
    assert found[1, 0, 20_001] == (1, 10_000)
    assert found == _by_hand(baskets)


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
    baskets = Baskets.of_part(_table([("ann", (1,), frozenset({7, 8}))]))
    assert list(anchor_rows(baskets, shard=0, shards=5)) == []


def test_partitions_without_baskets_send_nothing() -> None:
    empty = _table([]).to_batches()
    assert list(messages([], 2)) == []
    assert list(messages(empty, 2)) == []
