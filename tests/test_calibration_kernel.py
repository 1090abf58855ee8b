"""The calibration kernel on a shop where the arithmetic can be done by hand."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from sidecart.calibration_kernel import (
    CONTENDERS,
    Contenders,
    Likeness,
    Wish,
    bestseller_share,
    calibrated,
    contenders,
    exposure,
)

ANCHORS = 200
BANANA = 999


def _table() -> pa.Table:
    """200 anchors with ten goods of their own, and bananas whom each has met a little more often than the last.

    Bananas are ln(popularity) = 6, everything else is 2: anchor k shows bananas while k/100 - 6a > -2a.
    """
    rows = []
    for anchor in range(ANCHORS):
        own = [(anchor, 1_000 + anchor * 10 + place, 0.0, 2.0, False) for place in range(10)]
        rows += [*own, (anchor, BANANA, anchor / 100, 6.0, True)]
    names = ("anchor", "candidate", "base", "ln_popularity", "is_bestseller")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    columns |= {"kind": columns["candidate"], "brand_kind": columns["candidate"]}
    columns |= {"anchor_baskets": [1] * len(rows), "all_baskets": [ANCHORS] * len(rows)}
    return pa.table(columns, schema=CONTENDERS)


@pytest.mark.parametrize("wished", [0.2, 0.48, 0.73])
def test_the_exponent_keeps_the_best_seller_within_the_wished_share(wished: float) -> None:
    """Of 200 lists the k-th holds bananas while k/100 > 4a, so a share s asks a = (1 - s)/2."""
    found = calibrated(Contenders.of(_table()), Wish(wished, 1.0, 0, 0.0))
    assert found.exponent == pytest.approx((1 - wished) / 2, abs=0.003)
    assert found.bestseller_share == pytest.approx(wished, abs=0.01)


def test_lists_count_as_often_as_their_anchors_are_bought_over_all_live_anchors() -> None:
    table = _table()
    weights = pa.array([10 if anchor == 199 else 1 for anchor in table["anchor"].to_pylist()], pa.int32())
    heavier = table.set_column(table.column_names.index("anchor_baskets"), "anchor_baskets", weights)
    share = bestseller_share(Contenders.of(heavier), 0.4975, np.zeros(ANCHORS * 10 + 1))
    assert share == pytest.approx(10 / ANCHORS)


def test_damping_presses_down_what_stands_in_too_many_lists_and_spares_the_rest() -> None:
    found = Contenders.of(_table())
    banana = found.candidates == BANANA
    free = calibrated(found, Wish(0.4, 0.02, 0, 0.5))
    damped = calibrated(found, Wish(0.4, 0.02, 3, 0.1))
    assert damped.exponent < free.exponent
    assert damped.ln_factor[banana][0] == pytest.approx(0.3 * math.log(0.02 / 0.4), abs=0.02)
    assert not damped.ln_factor[~banana].any()
    assert exposure(found, damped.exponent, damped.ln_factor)[banana][0] == pytest.approx(0.4, abs=0.01)


def test_one_round_multiplies_by_the_limit_over_the_share() -> None:
    found = Contenders.of(_table())
    once = calibrated(found, Wish(0.4, 0.02, 1, 0.5))
    share = exposure(found, calibrated(found, Wish(0.4, 0.02, 0, 0.5)).exponent, np.zeros(len(found.candidates)))
    expected = 0.5 * math.log(0.02 / share[found.candidates == BANANA][0])
    assert once.ln_factor[found.candidates == BANANA][0] == pytest.approx(expected)


def test_contenders_lose_nothing_that_could_be_shown_and_most_of_the_rest() -> None:
    rng = np.random.default_rng(5)
    rows = 4_000
    table = pa.table(
        {
            "anchor": rng.integers(0, 4, rows), "candidate": np.arange(rows), "base": rng.normal(size=rows),
            "ln_popularity": rng.uniform(2, 8, rows), "is_bestseller": np.zeros(rows, bool),
            "kind": np.arange(rows), "brand_kind": np.arange(rows),
            "anchor_baskets": np.ones(rows, int), "all_baskets": np.full(rows, 4),
        }
    ).cast(CONTENDERS)  # fmt: skip
    kept = pa.Table.from_batches(list(contenders(iter(table.to_batches(500)))))
    assert kept.num_rows < rows / 4
    whole, part = Contenders.of(table), Contenders.of(kept)
    for exponent in (0.05, 0.4, 1.0):
        shown = {int(c) for c in whole.candidates[exposure(whole, exponent, np.zeros(rows)) > 0]}
        assert shown == {int(c) for c in part.candidates[exposure(part, exponent, np.zeros(kept.num_rows)) > 0]}


def test_lists_are_looked_at_after_diversity_moved_repeats_down() -> None:
    """Ten goods of one kind at 0, -.01, … lose up to .7; the banana, alone of its kind, stands at -.15."""
    rows = [(0, 1_000 + place, -place / 100, 0.0, False, 1, 1_000 + place, 1, 1) for place in range(10)]
    rows += [(0, BANANA, -0.15, 0.0, True, BANANA, BANANA, 1, 1)]
    table = pa.table(dict(zip(CONTENDERS.names, map(list, zip(*rows, strict=True)), strict=True)), schema=CONTENDERS)
    undamped = np.zeros(11)
    assert bestseller_share(Contenders.of(table), 0.5, undamped) == 0
    assert bestseller_share(Contenders.of(table, Likeness(of_kind=-0.005, most=-0.7)), 0.5, undamped) == 0
    assert bestseller_share(Contenders.of(table, Likeness(of_kind=-0.16, most=-0.7)), 0.5, undamped) == 1
    assert bestseller_share(Contenders.of(table, Likeness(of_kind=-0.16, most=-0.01)), 0.5, undamped) == 0
