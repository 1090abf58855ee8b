"""Pair support: who met whom, counted exactly once per buyer at every node of the region tree.

Baskets are gathered by buyer, then go whole, and packed, to every shard that owns one of their variants, so a shard
finishes its anchors alone and no pair crosses the shuffle; see docs/decisions/0002 and 0009.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sidecart.basket_messages import Baskets, messages
from sidecart.contracts.state import PAIR_GROUPS
from sidecart.pair_kernel import anchor_rows, warm

__all__ = ["flat_pairs", "pair_support", "pairs_met", "region_support", "variant_support", "warm"]

_MESSAGE_SCHEMA = (
    "shard INT, baskets INT, items INT, places INT, levels INT,"
    " sizes BINARY, steps BINARY, place_of BINARY, nodes BINARY, is_next_buyer BINARY"
)
KERNEL_SCHEMA = f"node INT, anchor INT, anchor_buyers INT, anchor_baskets INT, met {PAIR_GROUPS}"


def pair_support(baskets: DataFrame, regions: DataFrame, shards: int) -> DataFrame:
    """One row per (region, anchor) with everything it met (contract pair_support).

    `baskets`: counted baskets (buyer_key, region_id, variants ascending); `regions`: region_id and path from the
    root. Support of a pair at a node: distinct buyers, and baskets, with both in one basket in the node's subtree.
    The result is the same for any number of shards.
    """
    nodes = numbered_nodes(regions)
    located = baskets.join(F.broadcast(node_paths(regions, nodes)), "region_id")
    counted = sent_to_shards(located, shards).mapInArrow(_shard_counter(shards), schema=KERNEL_SCHEMA)
    return counted.join(F.broadcast(nodes), "node").drop("node")


def variant_support(pair_support: DataFrame) -> DataFrame:
    """One row per (region, variant): buyers and baskets that have it (contract variant_support)."""
    return pair_support.select(
        "region_id",
        F.col("anchor").alias("variant"),
        F.col("anchor_buyers").alias("buyers"),
        F.col("anchor_baskets").alias("baskets"),
    )


def region_support(baskets: DataFrame, regions: DataFrame) -> DataFrame:
    """One row per region with a counted basket there or below: buyers and baskets (contract region_support)."""
    located = baskets.join(F.broadcast(regions.select("region_id", "path")), "region_id")
    visits = located.select(F.explode("path").alias("region_id"), "buyer_key")
    buyers = visits.groupBy("region_id", "buyer_key").agg(F.count(F.lit(1)).alias("baskets"))
    return buyers.groupBy("region_id").agg(
        F.count(F.lit(1)).alias("buyers"),
        F.sum("baskets").alias("baskets"),
    )


def flat_pairs(pair_support: DataFrame, *carried: str) -> DataFrame:
    """One row per (region, anchor, candidate): what the groups of pair_support hold, both directions.

    Columns: region_id, anchor, anchor_buyers, anchor_baskets, candidate, pair_buyers, pair_baskets, and the `carried`.
    """
    singles = ("region_id", "anchor", "anchor_buyers", "anchor_baskets", *carried)
    return pair_support.select(*singles, F.explode("met").alias("alike")).select(
        *singles,
        F.explode("alike.candidates").alias("candidate"),
        F.col("alike.pair_buyers").alias("pair_buyers"),
        F.col("alike.pair_baskets").alias("pair_baskets"),
    )


def pairs_met() -> Column:
    """How many candidates a row of pair_support holds."""
    sizes = F.transform("met", lambda alike: F.size(alike["candidates"]).cast("bigint"))
    return F.aggregate(sizes, F.lit(0).cast("bigint"), lambda total, size: total + size)


def numbered_nodes(regions: DataFrame) -> DataFrame:
    """region_id and the integer that kernels know it by: node, from 1."""
    return regions.select("region_id", F.row_number().over(Window.orderBy("region_id")).alias("node"))


def node_paths(regions: DataFrame, nodes: DataFrame) -> DataFrame:
    """region_id and the integers of its nodes, root first."""
    steps = regions.select("region_id", F.posexplode("path").alias("depth", "ancestor"))
    numbered = steps.join(nodes.withColumnRenamed("region_id", "ancestor"), "ancestor")
    ordered = F.array_sort(F.collect_list(F.struct("depth", "node")))
    return numbered.groupBy("region_id").agg(F.transform(ordered, lambda step: step["node"]).alias("nodes"))


def sent_to_shards(located: DataFrame, shards: int) -> DataFrame:
    """Baskets (buyer_key, nodes, variants ascending) as messages, a partition per shard."""
    # 128 bits of a hash stand for a buyer, as buyer keys themselves are no more.
    told = located.select(F.unhex(F.md5("buyer_key")).alias("buyer"), "nodes", "variants")
    packed = told.repartition(shards, "buyer").mapInArrow(_packer(shards), schema=_MESSAGE_SCHEMA)
    return packed.repartitionById(shards, "shard")


def rows_of_shards(batches: Iterable[pa.RecordBatch], shards: int) -> Iterator[pa.RecordBatch]:
    """Anchor rows (KERNEL_SCHEMA) of the messages of a partition."""
    sent = _by_shard(batches)
    while sent:
        shard, mine = sent.popitem()
        baskets = Baskets.of_messages(mine)
        del mine
        yield from anchor_rows(baskets, shard, shards)


def _packer(shards: int) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def pack(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return messages(batches, shards)

    return pack


def _shard_counter(shards: int) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def count(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return rows_of_shards(batches, shards)

    return count


def _by_shard(batches: Iterable[pa.RecordBatch]) -> dict[int, list[dict[str, Any]]]:
    """The messages to each shard; a partition has those to one, unless Spark joined two."""
    sent: dict[int, list[dict[str, Any]]] = {}
    for batch in batches:
        for message in batch.to_pylist():
            sent.setdefault(message["shard"], []).append(message)
    return sent
