"""The cutting kernel against a loop over lists."""

from __future__ import annotations

import random
from collections import defaultdict
from itertools import pairwise
from unittest.mock import patch

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecart import list_kernel
from sidecart.list_kernel import Depths, cut_lists

Row = tuple[int, int, frozenset[int], frozenset[int]]
"""anchor, candidate, slots of the anchor, slots of the candidate."""


def _naive(rows: list[Row], depths: Depths) -> list[tuple[int, int, int, int]]:
    lists: dict[tuple[int, int], list[int]] = defaultdict(list)
    for anchor, candidate, anchor_slots, candidate_slots in rows:
        for slot in anchor_slots & candidate_slots:
            if len(lists[slot, anchor]) < (depths.root if slot == 0 else depths.region):
                lists[slot, anchor].append(candidate)
    return sorted((s, a, rank, c) for (s, a), kept in lists.items() for rank, c in enumerate(kept, 1))


def _words(slots: frozenset[int], width: int) -> list[int]:
    """Bits in signed 64-bit words, as Spark hands them over."""
    unsigned = [sum(1 << slot % 64 for slot in slots if slot // 64 == word) for word in range(width)]
    return [word - 2**64 if word >= 2**63 else word for word in unsigned]


def _batches(rows: list[Row], width: int, cuts: list[int]) -> list[pa.RecordBatch]:
    columns = {
        "anchor": pa.array([r[0] for r in rows], pa.int32()),
        "candidate": pa.array([r[1] for r in rows], pa.int32()),
        "anchor_slots": pa.array([_words(r[2], width) for r in rows], pa.list_(pa.int64())),
        "candidate_slots": pa.array([_words(r[3], width) for r in rows], pa.list_(pa.int64())),
    }
    whole = pa.RecordBatch.from_pydict(columns)
    bounds = sorted({0, len(rows), *(cut % (len(rows) + 1) for cut in cuts)})
    return [whole.slice(a, b - a) for a, b in pairwise(bounds)]


def _by_kernel(batches: list[pa.RecordBatch], depths: Depths) -> list[tuple[int, int, int, int]]:
    found = [row for batch in cut_lists(batches, ["anchor", "candidate"], depths) for row in batch.to_pylist()]
    return sorted((row["slot"], row["anchor"], row["rank"], row["candidate"]) for row in found)


@st.composite
def _ranked(draw: st.DrawFn, slots: int) -> list[Row]:
    """Anchors ascending with candidates in the order of their score."""
    chance = random.Random(draw(st.integers(0, 10_000)))
    sells = {c: frozenset(s for s in range(slots) if chance.random() < 0.6) for c in range(12)}
    rows: list[Row] = []
    for anchor in range(draw(st.integers(1, 6))):
        listed = frozenset(s for s in range(slots) if chance.random() < 0.7)
        rows += [(anchor, c, listed, sells[c]) for c in chance.sample(range(12), chance.randint(1, 12))]
    return rows


_DEPTHS = st.builds(Depths, st.integers(1, 9), st.integers(1, 5))
_CUTS = st.lists(st.integers(0, 100), max_size=6)


@settings(max_examples=200)
@given(_ranked(5), _CUTS, _DEPTHS)
def test_every_region_gets_the_best_that_it_sells(rows: list[Row], cuts: list[int], depths: Depths) -> None:
    assert _by_kernel(_batches(rows, 1, cuts), depths) == _naive(rows, depths)


@settings(max_examples=60)
@given(_ranked(150), _CUTS, _DEPTHS)
def test_so_does_every_one_of_a_hundred_and_fifty_regions(rows: list[Row], cuts: list[int], depths: Depths) -> None:
    assert _by_kernel(_batches(rows, 3, cuts), depths) == _naive(rows, depths)


@settings(max_examples=60)
@given(_ranked(70), _CUTS, _DEPTHS, st.integers(1, 5000))
def test_memory_bounds_change_no_list(rows: list[Row], cuts: list[int], depths: Depths, cells: int) -> None:
    with patch.object(list_kernel, "_CELLS", cells):
        assert _by_kernel(_batches(rows, 2, cuts), depths) == _naive(rows, depths)


def test_a_list_ends_at_the_depth_of_its_region() -> None:
    both = frozenset({0, 1})
    rows: list[Row] = [(1, candidate, both, both) for candidate in (10, 11, 12, 13)]
    found = _by_kernel(_batches(rows, 1, []), Depths(root=3, region=2))
    assert found == [(0, 1, 1, 10), (0, 1, 2, 11), (0, 1, 3, 12), (1, 1, 1, 10), (1, 1, 2, 11)]


def test_what_a_region_does_not_sell_leaves_no_gap_in_its_ranks() -> None:
    everywhere, root_only = frozenset({0, 1}), frozenset({0})
    rows: list[Row] = [(1, 10, everywhere, root_only), (1, 11, everywhere, everywhere)]
    assert _by_kernel(_batches(rows, 1, []), Depths(5, 5)) == [(0, 1, 1, 10), (0, 1, 2, 11), (1, 1, 1, 11)]


def test_an_anchor_that_spans_batches_has_one_list() -> None:
    here = frozenset({0})
    rows: list[Row] = [(1, candidate, here, here) for candidate in range(10, 16)]
    found = _by_kernel(_batches(rows, 1, [1, 2, 3, 4, 5]), Depths(4, 4))
    assert found == [(0, 1, 1, 10), (0, 1, 2, 11), (0, 1, 3, 12), (0, 1, 4, 13)]


def test_the_last_region_of_a_word_is_as_good_as_any() -> None:
    last = frozenset({63})
    assert _by_kernel(_batches([(1, 10, last, last)], 1, []), Depths(5, 5)) == [(63, 1, 1, 10)]


def test_an_empty_batch_is_passed_over() -> None:
    here = frozenset({0})
    batch = _batches([(1, 10, here, here)], 1, [])[0]
    assert _by_kernel([batch.slice(0, 0), batch, batch.slice(0, 0)], Depths(5, 5)) == [(0, 1, 1, 10)]
