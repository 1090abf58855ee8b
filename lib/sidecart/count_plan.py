"""The plan of a count: what counting pairs will take, told by the sizes of baskets before any pair is made."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.errors import PlanError
from sidecart.pair_kernel import ROWS_PER_BATCH

TASK_BYTES = 550_000_000
"""What the worker that counts a shard should hold beside what it takes to start; sets how many shards there are, never
what they say. More shards are sent more copies of a basket."""

EVENTS_PER_TASK = 16_000_000
"""Pair events that are worth a task of their own."""

BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Least sizes of the buckets that a plan is told in."""

_BYTES_PER_BASKET, _BYTES_PER_ITEM = 36, 3.2
"""Of a basket on its way to the others of its buyer, as lz4 leaves Spark's rows: 16 are the buyer's key."""
_BYTES_PER_COPY = 0.4
"""Of a basket in a message, beside its steps: its size and whether it is another buyer's."""
_TASK_BYTES_PER_ITEM, _TASK_BYTES_PER_BASKET, _TASK_BYTES_PER_ROW, _TASK_BYTES_PER_VARIANT = 8, 40, 46, 60
"""Of a worker that counts a shard; what it holds per variant no number of shards makes less."""
_PACK_BYTES, _PACK_BYTES_PER_ITEM, _PACK_BYTES_PER_BASKET, _PACK_BYTES_PER_LEVEL = 25_000_000, 16, 120, 12
"""Of a worker that packs a part."""
_SECONDS_TO_START, _SECONDS_PER_EVENT = 14.0, 0.09e-6
"""CPU seconds: of code that is compiled while it runs, and per event at one level, writing included, measured on
generated shops (decision 9)."""


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
    gathered_bytes: int
    """Shuffled to gather baskets by buyer, as compressed."""
    sent_bytes: int
    """Shuffled to send them to shards, as compressed."""
    task_bytes: int
    """Of the Python worker that packs a part or counts a shard, whichever is more, beside what it takes to start."""
    cpu_seconds: float
    """Roughly; half and double are both likely on another machine."""

    @property
    def baskets(self) -> int:
        return sum(size.baskets for size in self.sizes)

    @property
    def shuffle_bytes(self) -> int:
        """All that is shuffled."""
        return self.gathered_bytes + self.sent_bytes

    @property
    def pair_events(self) -> int:
        """Pairs met in baskets, whatever their direction: three variants of a basket make three."""
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
        of_size: Counter[int] = Counter()
        for size in self.sizes:
            of_size[size.variants] += size.baskets * _pairs(size.variants)
        events, cap = 0, 1
        for variants in sorted(of_size):
            events += of_size[variants]
            if events > max_pair_events:
                break
            cap = variants
        return cap if cap >= 2 else None


def basket_sizes(counted_baskets: DataFrame, regions: DataFrame) -> DataFrame:
    """One row per size of basket and depth of its region: variants, levels and baskets.

    In: counted baskets (region_id, variants), regions (region_id, path from the root).
    """
    depths = F.broadcast(regions.select("region_id", F.size("path").alias("levels")))
    sized = counted_baskets.select("region_id", F.size("variants").alias("variants")).where("variants > 0")
    return sized.join(depths, "region_id").groupBy("variants", "levels").agg(F.count(F.lit(1)).alias("baskets"))


def count_plan(sizes: Sequence[SizeCount], variants: int, parallelism: int | None) -> CountPlan:
    """The plan for baskets of such sizes, of so many variants, on a cluster that likes so many tasks.

    One that does not say how many it likes (None) gets a task for every EVENTS_PER_TASK.
    """
    events = sum(_pairs(size.variants) * size.baskets for size in sizes)
    shards = parallelism or max(1, math.ceil(events / EVENTS_PER_TASK))
    while _task_bytes(sizes, 0, shards) > TASK_BYTES:
        shards = math.ceil(1.1 * shards)
    walked = sum(size.variants**2 * size.levels * size.baskets for size in sizes)
    gathered = sum(size.baskets * (_BYTES_PER_BASKET + size.variants * _BYTES_PER_ITEM) for size in sizes)
    sent = sum(
        size.baskets
        * _owners(size.variants, shards)
        * (_BYTES_PER_COPY + size.variants * _bytes_per_step(size, variants))
        for size in sizes
    )
    return CountPlan(
        sizes=tuple(sorted(sizes)),
        shards=shards,
        gathered_bytes=round(gathered),
        sent_bytes=round(sent),
        task_bytes=round(_task_bytes(sizes, variants, shards)),
        cpu_seconds=_SECONDS_TO_START + walked * _SECONDS_PER_EVENT,
    )


def _task_bytes(sizes: Sequence[SizeCount], variants: int, shards: int) -> float:
    """What a worker holds: the baskets of a part, or those of a shard, its variants, and rows on their way out."""
    packing, counting, walked, items = float(_PACK_BYTES), 0.0, 0.0, 0.0
    for size in sizes:
        mine = size.baskets / shards
        of_part = _PACK_BYTES_PER_BASKET + size.levels * _PACK_BYTES_PER_LEVEL + size.variants * _PACK_BYTES_PER_ITEM
        of_shard = _TASK_BYTES_PER_BASKET + size.variants * _TASK_BYTES_PER_ITEM
        packing += mine * of_part
        counting += mine * _owners(size.variants, shards) * of_shard
        items += mine * _owners(size.variants, shards) * size.variants
        walked += mine * size.variants**2 * size.levels
    held = _TASK_BYTES_PER_VARIANT * min(variants, items) + _TASK_BYTES_PER_ROW * min(ROWS_PER_BATCH, walked)
    return max(packing, counting + held)


def _bytes_per_step(size: SizeCount, variants: int) -> float:
    """From one variant of a basket to the next: the more there are, the nearer it is."""
    return math.log2(math.e * variants / (size.variants + 1) + 1) / 8


def _pairs(variants: int) -> int:
    return variants * (variants - 1) // 2


def _owners(variants: int, shards: int) -> float:
    """How many shards own one of so many variants, if variants are dealt out evenly."""
    return shards * (1 - (1 - 1 / shards) ** variants)
