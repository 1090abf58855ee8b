"""Chance counted over groups of variants against all pairs one by one; thresholds from tables small enough to check."""

from __future__ import annotations

import math
import random
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecart.evidence_kernel import BINS, Demands, chance_bins, class_thresholds, steps, tail

DEMANDS = Demands(strong=0.1, likely=0.5, least_support=1)
WEIGHTS = [0.0, 1 / 400, 1 / 100]


def _groups(*rows: tuple[str | None, int, int, list[int]]) -> pa.Table:
    names = ("category_id", "variant_group", "variants", "stratum_baskets")
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) | {"stratum_chance": WEIGHTS} for row in rows])


def _classes(*rows: tuple[str | None, str | None, str]) -> pa.Table:
    schema = pa.schema([(name, pa.string()) for name in ("category_a", "category_b", "lift_class")])
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema=schema)


def _seen(*rows: tuple[int, int, int]) -> pa.Table:
    names = ("expected_cell", "support", "pairs")
    return pa.Table.from_pylist([{"lift_class": "1 to 1.3"} | dict(zip(names, row, strict=True)) for row in rows])


def _bins(*rows: tuple[int, float, float]) -> pa.Table:
    names = ("expected_cell", "expected_baskets", "pairs")
    named = [{"lift_class": "1 to 1.3"} | dict(zip(names, row, strict=True)) for row in rows]
    return pa.Table.from_pylist(named, schema=BINS)


def _thresholds(seen: pa.Table, bins: pa.Table, demands: Demands = DEMANDS) -> list[tuple[int | None, int | None]]:
    rows = class_thresholds(seen, bins, demands).to_pylist()
    return [(row["strong_support"], row["likely_support"]) for row in rows]


@pytest.mark.parametrize("expected", [0.001, 0.4, 3.0, 30.0])
def test_a_tail_is_never_below_poissons_and_an_eighth_above_it_at_most_where_it_matters(expected: float) -> None:
    supports = np.arange(1, 60)
    for support, found in zip(supports.tolist(), tail(supports, np.array([expected]))[:, 0], strict=True):
        below = math.fsum(math.exp(k * math.log(expected) - expected - math.lgamma(k + 1)) for k in range(support))
        assert found >= (1 - below) * (1 - 1e-9) - 1e-12
        if 1e-6 < 1 - below < 0.05:
            assert found <= (1 - below) * 1.125


def test_the_scale_of_cells_is_logarithmic_below_one_and_in_standard_deviations_above() -> None:
    assert steps(np.array([1.0, 4.0, 100.0])).tolist() == [0.0, 2.0, 18.0]
    assert steps(np.array([math.exp(-3)])).tolist() == [-3.0]


def test_two_rare_milks_and_a_bread_make_three_pairs_of_two_classes() -> None:
    """Milk with milk 2*2/100, milk with bread 2*10/100 + 0*40/400."""
    groups = _groups(("milk", 1, 2, [9, 0, 4]), ("bread", 2, 1, [0, 40, 10]))
    classes = _classes(("milk", "milk", "own"), ("bread", "bread", "own"), (None, None, "1 to 1.3"))
    found = chance_bins(groups, classes).to_pylist()
    assert [(row["lift_class"], row["expected_baskets"], row["pairs"]) for row in found] == [
        ("1 to 1.3", pytest.approx(0.2), 2.0),
        ("own", pytest.approx(0.04), 1.0),
    ]


def test_variants_of_no_category_are_not_of_one_category() -> None:
    found = chance_bins(_groups((None, 1, 2, [0, 0, 4])), _classes((None, None, "1 to 1.3"))).to_pylist()
    assert [(row["lift_class"], row["pairs"]) for row in found] == [("1 to 1.3", 1.0)]


