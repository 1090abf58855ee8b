"""Cancellations and returns against sales, one order or one buyer's variant after the other.

The order of takings matters (each finds what the earlier ones left), so these two run row by row in Python, over the
sorted rows of a partition, and only for orders and buyers that have a taking.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

UNITS_PER_PIECE = 10_000
_BATCH_ROWS = 8_192
_OUTCOME = "order_id string, line_key string, event_id string, units bigint, outcome string"
_OUTCOME_ARROW = pa.schema(
    [(name, pa.string()) for name in ("order_id", "line_key", "event_id")]
    + [("units", pa.int64()), ("outcome", pa.string())]
)
_FIELDS = ("buyer_key", "variant_id", "order_id", "line_key", "event_id", "is_taking", "at", "source_seq", "units")


class Move(NamedTuple):
    """A sold line or a taking; `at` in microseconds, `units` in .0001 pieces."""

    buyer_key: str | None
    variant_id: str
    order_id: str | None
    line_key: str
    event_id: str
    is_taking: bool
    at: int
    source_seq: int
    units: int


class Outcome(NamedTuple):
    """Units that a line gave (taken), that a taking missed (missed), or of a taking without such a sale (unlinked)."""

    order_id: str | None
    line_key: str | None
    event_id: str | None
    units: int
    outcome: str


Settle = Callable[[list[Move], list[Move]], Iterator[Outcome]]


def by_order(sales: DataFrame, takings: DataFrame) -> DataFrame:
    """Outcomes of takings against the lines of the order they name."""
    return _settled(sales, takings, ["order_id"], settle_order)


def by_buyer(sales: DataFrame, takings: DataFrame) -> DataFrame:
    """Outcomes of takings against the earlier sales of the same buyer and variant."""
    return _settled(sales, takings, ["buyer_key", "variant_id"], settle_buyer)


def nothing_taken(spark: SparkSession) -> DataFrame:
    """No outcomes."""
    return spark.createDataFrame([], _OUTCOME)


def settle_order(sales: list[Move], takings: list[Move]) -> Iterator[Outcome]:
    """Each taking from its own line first, what is left from the order's other lines of its variant, newest first.

    A taking older by source_seq than the line it names is superseded by it.
    """
    lines = {sale.line_key: sale for sale in sales}
    left = {sale.line_key: sale.units for sale in sales}
    rests: list[tuple[Move, int]] = []
    for taking in takings:
        line = lines.get(taking.line_key)
        if line is None and not any(sale.variant_id == taking.variant_id for sale in sales):
            yield Outcome(None, None, taking.event_id, taking.units, "unlinked")
        elif line is None or not 0 < taking.source_seq < line.source_seq:
            rests.append((taking, _take(left, [taking.line_key] if line else [], taking.units)))
    newest_first = sorted(sales, key=lambda sale: (sale.at, sale.line_key), reverse=True)
    for taking, rest in rests:
        same = [sale.line_key for sale in newest_first if sale.variant_id == taking.variant_id]
        missed = _take(left, same, rest)
        if missed:
            yield Outcome(None, None, taking.event_id, missed, "missed")
    for key, sale in lines.items():
        if left[key] < sale.units:
            yield Outcome(sale.order_id, key, None, sale.units - left[key], "taken")


def _take(left: dict[str, int], keys: Iterable[str], units: int) -> int:
    """Takes the units from the keys in their order, and returns how many were not there."""
    for key in keys:
        part = min(units, left[key])
        left[key] -= part
        units -= part
    return units


def settle_buyer(sales: list[Move], takings: list[Move]) -> Iterator[Outcome]:
    """Each taking, in order of time, from what is left of sales until then, newest first."""
    stack: list[tuple[Move, int]] = []
    given: dict[tuple[str | None, str], int] = {}
    coming = sorted(sales, key=lambda sale: (sale.at, sale.order_id or "", sale.line_key), reverse=True)
    for taking in takings:
        while coming and coming[-1].at <= taking.at:
            sale = coming.pop()
            stack.append((sale, sale.units))
        units = taking.units
        while units and stack:
            sale, left = stack.pop()
            part = min(units, left)
            units -= part
            given[sale.order_id, sale.line_key] = given.get((sale.order_id, sale.line_key), 0) + part
            if left > part:
                stack.append((sale, left - part))
        if units:
            yield Outcome(None, None, taking.event_id, units, "missed")
    for (order_id, line_key), units in given.items():
        if units:
            yield Outcome(order_id, line_key, None, units, "taken")


def _settled(sales: DataFrame, takings: DataFrame, by: list[str], settle: Settle) -> DataFrame:
    """Outcomes of every group of moves that holds a taking."""
    moves = sales.unionByName(takings).select(*_FIELDS)
    sorted_moves = moves.repartition(*by).sortWithinPartitions(*by)
    return sorted_moves.mapInArrow(partial(_settle_groups, [_FIELDS.index(name) for name in by], settle), _OUTCOME)


def _settle_groups(by: list[int], settle: Settle, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    groups = itertools.groupby(_moves_of(batches), key=lambda move: [move[i] for i in by])
    outcomes = itertools.chain.from_iterable(_settle_group(settle, list(moves)) for _, moves in groups)
    while part := list(itertools.islice(outcomes, _BATCH_ROWS)):
        columns = zip(*part, strict=True)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, _OUTCOME_ARROW, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=_OUTCOME_ARROW)


def _moves_of(batches: Iterator[pa.RecordBatch]) -> Iterator[Move]:
    for batch in batches:
        yield from map(Move._make, zip(*(column.to_pylist() for column in batch.columns), strict=True))


def _settle_group(settle: Settle, moves: list[Move]) -> Iterator[Outcome]:
    takings = [move for move in moves if move.is_taking]
    if not takings:
        return iter(())
    takings.sort(key=lambda move: (move.at, move.order_id or "", move.line_key, move.event_id))
    return settle([move for move in moves if not move.is_taking], takings)
