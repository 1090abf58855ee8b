"""The regional kernel: an anchor's candidates in the order that the evidence of a region gives them.

Confidence is (c_r + k p_parent) / (n_r + k) down the tree from the root's c/n (posterior); gate, lift and
popularity stay the whole shop's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from sidecart.bitsets import holds
from sidecart.compiled import Ints


@dataclass(frozen=True)
class Weighing:
    """What a region's counts are weighed and scored with: settings and parameters of scoring, as numbers."""

    support_unit: str
    measure: str
    exponent: float
    popularity_prior: float
    lift_exponent: float
    shop_support: int
    prior_support: float
    least_surprise: float


@dataclass(frozen=True)
class Scored:
    """What orders bring, as the whole shop scored it: a number each per candidate."""

    candidates: Ints
    confidence: Ints
    anchor_support: Ints
    candidate_support: Ints
    category_lift: Ints
    exposure_factor: Ints
    support: Ints
    candidate_id_order: Ints
    sold: Ints
    """The bitset of slots that may sell each."""


@dataclass(frozen=True)
class Counted:
    """A region's own counts of an anchor: who had it there, and what they had with it."""

    slot: int
    anchor_support: int
    candidates: Ints
    support: Ints


@dataclass(frozen=True)
class OwnOrder:
    """What a slot sells, best first by its own evidence: rows of what was scored."""

    slot: int
    anchor_support: int
    rows: Ints
    keys: Ints
    confidence: Ints
    support: Ints


def own_orders(
    scored: Scored, counted: Iterable[Counted], parents: Ints, page: Ints, weighing: Weighing
) -> list[OwnOrder]:
    """The orders of slots with counts of their own, ascending by slot as `counted` is.

    `page`: the bitset of slots that sell the anchor. A slot that sells neither it nor a candidate has no order.
    """
    by_candidate = np.argsort(scored.candidates)
    known: dict[int, Ints] = {}
    orders = []
    for region in counted:
        above = parents[region.slot]
        while above >= 0 and above not in known:
            above = parents[above]
        support = _support(scored.candidates, by_candidate, region)
        parent = known.get(above, scored.confidence)
        known[region.slot] = posterior(support, region.anchor_support, parent, weighing.prior_support)
        rows = np.flatnonzero(holds(scored.sold, region.slot) & holds(page, region.slot))
        if len(rows):
            keys = _keys(scored, known[region.slot], weighing)
            best = rows[np.lexsort((scored.candidate_id_order[rows], -scored.support[rows], -keys[rows]))]
            confidence = known[region.slot][best]
            orders.append(OwnOrder(region.slot, region.anchor_support, best, keys[best], confidence, support[best]))
    return orders


def posterior(support: Ints, anchor_support: int, parent: Ints, prior: float) -> Ints:
    """(c + k p) / (n + k): a region's confidence, pulled to its parent's p by k pseudo-buyers."""
    pulled: Ints = (support + prior * parent) / (anchor_support + prior)
    return pulled


def _support(candidates: Ints, by_candidate: Ints, region: Counted) -> Ints:
    """How many of the region had each candidate with the anchor."""
    support = np.zeros(len(candidates), np.int64)
    place = np.searchsorted(candidates, region.candidates, sorter=by_candidate)
    inside = place < len(candidates)
    at = by_candidate[place[inside]]
    is_same = candidates[at] == region.candidates[inside]
    support[at[is_same]] = region.support[inside][is_same]
    return support


def _keys(scored: Scored, confidence: Ints, weighing: Weighing) -> Ints:
    """Score keys, as measures.score_key makes them of measures.damped_count or measures.poisson_llr."""
    if weighing.measure == "poisson_llr":
        joint = confidence * scored.anchor_support
        expected = scored.anchor_support * scored.candidate_support / weighing.shop_support
        surprise = joint * np.log(joint / expected) - (joint - expected)
        unweighted = np.log(
            np.where(joint > expected, np.maximum(surprise, weighing.least_surprise), weighing.least_surprise)
        )
    else:
        popularity = np.log(scored.candidate_support + weighing.popularity_prior)
        unweighted = np.log(confidence) - weighing.exponent * popularity
    weights = weighing.lift_exponent * np.log(scored.category_lift) + np.log(scored.exposure_factor)
    keys: Ints = np.floor((unweighted + weights) * 1e6 + 0.5).astype(np.int64)
    return keys
