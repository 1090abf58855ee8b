"""Pair changes: how pair support differs when the past does, counted from what changed alone.

Support is a sum over buyers, so only buyers with a changed basket matter; and of their other baskets only the variants
that stand in a changed one, as no other pair of theirs can have come or gone. So a day costs what the day changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.change_kernel import added_up, differences
from sidecart.contracts.model import Contract
from sidecart.contracts.state import PAIR_GROUPS
from sidecart.pairs import KERNEL_SCHEMA, node_paths, numbered_nodes, rows_of_shards, sent_to_shards
from sidecart.row_changes import added

_COUNTED = f"region_id STRING, anchor INT, anchor_buyers INT, anchor_baskets INT, met {PAIR_GROUPS}"
_COUNTS = ("region_id", "anchor", "anchor_buyers", "anchor_baskets", "met")
_BASKET = ("order_id", "buyer_key", "region_id", "variants")


def changed_baskets(before: DataFrame, after: DataFrame) -> DataFrame:
    """One row per basket that a difference is counted from: order_id, buyer_key, region_id, variants, was_counted,
    is_counted.

    In: counted baskets (order_id, buyer_key, region_id, variants ascending) as they were and as they are, those of
    every buyer with a changed one at least. A basket that changed in any of it is there as it was and as it is; an
    unchanged one of such a buyer once, counted both times, with those of its variants that a changed one holds.
    """
    was = before.select(*_BASKET, F.lit(True).alias("was_counted"))
    now = after.select(*_BASKET, F.lit(True).alias("is_counted"))
    both = was.join(now, list(_BASKET), "full").fillna(False, ["was_counted", "is_counted"])
    changed = both.where("NOT (was_counted AND is_counted)")
    moved = changed.groupBy("buyer_key").agg(F.array_distinct(F.flatten(F.collect_list("variants"))).alias("moved"))
    stayed = both.where("was_counted AND is_counted").join(moved, "buyer_key")
    shared = stayed.withColumn("variants", F.array_intersect("variants", "moved")).where(F.size("variants") > 0)
    columns = (*_BASKET, "was_counted", "is_counted")
    return changed.select(*columns).unionByName(shared.select(*columns))


def pair_differences(changed_baskets: DataFrame, regions: DataFrame, shards: int) -> DataFrame:
    """One row per (region, anchor) whose support differs: pair support after, less pair support before.

    Columns of contract pair_support, with signed counts; a candidate whose counts do not differ is not there.
    """
    nodes = numbered_nodes(regions)
    located = changed_baskets.join(F.broadcast(node_paths(regions, nodes)), "region_id")
    # A node before and the same node after are two nodes to whoever counts.
    before = located.where("was_counted").withColumn("nodes", F.transform("nodes", lambda node: 2 * node))
    after = located.where("is_counted").withColumn("nodes", F.transform("nodes", lambda node: 2 * node + 1))
    sent = sent_to_shards(before.unionByName(after), shards)

    def differ(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return differences(rows_of_shards(batches, shards))

    return sent.mapInArrow(differ, schema=KERNEL_SCHEMA).join(F.broadcast(nodes), "node").drop("node")


def with_differences(pair_support: DataFrame, differences: DataFrame) -> DataFrame:
    """Pair support with differences added: what a recount gives, row for row.

    `differences`: of one change of the past or of several. Rows that none of them is about are passed on as they are.
    """
    keys = ["region_id", "anchor"]
    changed = F.broadcast(differences.select(*keys).distinct())
    before = pair_support.join(changed, keys, "left_semi").select(*_COUNTS)
    together = (
        before.unionByName(differences.select(*_COUNTS)).repartition(*keys).sortWithinPartitions("anchor", "region_id")
    )
    after = together.mapInArrow(added_up, schema=_COUNTED)
    return pair_support.join(changed, keys, "left_anti").select(*_COUNTS).unionByName(after)


def with_additions(contract: Contract, stored: DataFrame, additions: DataFrame) -> DataFrame:
    """A table of counts with what runs added to it (contracts.state.CHANGES_OF), in one sum."""
    if "met" in contract.column_names:
        return with_differences(stored, additions)
    return added(contract, stored, additions)
