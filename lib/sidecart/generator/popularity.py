"""How often things are bought: basket sizes, the long tail of variants, the weights of regions and buyers."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEW = 4.5
"""Expected baskets of the variant at the edge of the tail: half of those there are in fewer than five."""

_SIZE_STEPS = 4096


def normal_quantiles(count: int) -> Floats:
    """Standard normal quantiles at the middles of `count` equal steps."""
    normal = NormalDist()
    return np.array([normal.inv_cdf((step + 0.5) / count) for step in range(count)])


def basket_sizes(mean: float, p99: float) -> Floats:
    """A log-normal's quantiles with that mean and 99th percentile: to draw a size is to draw a row."""
    z99 = NormalDist().inv_cdf(0.99)
    spread = z99 - math.sqrt(max(z99 * z99 - 2 * math.log(p99 / mean), 0.0))
    return np.asarray(np.exp(math.log(mean) - spread * spread / 2 + spread * normal_quantiles(_SIZE_STEPS)))


def tail_weights(count: int, total: float, tail_share: float, cap: float) -> Floats:
    """Expected sales of `count` variants, ascending: they sum to `total`, none exceeds `cap`, and `tail_share` of
    them expect fewer than five. Where the total is too small for that, the tail is longer.
    """
    z = normal_quantiles(count) - NormalDist().inv_cdf(tail_share)
    low, high = 0.0, 12.0
    for _ in range(60):
        middle = (low + high) / 2
        if float(np.minimum(cap, FEW * np.exp(middle * z)).sum()) < total:
            low = middle
        else:
            high = middle
    return np.asarray(np.minimum(cap, FEW * np.exp(high * z)))


def chance_per_item(share: float, sizes: Floats) -> float:
    """The chance per item that puts a variant into `share` of baskets of these sizes."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if float(np.mean(1 - (1 - middle) ** sizes)) < share:
            low = middle
        else:
            high = middle
    return high


def falling(count: int, power: float = 1.0) -> Floats:
    """Weights 1, 1/2^power, 1/3^power, …"""
    return np.asarray(1.0 / np.arange(1, count + 1, dtype=np.float64) ** power)
