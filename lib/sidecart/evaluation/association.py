"""Association measures that lists are compared with, Column to Column, of a pair's four counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F


@dataclass(frozen=True)
class Counts:
    """A pair's counts in one unit: c, n_i, n_j and N; s_i, s_j and S: what meets i, j and all; L of its categories."""

    joint: Column
    anchor: Column
    candidate: Column
    all: Column
    anchor_pairs: Column
    candidate_pairs: Column
    all_pairs: Column
    lift: Column

    @property
    def expected(self) -> Column:
        """What chance makes: n_i n_j / N."""
        return self.anchor * self.candidate / self.all

    @property
    def expected_of_pairs(self) -> Column:
        """What chance makes where pairs, not baskets, are drawn: s_i s_j / S; large baskets make more of them."""
        return self.anchor_pairs.cast("double") * self.candidate_pairs / self.all_pairs


Formula = Callable[[Counts], Column]


def raw_count(of: Counts) -> Column:
    """The count itself."""
    return of.joint.cast("double")


def confidence(of: Counts) -> Column:
    """Share of the anchor's: c / n_i, the same order within a page as the count."""
    return of.joint / of.anchor


def jaccard(of: Counts) -> Column:
    """Both over either: c / (n_i + n_j - c)."""
    return of.joint / (of.anchor + of.candidate - of.joint)


def cosine(of: Counts) -> Column:
    """Cosine of the two columns: c / sqrt(n_i n_j)."""
    return of.joint / F.sqrt(of.anchor.cast("double") * of.candidate)


def lift(of: Counts) -> Column:
    """Observed over expected: c N / (n_i n_j)."""
    return of.joint / of.expected


def npmi(of: Counts) -> Column:
    """ln(lift) / -ln(c / N): from -1 to 1 (Bouma 2009); nothing where everybody has both."""
    return F.try_divide(F.ln(lift(of)), -F.ln(of.joint / of.all))


def llr(of: Counts) -> Column:
    """Dunning's log-likelihood ratio of the 2 x 2 table (1993), where the pair met more often than chance."""
    cells = (of.joint, of.anchor - of.joint, of.candidate - of.joint, of.all - of.anchor - of.candidate + of.joint)
    rows, columns = (of.anchor, of.all - of.anchor), (of.candidate, of.all - of.candidate)
    surprise = _x_log_x(of.all) + sum((_x_log_x(cell) for cell in cells[1:]), _x_log_x(cells[0]))
    for margin in (*rows, *columns):
        surprise = surprise - _x_log_x(margin)
    return F.when(of.joint > of.expected, 2 * surprise)


def poisson_llr(of: Counts) -> Column:
    """Poisson surprise: c ln(c / E) - (c - E), where the pair met more often than chance."""
    return _poisson_surprise(of.joint, of.expected)


def poisson_llr_of_pairs(of: Counts) -> Column:
    """The same with E = s_i s_j / S, so that what is bought in large baskets is expected to meet more."""
    return _poisson_surprise(of.joint, of.expected_of_pairs)


def damped_count(exponent: float, prior: float = 0.0, lift_exponent: float = 0.0) -> Formula:
    """Reduced by popularity: c / (n_j + prior)^exponent * L^lift_exponent."""

    def measure(of: Counts) -> Column:
        return of.joint / F.pow(of.candidate + F.lit(prior), F.lit(exponent)) * F.pow(of.lift, F.lit(lift_exponent))

    return measure


def times_lift(formula: Formula, exponent: float = 0.5) -> Formula:
    """Any measure times L^exponent."""
    return lambda of: formula(of) * F.pow(of.lift, F.lit(exponent))


def _poisson_surprise(joint: Column, expected: Column) -> Column:
    return F.when(joint > expected, joint * F.ln(joint / expected) - (joint - expected))


def _x_log_x(count: Column) -> Column:
    return F.when(count > 0, count * F.ln(count)).otherwise(F.lit(0.0))
