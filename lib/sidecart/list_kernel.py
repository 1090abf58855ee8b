"""The list kernel: of one anchor's candidates in order, the lists of regions that differ from their parents'.

A region has a slot: 0 is the root, parents come before children. The slots that sell a variant are bits of words.
A region's list is the first ones that it sells, to its depth; that of its parent, cut to what the region sells, is the
same one as long as enough is left or the parent's holds all there is. So most regions are a walk along a list of their
parent, and only those that come too short (or have an order of their own) walk along the candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sidecart.bitsets import WORD
from sidecart.compiled import Ints, compiled, inlined


@dataclass(frozen=True)
class Tree:
    """The slots: their parents (-1 above the root) and how many candidates their lists keep."""

    parents: Ints
    depths: Ints

    @classmethod
    def of(cls, parents: Sequence[int], depths: Sequence[int]) -> Tree:
        """The tree of so many slots."""
        return cls(np.array(parents, np.int32), np.array(depths, np.int32))

    @property
    def words(self) -> int:
        """Words of a bitset of slots."""
        return -(-len(self.parents) // WORD)


_Among = tuple[Ints, Ints, Ints]
"""Of Candidates: words, met_rows and fill_rows, as loops take them."""


class Cutter:
    """Cuts the lists of one anchor after another, in rooms that are made once."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        has_children = np.zeros(len(tree.parents), np.bool_)
        has_children[tree.parents[tree.parents >= 0]] = True
        self._held_at = np.where(has_children, np.cumsum(has_children) - 1, -1).astype(np.int32)
        deepest = int(tree.depths.max())
        self._held = np.empty((max(1, int(has_children.sum())), deepest), np.int32)
        # Per slot: how many it holds, whether that is all it sells, and which order it goes by.
        self._state = np.zeros((3, len(tree.parents)), np.int32)
        self._chosen = np.empty((2, deepest + 1), np.int32)
        self._lists = np.empty((3, int(tree.depths.sum())), np.int32)

    def cut(self, anchor: Ints, candidates: Candidates, orders: Orders) -> Ints:
        """Lists that are to be stored, as three rows: slot, rank from 1, candidate. Valid until the next call.

        `anchor`: the bitset of slots that have a page of it.
        """
        count = _cut(
            anchor,
            (candidates.words, candidates.met_rows, candidates.fill_rows),
            orders.candidates,
            orders.bounds,
            orders.slots,
            self.tree.parents,
            self.tree.depths,
            self._held_at,
            self._held,
            self._state,
            self._chosen,
            self._lists,
        )
        return self._lists[:, :count]


@dataclass(frozen=True)
class Candidates:
    """What an anchor met, numbered from 0, and what may fill its lists, numbered from -1 down."""

    words: Ints
    """Who sells a variant: a bitset per row."""
    met_rows: Ints
    """The row of each; orders of regions have numbers of their own for the same row."""
    fill_rows: Ints


@dataclass(frozen=True)
class Orders:
    """Orders of candidates, one after another, best first: the whole shop's, then those of some slots."""

    candidates: Ints
    bounds: Ints
    slots: Ints
    """Whose orders the second and later ones are, ascending; what lies below a slot goes by its order too."""


def warm() -> None:
    """Compile the loop: once per process."""
    word, none, one = np.ones((1, 1), np.int64), np.zeros(0, np.int32), np.zeros(1, np.int32)
    among = Candidates(words=word, met_rows=one, fill_rows=none)
    Cutter(Tree.of([-1], [1])).cut(word[0], among, Orders(one, np.array([0, 1], np.int64), none))


@compiled
def _cut(  # noqa: PLR0917
    anchor: Ints,
    among: _Among,
    orders: Ints,
    bounds: Ints,
    slots: Ints,
    parents: Ints,
    depths: Ints,
    held_at: Ints,
    held: Ints,
    state: Ints,
    chosen: Ints,
    lists: Ints,
) -> int:
    """Fill `lists`; how many of its columns.

    `held`: the lists of slots with children, at `held_at`; `chosen`: a parent's list cut to a slot, and the slot's own.
    """
    sizes, is_whole, order_of = state[0], state[1], state[2]
    filled, next_order = 0, 0
    for slot in range(len(parents)):
        if not _has(anchor, slot):
            continue
        parent, depth = parents[slot], depths[slot]
        is_own = next_order < len(slots) and slots[next_order] == slot
        if is_own:
            next_order += 1
        order_of[slot] = next_order if is_own else (order_of[parent] if parent >= 0 else 0)
        cut, side = 0, 0
        if parent >= 0:
            cut = _from_parent(held[held_at[parent], : sizes[parent]], among, slot, depth, chosen[0])
        if parent >= 0 and not is_own and (cut >= depth or is_whole[parent]):
            is_whole[slot] = is_whole[parent] and cut <= depth
            sizes[slot] = min(cut, depth)
        else:
            order = orders[bounds[order_of[slot]] : bounds[order_of[slot] + 1]]
            sizes[slot], is_whole[slot] = _from_order(order, among, slot, depth, chosen[1])
            side = 1
            if parent < 0 or _differ(chosen, min(cut, depth), sizes[slot], among[1]):
                filled = _tell(chosen[1, : sizes[slot]], slot, lists, filled)
        if held_at[slot] >= 0:
            held[held_at[slot], : sizes[slot]] = chosen[side, : sizes[slot]]
    return filled


@inlined
def _has(words: Ints, slot: int) -> Any:
    return (words[slot >> 6] >> (slot & 63)) & 1 != 0


@inlined
def _sells(among: _Among, candidate: int, slot: int) -> Any:
    words, met_rows, fill_rows = among
    word, bit = slot >> 6, slot & 63
    # Two looks at the words, not one at a row chosen before: that takes five times as long (references are counted).
    if candidate >= 0:
        return (words[met_rows[candidate], word] >> bit) & 1 != 0
    return (words[fill_rows[-1 - candidate], word] >> bit) & 1 != 0


@compiled
def _from_parent(held: Ints, among: _Among, slot: int, depth: int, chosen: Ints) -> int:
    """Of a parent's list what the slot sells, to one beyond its depth; how many."""
    cut = 0
    for candidate in held:
        if _sells(among, candidate, slot):
            chosen[cut] = candidate
            cut += 1
            if cut > depth:
                break
    return cut


@compiled
def _from_order(order: Ints, among: _Among, slot: int, depth: int, chosen: Ints) -> tuple[int, bool]:
    """The first that the slot sells; how many, and whether it sells no more."""
    own = 0
    for candidate in order:
        if _sells(among, candidate, slot):
            if own == depth:
                return own, False
            chosen[own] = candidate
            own += 1
    return own, True


@compiled
def _differ(chosen: Ints, cut: int, own: int, met_rows: Ints) -> bool:
    """Whether a parent's list, cut, and a slot's own are different candidates or in another order."""
    if cut != own:
        return True
    for at in range(own):
        ours, theirs = chosen[0, at], chosen[1, at]
        if ours != theirs and (ours < 0 or theirs < 0 or met_rows[ours] != met_rows[theirs]):
            return True
    return False


@compiled
def _tell(own: Ints, slot: int, lists: Ints, filled: int) -> int:
    """Add a list; how many columns are filled then."""
    for at in range(len(own)):
        lists[0, filled] = slot
        lists[1, filled] = at + 1
        lists[2, filled] = own[at]
        filled += 1
    return filled
