"""List places: the regions as the slots of lists."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sidecart import list_depths
from sidecart.bitsets import WORD
from sidecart.list_depths import Shelf, depths
from sidecart.list_kernel import Tree
from sidecart.settings import ListSettings

_SEEN = ("offered", "live", "watched_days", "sold_out")


@dataclass(frozen=True)
class Place:
    """A region: its slot, that of the region above (-1 above the root), and how many candidates its lists keep."""

    region_id: str
    slot: int
    parent: int
    depth: int


@dataclass(frozen=True)
class Places:
    """Every region that has lists, parents before children: slot 0 is the root."""

    regions: tuple[Place, ...]

    @classmethod
    def of(cls, regions: DataFrame) -> Places:
        """Of a tree (contract regions), which the driver holds whole: a row per region. No list keeps anything yet."""
        rows = regions.select("region_id", "parent_id").orderBy("depth", "region_id").collect()
        slots = {row["region_id"]: slot for slot, row in enumerate(rows)}
        return cls(
            tuple(Place(row["region_id"], slot, slots.get(row["parent_id"], -1), 0) for slot, row in enumerate(rows))
        )

    def keeping(self, shelves: DataFrame, sold: int, variants: int, settings: ListSettings) -> Places:
        """The same with the depths of lists (list_depths.depths).

        `shelves`: list_depths.watched; regions it lacks sell nothing. `sold`: variants that any region may sell;
        `variants`: how many have a page at the root.
        """
        known = {row["region_id"]: row for row in shelves.select("region_id", *_SEEN).collect()}
        seen = []
        for place in self.regions:
            row = known.get(place.region_id)
            offered, live, watched_days, sold_out = (row[name] for name in _SEEN) if row else (0, 0, 0.0, 0.0)
            lists, of = (offered, offered) if place.slot else (variants, sold)
            seen.append(Shelf(lists, of, live, watched_days, sold_out))
        kept = depths(seen, [place.parent for place in self.regions], settings)
        return Places(tuple(replace(place, depth=kept[place.slot]) for place in self.regions))

    @property
    def tree(self) -> Tree:
        """The same in arrays."""
        return Tree.of([place.parent for place in self.regions], [place.depth for place in self.regions])

    def slots(self, spark: SparkSession) -> DataFrame:
        """One row per region: region_id, slot, list_depth."""
        told = [(place.region_id, place.slot, place.depth) for place in self.regions]
        return spark.createDataFrame(told, "region_id STRING, slot INT, list_depth INT")


@dataclass(frozen=True)
class Range:
    """Where lists are made: the regions that have them, and what each may sell."""

    places: Places
    sellers: DataFrame
    """One row per variant that any of them may sell (sellers)."""
    variants: int
    """How many have a page at the root."""

    def sold(self) -> DataFrame:
        """One row per variant that any of them may sell: candidate."""
        return self.sellers.select(F.col("variant").alias("candidate"))


def sellers(offers: DataFrame, slots: DataFrame, facts: DataFrame, words: int) -> DataFrame:
    """One row per variant that any of the slots may sell, available now or not: variant, slots (a bitset of `words`),
    least_range (how many variants the smallest of them sells).

    The root may list whatever is sold anywhere; what it sells itself decides when its lists are resolved.
    """
    numbers = facts.select("variant_id", "variant")
    ranges = list_depths.shelves(offers).select("region_id", "offered")
    placed = offers.join(F.broadcast(slots.join(ranges, "region_id")), "region_id").join(numbers, "variant_id")
    bit = F.call_function("shiftleft", F.lit(1).cast("bigint"), F.col("slot") % WORD)
    by_word = placed.groupBy("variant", F.expr(f"slot div {WORD}").alias("word")).agg(
        F.bit_or(bit).alias("bits"), F.min("offered").alias("least")
    )
    entries = F.map_from_entries(F.collect_list(F.struct("word", "bits")))
    held = by_word.groupBy("variant").agg(entries.alias("held"), F.min("least").alias("least_range"))
    words_of = [
        F.coalesce(F.try_element_at("held", F.lit(w).cast("bigint")), F.lit(0).cast("bigint")) for w in range(words)
    ]
    root = words_of[0].bitwiseOR(F.lit(1).cast("bigint"))
    return held.select("variant", F.array(root, *words_of[1:]).alias("slots"), "least_range")
