"""The list kernel against a loop over lists: what is stored, and what it resolves to."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecart.list_kernel import Candidates, Cutter, Orders, Tree

Lists = dict[int, list[int]]


@dataclass(frozen=True)
class Chain:
    """Slots of a chain of shops, and one anchor's candidates."""

    parents: list[int]
    depths: list[int]
    pages: set[int]
    """Slots that sell the anchor."""
    sells: list[set[int]]
    """Per candidate the slots that sell it, and with a slot what is above it."""
    orders: dict[int, list[int]]
    """The candidates best first: the whole shop's (of slot 0), and those of slots with one of their own."""
    met: int
    """How many of the candidates the anchor met; the others fill."""

    def order_of(self, slot: int) -> list[int]:
        return self.orders[slot] if slot in self.orders else self.order_of(self.parents[slot])

    def dense(self) -> Lists:
        """The first candidates that a slot sells, of every slot with a page."""
        return {s: [c for c in self.order_of(s) if s in self.sells[c]][: self.depths[s]] for s in sorted(self.pages)}

    def cut(self, above: list[int], slot: int) -> list[int]:
        return [candidate for candidate in above if slot in self.sells[candidate]][: self.depths[slot]]

    def differing(self) -> Lists:
        """The lists that are not their parents', cut to what the slot sells."""
        dense = self.dense()
        return {s: c for s, c in dense.items() if c and (not s or self.cut(dense[self.parents[s]], s) != c)}

    def resolved(self, stored: Lists) -> Lists:
        """Every list, from the stored ones."""
        found: Lists = {}
        for slot in sorted(self.pages):
            above = found[self.parents[slot]] if slot else []
            found[slot] = stored[slot] if slot in stored else self.cut(above, slot)
        return found

    def by_kernel(self, cutter: Cutter) -> Lists:
        words = cutter.tree.words
        met, filling = list(range(self.met)), list(range(self.met, len(self.sells)))
        # A slot's own order has rows of its own for what the anchor met; what fills is the same for all.
        rows, numbered = list(met), []
        for slot in sorted(self.orders):
            number = {c: c if slot == 0 else len(rows) + place for place, c in enumerate(met)}
            rows += [] if slot == 0 else met
            numbered.append([number[c] if c < self.met else -1 - filling.index(c) for c in self.orders[slot]])
        lists = cutter.cut(
            _words([self.pages], words)[0],
            Candidates(
                words=_words(self.sells, words),
                met_rows=np.array(rows, np.int32),
                fill_rows=np.array(filling, np.int32),
            ),
            Orders(
                candidates=np.array([c for order in numbered for c in order], np.int32),
                bounds=np.cumsum([0, *(len(order) for order in numbered)]),
                slots=np.array([slot for slot in sorted(self.orders) if slot], np.int32),
            ),
        )
        found: Lists = {}
        for slot, rank, candidate in lists.T.tolist():
            found.setdefault(slot, []).append(rows[candidate] if candidate >= 0 else filling[-1 - candidate])
            assert rank == len(found[slot])
        return found


def _words(sets: list[set[int]], words: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    bits = np.zeros((len(sets), words * 64), np.uint8)
    for row, slots in enumerate(sets):
        bits[row, sorted(slots)] = 1
    return np.packbits(bits, axis=1, bitorder="little").view(np.int64)


def _tree(chance: random.Random, slots: int, levels: int) -> list[int]:
    """Parents before children, at most so many levels below the root."""
    parents, level = [-1], [0]
    for slot in range(1, slots):
        above = chance.choice([s for s in range(slot) if level[s] < levels])
        parents.append(above)
        level.append(level[above] + 1)
    return parents


def _with_above(slots: set[int], parents: list[int]) -> set[int]:
    found = {0}
    for slot in slots:
        while slot > 0:
            found.add(slot)
            slot = parents[slot]  # noqa: PLW2901
    return found


def _chain(seed: int, slots: int, candidates: int) -> Chain:
    """Trees of one to four levels, regions that sell from 1 % of the range to all of it, and some that sell nothing."""
    chance = random.Random(seed)
    parents = _tree(chance, slots, chance.randint(1, 4))
    share = [chance.choice([0.0, 0.01, 0.1, 0.3, 0.6, 0.9, 1.0]) for _ in range(slots)]
    sells = [_with_above({s for s in range(slots) if chance.random() < share[s]}, parents) for _ in range(candidates)]
    pages = _with_above({s for s in range(slots) if chance.random() < share[s]}, parents)
    met = chance.randint(0, candidates)
    whole = chance.sample(range(met), met)
    filling = chance.sample(range(met, candidates), candidates - met)
    orders = {0: whole + filling}
    for slot in pages - {0}:
        if chance.random() < 0.2:
            orders[slot] = (whole if chance.random() < 0.2 else chance.sample(whole, met)) + filling
    deepest = chance.randint(1, 12)
    return Chain(parents, [chance.randint(1, deepest) for _ in range(slots)], pages, sells, orders, met)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(0, 30))
def test_only_lists_that_differ_are_stored_and_all_lists_resolve_from_them(seed: int, slots: int, of: int) -> None:
    chain = _chain(seed, slots, of)
    stored = chain.by_kernel(Cutter(Tree.of(chain.parents, chain.depths)))
    assert stored == chain.differing()
    assert chain.resolved(stored) == chain.dense()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_so_they_do_of_two_hundred_regions(seed: int) -> None:
    chain = _chain(seed, 200, 40)
    assert chain.by_kernel(Cutter(Tree.of(chain.parents, chain.depths))) == chain.differing()


def test_one_anchor_after_another_is_cut_as_if_it_were_the_first() -> None:
    first, second = (Chain(**(vars(_chain(1, 9, 20)) | {"pages": pages})) for pages in ({0}, {0, *range(1, 9)}))
    cutter = Cutter(Tree.of(first.parents, first.depths))
    assert [chain.by_kernel(cutter) for chain in (second, first, second)] == [
        chain.differing() for chain in (second, first, second)
    ]


def _town(sells: list[set[int]], depths: tuple[int, int] = (4, 2)) -> Lists:
    """Stored lists of a root with one town below, of candidates in the order of their numbers."""
    chain = Chain([-1, 0], list(depths), {0, 1}, sells, {0: list(range(len(sells)))}, met=len(sells))
    return chain.by_kernel(Cutter(Tree.of(chain.parents, chain.depths)))


def test_a_region_that_sells_enough_of_its_parents_list_stores_none() -> None:
    assert _town([{0, 1}, {0}, {0, 1}, {0}, {0, 1}]) == {0: [0, 1, 2, 3]}


def test_a_region_that_its_parents_list_leaves_short_has_one_from_further_down() -> None:
    assert _town([{0}, {0}, {0}, {0, 1}, {0, 1}]) == {0: [0, 1, 2, 3], 1: [3, 4]}


def test_where_the_parents_list_ends_there_is_nothing_further_down() -> None:
    assert _town([{0, 1}, {0}]) == {0: [0, 1]}


def test_the_root_lists_what_is_sold_somewhere_only() -> None:
    assert _town([{0}, set(), {0, 1}]) == {0: [0, 2]}
