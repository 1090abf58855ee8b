"""The plan of a count: what counting pairs will take, told by the sizes of baskets before any pair is made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.errors import PlanError
from sidecart.pair_kernel import BASKETS_PER_MESSAGE, ROWS_PER_BATCH

EVENTS_PER_SHARD = 32_000_000
"""Directed pair events a shard should count; sets how many shards there are, never what they say. A shard holds its
baskets, some 20 to 60 MB of them, and never its events; fewer shards are sent fewer copies of a basket."""

BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Least sizes of the buckets that a plan is told in."""

_BYTES_PER_BASKET, _BYTES_PER_BUYER = 2, 16
"""Of a message after compression, beside items and codes of buyers: those take what their number asks, as lz4 leaves
nothing of a plane of zeros."""
_TASK_BYTES_PER_ITEM, _TASK_BYTES_PER_BASKET, _TASK_BYTES_PER_ROW = 36, 90, 46
_SECONDS_PER_EVENT = 0.2e-6
"""CPU seconds per event at one level, writing included, measured on a generated shop (decision 9)."""


class SizeCount(NamedTuple):
    """How many counted baskets hold so many variants, in regions so deep in the tree (the root alone is 1)."""

    variants: int
    levels: int
    baskets: int


@dataclass(frozen=True)
class CountPlan:
    """What a count will take."""

    sizes: tuple[SizeCount, ...]
    shards: int
    shuffle_bytes: int
    """As compressed."""
    task_bytes: int
    """Of the Python worker that counts a shard, beside what it takes to start."""
    cpu_seconds: float
    """Roughly; half and double are both likely on another machine."""

    @property
    def baskets(self) -> int:
        return sum(size.baskets for size in self.sizes)

    @property
    def pair_events(self) -> int:
        """Pairs met in baskets, each direction once."""
        return sum(_pairs(size.variants) * size.baskets for size in self.sizes)

    def require_within(self, max_pair_events: int, what: str) -> None:
        """Raise PlanError where the count would be larger, naming the cap that would fit."""
        if self.pair_events <= max_pair_events:
            return
        cap = self.cap_within(max_pair_events)
        smaller = f"set baskets.max_basket_variants = {cap}, with which it fits, or " if cap else ""
        raise PlanError(
            f"counting {what} would take {self.pair_events:,} pair events, more than baskets.max_pair_events ="
            f" {max_pair_events}; {smaller}raise that limit"
        )

    def in_words(self) -> str:
        """One line."""
        return (
            f"{self.pair_events:,} pair events in {self.baskets:,} baskets: {self.shards} shards,"
            f" about {self.shuffle_bytes / 1e6:,.0f} MB shuffled, {self.task_bytes / 1e6:,.0f} MB in a task,"
            f" {self.cpu_seconds:,.0f} s of CPU"
        )

    def events_by_bucket(self) -> list[tuple[int, int, int]]:
        """Per bucket with any basket: its least size, baskets and pair events."""
        found: dict[int, tuple[int, int]] = {}
        for size in self.sizes:
            least = max(bound for bound in BUCKETS if bound <= size.variants)
            baskets, events = found.get(least, (0, 0))
            found[least] = baskets + size.baskets, events + size.baskets * _pairs(size.variants)
        return [(least, *found[least]) for least in sorted(found)]

    def cap_within(self, max_pair_events: int) -> int | None:
        """The largest basket cap whose baskets make at most so many pair events; None where no cap of 2 does."""
        events, cap = 0, 1
        for size in sorted(self.sizes):
            events += size.baskets * _pairs(size.variants)
            if events > max_pair_events:
                return cap if cap >= 2 else None
            cap = size.variants
        return cap


def basket_sizes(counted_baskets: DataFrame, regions: DataFrame) -> DataFrame:
    """One row per size of basket and depth of its region: variants, levels and baskets.

    In: counted baskets (region_id, variants), regions (region_id, path from the root).
    """
    depths = F.broadcast(regions.select("region_id", F.size("path").alias("levels")))
    sized = counted_baskets.select("region_id", F.size("variants").alias("variants")).where("variants > 0")
    return sized.join(depths, "region_id").groupBy("variants", "levels").agg(F.count(F.lit(1)).alias("baskets"))


def count_plan(sizes: Sequence[SizeCount], variants: int, buyers: int, parallelism: int) -> CountPlan:
    """The plan for baskets of such sizes, of so many variants and buyers, on a cluster that likes so many tasks."""
    directed = sum(2 * _pairs(size.variants) * size.baskets for size in sizes)
    shards = max(parallelism, math.ceil(directed / EVENTS_PER_SHARD))
    baskets = sum(size.baskets for size in sizes)
    copies = {size: size.baskets * _owners(size.variants, shards) for size in sizes}
    items = sum(count * size.variants for size, count in copies.items())
    copied = sum(copies.values())
    sent = shards * max(1, baskets / BASKETS_PER_MESSAGE)
    of_message = _distinct(copied / sent, buyers)
    walked = sum(size.variants**2 * size.levels * size.baskets for size in sizes)
    told = items * _bytes(variants) + copied * (_BYTES_PER_BASKET + _bytes(of_message))
    held = (_TASK_BYTES_PER_ITEM * items + _TASK_BYTES_PER_BASKET * copied) / shards
    rows = min(ROWS_PER_BATCH, walked / shards)
    return CountPlan(
        sizes=tuple(sorted(sizes)),
        shards=shards,
        shuffle_bytes=round(told + sent * of_message * _BYTES_PER_BUYER),
        task_bytes=round(held + _TASK_BYTES_PER_ROW * rows),
        cpu_seconds=walked * _SECONDS_PER_EVENT,
    )


def _bytes(different: float) -> float:
    """Bytes that tell so many things apart."""
    return math.log2(different + 1) / 8


def _pairs(variants: int) -> int:
    return variants * (variants - 1) // 2


def _owners(variants: int, shards: int) -> float:
    """How many shards own one of so many variants, if variants are dealt out evenly."""
    return shards * (1 - (1 - 1 / shards) ** variants)


def _distinct(draws: float, among: int) -> float:
    """How many different ones so many draws find among so many."""
    return among * (1 - math.exp(-draws / among)) if among else 0.0