def test_groups_of_a_shop_bring_as_many_chance_pairs_as_its_pairs_one_by_one() -> None:
    """300 variants, 45,000 pairs; groups are those of variants with equal baskets, so nothing is lost."""
    chance = random.Random(7)
    shop = [(chance.choice("abc"), [0, chance.randrange(6), chance.randrange(4)]) for _ in range(300)]
    held: dict[tuple[str, int], int] = {}
    for category, (_, two, three) in shop:
        held[category, two * 4 + three] = held.get((category, two * 4 + three), 0) + 1
    groups = _groups(*((c, g, n, [0, n * (g // 4), n * (g % 4)]) for (c, g), n in held.items()))
    bins = chance_bins(groups, _classes(("a", "b", "2"), ("b", "a", "2"), (None, None, "1"))).to_pylist()
    for support, is_of in ((1, "2"), (2, "1"), (3, "1")):
        expected = [
            sum(x * y * w for x, y, w in zip(one, other, WEIGHTS, strict=True))
            for (a, one), (b, other) in combinations(shop, 2)
            if ({a, b} == {"a", "b"}) == (is_of == "2")
        ]
        one_by_one = tail(np.array([support]), np.array([e for e in expected if e > 0])).sum()
        of_class = [row for row in bins if row["lift_class"] == is_of]
        grouped = sum(
            row["pairs"] * tail(np.array([support]), np.array([row["expected_baskets"]]))[0, 0] for row in of_class
        )
        assert sum(row["pairs"] for row in of_class) == sum(e > 0 for e in expected)
        assert grouped == pytest.approx(one_by_one, rel=0.01)


def test_a_threshold_is_the_least_support_where_chance_is_a_small_share_of_what_was_seen() -> None:
    """A million pairs at 0.001: chance brings 1,000 to one basket and half a one to two; 1,500, 60 and 20 were seen.

    At one 1,000 of 1,500 is too much; at two 0.5 + 3 sqrt(0.5) + 3 = 5.6 is at most a tenth of 60.
    """
    seen = _seen((-14, 1, 1440), (-14, 2, 40), (-14, 3, 20))
    rows = class_thresholds(seen, _bins((-14, 0.001, 1e6)), DEMANDS).to_pylist()
    assert rows == [
        {
            "lift_class": "1 to 1.3",
            "expected_cell": -14,
            "seen_pairs": 1500,
            "strong_support": 2,
            "strong_seen_pairs": 60,
            "strong_chance_pairs": pytest.approx(0.5, rel=0.01),
            "likely_support": 2,
            "likely_seen_pairs": 60,
            "likely_chance_pairs": pytest.approx(0.5, rel=0.01),
        }
    ]


def test_what_was_seen_as_often_as_chance_says_has_no_threshold() -> None:
    assert _thresholds(_seen((-14, 1, 1000), (-14, 2, 1)), _bins((-14, 0.001, 1e6))) == [(None, None)]


def test_a_handful_of_pairs_is_no_proof_that_chance_was_beaten() -> None:
    """Chance brings hardly one pair; of one pair seen no share of chance can be told."""
    assert _thresholds(_seen((-14, 3, 1)), _bins((-14, 0.001, 1e4))) == [(None, None)]


def test_no_pair_passes_below_the_least_support_of_the_shop() -> None:
    seen, bins = _seen((-14, 1, 50_000), (-14, 2, 40_000)), _bins((-14, 0.001, 1e6))
    assert _thresholds(seen, bins) == [(1, 1)]
    assert _thresholds(seen, bins, Demands(0.1, 0.5, 2)) == [(2, 2)]


def test_a_pair_that_chance_brings_together_more_often_is_never_asked_less() -> None:
    """The first cell asks three; the second could do with two, and is asked three as well."""
    seen = _seen((-14, 2, 30), (-14, 3, 60), (-13, 2, 1000), (-13, 3, 100))
    bins = _bins((-14, 0.004, 1e7), (-13, 0.005, 1e5))
    assert _thresholds(seen, bins) == [(3, 3), (3, 3)]


@given(
    st.lists(st.tuples(st.integers(-20, 5), st.integers(1, 9), st.integers(1, 5000)), min_size=1, max_size=40),
    st.lists(st.floats(1, 1e8), min_size=26, max_size=26),
)
def test_thresholds_never_fall_and_strong_asks_at_least_what_likely_asks(
    seen: list[tuple[int, int, int]], pairs: list[float]
) -> None:
    expected = [math.exp(cell + 0.5) if cell < 0 else (cell / 2 + 1.2) ** 2 for cell in range(-20, 6)]
    bins = _bins(*zip(range(-20, 6), expected, pairs, strict=True))
    found = _thresholds(_seen(*seen), bins)
    for asked in zip(*found, strict=True):
        told = [support for support in asked if support is not None]
        assert told == sorted(told)
    assert all(likely is not None and likely <= strong for strong, likely in found if strong is not None)
    assert found == _thresholds(_seen(*reversed(seen)), bins)
