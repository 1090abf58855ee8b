"""The formulae, Column to Column (design of scoring: counts in, ratios out)."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

STRATA = (1, 2, 3, 4, 6, 9, 13, 19, 28, 41)
"""Smallest basket size of each stratum."""
LEAST_SURPRISE = 1e-6
"""Stands for the surprise of a pair that chance makes as often."""


def stratum(size: Column) -> Column:
    """The stratum of a basket size: the largest lower bound that the size reaches."""
    return F.greatest(*(F.when(size >= bound, F.lit(bound)) for bound in STRATA))


def expected_joint(a_baskets: Column, b_baskets: Column, baskets: Column, mean_size: Column) -> Column:
    """Joint baskets that chance makes in one stratum: n_a n_b / N (1 - 1/k).

    The last factor is there because a basket of k variants has no pair of a variant with itself.
    """
    return a_baskets * b_baskets / baskets * (1 - 1 / mean_size)


def shrunk_lift(joint: Column, expected: Column, parent: Column, prior: float) -> Column:
    """(O + prior L') / (E + prior): lift, pulled to its parent's where little is expected."""
    return (joint + F.lit(prior) * parent) / (expected + F.lit(prior))


def shrunk_to_parent(joint: Column, expected: Column, parent: Column, prior: float) -> Column:
    """(O + prior parent) / (E + prior): lift, pulled to its parent's where little is expected."""
    return (joint + F.lit(prior) * parent) / (expected + F.lit(prior))


def backed_off(support: Column, group_support: Column, part: Column, prior: float) -> Column:
    """C_G (c + k min(1, part)) / (C_G + k): a pair's support, pulled to its part of its groups' by k pseudo-pairs."""
    lent = F.lit(prior) * F.least(F.lit(1.0), part)
    return group_support * (support + lent) / (group_support + F.lit(prior))


def required_support(lift: Column, constant: float, power: float) -> Column:
    """ceil(max(1, constant / lift) ^ power): the less compatible, the more evidence is asked."""
    asked = F.ceil(F.pow(F.greatest(F.lit(1.0), F.lit(constant) / lift), F.lit(power)))
    return F.least(asked, F.lit(2**31 - 1)).cast("int")


def damped_count(confidence: Column, candidate_support: Column, *, prior: float, exponent: float) -> Column:
    """Ln of c/n_i / (n_j + prior)^a: the share of the anchor's buyers, less the more popular the candidate is."""
    return F.ln(confidence) - F.lit(exponent) * F.ln(candidate_support + F.lit(prior))


def poisson_llr(confidence: Column, anchor_support: Column, candidate_support: Column, shop_support: Column) -> Column:
    """Ln of c ln(c/E) - (c - E), E = n_i n_j / N: how surprising c is where chance makes E; least where c <= E."""
    joint = confidence * anchor_support
    expected = anchor_support * candidate_support / shop_support
    surprise = joint * F.ln(joint / expected) - (joint - expected)
    return F.ln(F.when(joint > expected, F.greatest(surprise, F.lit(LEAST_SURPRISE))).otherwise(LEAST_SURPRISE))


def score_key(unweighted: Column, lift: Column, factor: Column, *, lift_exponent: float) -> Column:
    """round(1e6 ln s) with s = measure * L^g * f, as BIGINT: what lists are ranked by."""
    return F.round((unweighted + F.lit(lift_exponent) * F.ln(lift) + F.ln(factor)) * 1e6).cast("bigint")
