"""Gains: what a hit at a rank is worth, in billionths, so that sums are whole numbers and no order changes them."""

from __future__ import annotations

import math

from pyspark.sql import Column
from pyspark.sql import functions as F

TOP = 10
"""How many candidates of a list are judged: the @10 of every metric."""

UNIT = 1_000_000_000
_GAINS = [round(UNIT / math.log2(rank + 1)) for rank in range(1, TOP + 1)]
_IDEAL = [sum(_GAINS[:hits]) for hits in range(1, TOP + 1)]


def gain(rank: Column) -> Column:
    """1 / log2(rank + 1) in billionths: what DCG adds for a hit at this rank, from 1 to 10."""
    return F.element_at(_whole_numbers(_GAINS), rank)


def ndcg(gained: Column, targets: Column) -> Column:
    """NDCG@10 in billionths: the gained sum over that of a list whose first min(10, targets) are all hits."""
    ideal = F.element_at(_whole_numbers(_IDEAL), F.least(targets, F.lit(TOP)).cast("int"))
    return F.round(gained / ideal * UNIT).cast("bigint")


def recall(hits: Column, targets: Column) -> Column:
    """Recall@10 in billionths: the share of all targets that the list shows."""
    return F.round(hits / targets * UNIT).cast("bigint")


def _whole_numbers(values: list[int]) -> Column:
    return F.array(*(F.lit(value).cast("bigint") for value in values))
