"""The counting and the changing kernel, fed with baskets in plain Python; their rows as plain rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from sidecart.basket_messages import Baskets, messages
from sidecart.change_kernel import REGION_ROWS
from sidecart.met_groups import LIST
from sidecart.pair_kernel import anchor_rows

Basket = tuple[str, tuple[int, ...], frozenset[int]]
"""A buyer, the nodes from the root down, the variants."""


def counted_rows(baskets: Iterable[Basket]) -> Iterator[pa.RecordBatch]:
    """Rows of the counting kernel, one shard."""
    told = list(baskets)
    table = pa.table(
        {
            "buyer": pa.array([buyer.encode().rjust(16) for buyer, _, _ in told]),
            "nodes": pa.array([list(nodes) for _, nodes, _ in told], LIST),
            "variants": pa.array([sorted(variants) for _, _, variants in told], LIST),
        }
    )
    sent = [row for message in messages(table.to_batches(), 1) for row in message.to_pylist()]
    return anchor_rows(Baskets.of_messages(sent), 0, 1) if sent else iter(())


def both_sides(before: list[Basket], after: list[Basket]) -> list[Basket]:
    """Both counts as one: what was, at even nodes; what is, at odd ones."""
    return [
        (buyer, tuple(2 * node + side for node in nodes), variants)
        for side, baskets in enumerate((before, after))
        for buyer, nodes, variants in baskets
    ]


def told_rows(batches: Iterable[pa.RecordBatch]) -> list[dict[str, Any]]:
    """All rows; a region is told as its node."""
    told: list[dict[str, Any]] = [row for batch in batches for row in batch.to_pylist()]
    told = [{"node": int(row.pop("region_id"))} | row if "region_id" in row else row for row in told]
    return sorted(told, key=lambda row: (row["anchor"], row["node"]))


def in_batches(rows: list[dict[str, Any]], size: int) -> list[pa.RecordBatch]:
    ordered = sorted(rows, key=lambda row: (row["anchor"], row["node"]))
    named = [{"region_id": str(row["node"])} | {k: v for k, v in row.items() if k != "node"} for row in ordered]
    batches: list[pa.RecordBatch] = pa.Table.from_pylist(named, schema=REGION_ROWS).to_batches(max_chunksize=size)
    return batches
