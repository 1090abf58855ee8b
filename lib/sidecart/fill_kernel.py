"""The filling kernel: in which order the candidates that fit an anchor's category stand behind those it has.

They are drawn, not ranked alone, so that the lists of one category differ: Gumbel noise on a logarithm draws without
replacement in proportion to the fit. The noise is of anchor and candidate alone, so a region that sells a part of the
candidates draws that part in the same order (Luce's axiom), and its fills are its parent's, cut to what it sells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sidecart.draws import chance
from sidecart.sorted_rows import run_starts

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Column = npt.NDArray[np.generic]

NONE = -1
"""A brand or category that matches none."""
_COMPARED = ("step", "candidate", "fit", "plain_fit", "group", "own", "brand", "draw", "id_order")
_REPEAT = 1.0
"""What each better variant of its group takes off a candidate's fit: a list shows a group once."""
_NEAR = 600
"""Candidates, first steps first, among which the anchor's brand comes first; of a brand of thousands misfits would."""
_KEY_BITS, _ID_BITS = 27, 31
_KEY_BOUND = 1 << (_KEY_BITS - 1)
"""Of a fit in millionths of its logarithm: 67 either way, where no fit and no noise reaches."""


@dataclass(frozen=True)
class Filled:
    """Whose lists are filled: its own group and excluded category, its brand, and what its fills are drawn by."""

    group: int
    own: int
    brand: int
    brand_mode: str
    draw: int
    is_sold: bool
    keys: tuple[str, ...]
    """Per step, the key of the pool that serves it."""


@dataclass(frozen=True)
class Tiers:
    """Where fills of the first step stand: best fits of the anchor's brand, and others; later steps stand behind."""

    same_brand: int
    other_brand: int
    behind: int
    """Where the rest of its brand stands: behind all steps."""


@dataclass(frozen=True)
class Drawing:
    """How candidates are drawn."""

    tiers: Tiers
    sharpness: float
    """The power of a fit."""
    by_popularity: int
    """The first step of those whose candidates stand by popularity."""


@dataclass(frozen=True)
class Fills:
    """Candidates of one anchor in their order: rows on the shelf, tiers and keys (round(1e6 ln), larger first)."""

    rows: Ints
    tiers: Ints
    keys: Ints


class Shelf:
    """The pools of one category: a row per step, key and candidate that fits.

    Columns: step, key, candidate, fit (ln of O/n L), plain_fit (ln of O/sqrt(n) L), group, own, brand, draw, id_order,
    fill_support and category_lift.
    """

    def __init__(self, table: pa.Table, drawing: Drawing) -> None:
        self.candidates = table.column("candidate").to_numpy()
        self.fill_support = table.column("fill_support").to_numpy()
        self.category_lift = table.column("category_lift").to_numpy()
        self._column: dict[str, Column] = {name: table.column(name).to_numpy() for name in _COMPARED}
        self._drawing = drawing
        self._rows_at = _rows_at(self._column["step"].astype(np.int64), table.column("key").combine_chunks())
        self._goods: dict[tuple[str, ...], _Goods] = {}

    def fills(self, anchor: Filled, taken: Ints) -> Fills:
        """What may fill the anchor's lists, best first; `taken`: candidates (ascending) that stand in them already."""
        goods = self._of_keys(anchor.keys)
        column = goods.column
        is_same = (column["brand"] == anchor.brand) & (anchor.brand != NONE) & (anchor.brand_mode != "off")
        allowed = (column["group"] != anchor.group) & ((column["own"] != anchor.own) | (anchor.own == NONE))
        is_near = column["near_fit" if anchor.is_sold else "near_plain_fit"].astype(np.bool_)
        if anchor.brand_mode == "only":
            allowed &= is_same
            is_near = np.ones_like(is_near)
        if len(taken):
            place = np.minimum(np.searchsorted(taken, column["candidate"]), len(taken) - 1)
            allowed &= taken[place] != column["candidate"]
        tiers_of = self._drawing.tiers
        first = np.where(is_same, tiers_of.same_brand, tiers_of.other_brand)
        tiers = np.where(is_same & ~is_near, tiers_of.behind, first + column["step"])[allowed]
        keys = self._keys(anchor, column)[allowed]
        order = np.argsort(_order(tiers, keys, column["id_order"][allowed]))
        return Fills(goods.rows[allowed][order], tiers[order], keys[order])

    def _of_keys(self, keys: tuple[str, ...]) -> _Goods:
        if keys not in self._goods:
            pooled = [self._rows_at[at] for at in enumerate(keys) if at in self._rows_at]
            rows = np.concatenate(pooled) if pooled else np.zeros(0, np.int64)
            # Of a candidate in pools of several steps, the first.
            _, first = np.unique(self.candidates[rows], return_index=True)
            rows = rows[first]
            column = {name: values[rows] for name, values in self._column.items()}
            for fit in ("fit", "plain_fit"):
                column[f"near_{fit}"] = self._is_near(column, fit)
                column[fit] = column[fit].astype(np.float64) * self._drawing.sharpness - _REPEAT * _places(
                    column["group"].astype(np.int64), column[fit], column["id_order"]
                )
            self._goods[keys] = _Goods(rows, column)
        return self._goods[keys]

    def _is_near(self, column: dict[str, Column], fit: str) -> Flags:
        """Whether candidates are among the first by step and fit; one that stands by popularity is not."""
        step = column["step"].astype(np.int64)
        order = np.lexsort((column["id_order"], -column[fit].astype(np.float64), step))
        is_near = np.zeros(len(step), np.bool_)
        is_near[order[:_NEAR]] = True
        return np.asarray(is_near & (step < self._drawing.by_popularity))

    @staticmethod
    def _keys(anchor: Filled, column: dict[str, Column]) -> Ints:
        """The fit, with noise by the draws of anchor and candidate; an anchor never sold has the plain one."""
        fit = column["plain_fit"].astype(np.float64)
        if anchor.is_sold:
            noise = np.log(-np.log(chance(anchor.draw, column["draw"].astype(np.int64))))
            fit = column["fit"].astype(np.float64) - noise
        return np.clip(np.rint(fit * 1e6).astype(np.int64), 1 - _KEY_BOUND, _KEY_BOUND - 1)


@dataclass(frozen=True)
class _Goods:
    """Candidates for anchors of the same keys, each once: their rows on the shelf, and columns by name."""

    rows: Ints
    column: dict[str, Column]


def _rows_at(step: Ints, key: pa.Array) -> dict[tuple[int, str], Ints]:
    """The rows of each step and key."""
    keys = key.dictionary_encode()
    names = keys.dictionary.to_pylist()
    place = step * len(names) + keys.indices.to_numpy()
    by_key = np.argsort(place, kind="stable")
    found, starts = np.unique(place[by_key], return_index=True)
    parts = np.split(by_key, starts[1:])
    return {(int(at) // len(names), names[int(at) % len(names)]): rows for at, rows in zip(found, parts, strict=True)}


def _places(kind: Ints, fit: Column, id_order: Column) -> Ints:
    """How many of its kind fit better, of each candidate."""
    order = np.lexsort((id_order, -fit.astype(np.float64), kind))
    starts = run_starts(kind[order])
    place = np.empty(len(kind), np.int64)
    place[order] = np.arange(len(kind)) - np.repeat(starts, np.diff(np.append(starts, len(kind))))
    return place


def _order(tiers: Ints, keys: Ints, id_order: Column) -> Ints:
    """Tier, key (largest first) and id in one integer: no two are alike."""
    return np.asarray((((tiers << _KEY_BITS) + _KEY_BOUND - keys) << _ID_BITS) + id_order.astype(np.int64))
