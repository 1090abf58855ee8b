"""Orders: staged rows, accepted events and how many were dropped as equal."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sidecart.contracts.frames import conform
from sidecart.contracts.inputs import ORDERS
from sidecart.contracts.silver import ORDER_EVENTS
from sidecart.ingest.parsing import Moment, fault, typed_rows
from sidecart.ingest.places import Places, in_its_region
from sidecart.ingest.staged import accepted, staged, with_fault
from sidecart.settings import Settings

_CONTENT = (
    "order_id",
    "line_no",
    "buyer_key",
    "variant_id",
    "region_id",
    "quantity",
    "unit_price",
    "currency",
    "ordered_at",
    "status",
    "source_seq",
)
_UNIT_SEPARATOR = "\x1f"


def staged_orders(raw: DataFrame, catalog: DataFrame, places: Places, moment: Moment) -> DataFrame:
    """One row per input row: the values of ORDER_EVENTS without run_id, and its fault.

    `catalog` (silver) says which variants are sold by unit; a variant it lacks is not checked: its row is held later.
    """
    typed = typed_rows(raw, ORDERS, moment)
    completed = typed.withColumns({"buyer_key": F.col("buyer_id"), "status": F.coalesce("status", F.lit("sale"))})
    checked = with_fault(completed, *_row_faults(moment.settings))
    placed = _with_unit_goods(in_its_region(checked, places), catalog)
    normal = placed.withColumns(
        {
            "quantity": F.abs("quantity"),
            "currency": F.coalesce("currency", F.lit(moment.settings.shop.currency)),
            "source_seq": F.coalesce("source_seq", F.lit(0)),
        }
    )
    return staged(normal.withColumn("event_id", _event_id()).drop("buyer_id"), ORDERS.name)


def order_events(rows: DataFrame, known_events: DataFrame, run_id: str) -> DataFrame:
    """ORDER_EVENTS that are new: of equal rows the first by file and line; those among `known_events` are dropped."""
    first = Window.partitionBy("event_id").orderBy("source_file", "source_line")
    distinct = accepted(rows).withColumn("nth", F.row_number().over(first)).where("nth = 1")
    fresh = distinct.join(known_events.select("event_id"), "event_id", "left_anti")
    return conform(fresh.withColumn("run_id", F.lit(run_id)), ORDER_EVENTS)


def _row_faults(settings: Settings) -> list[Column]:
    action, quantity = F.col("status"), F.col("quantity")
    is_taken_back = action.isin("return", "cancel")
    faults = [
        fault(F.col("order_id").isNull() & ~is_taken_back, "ORDER_ID_MISSING", "order_id"),
        fault(quantity == 0, "QTY_ZERO", "quantity"),
        fault((quantity < 0) & ~is_taken_back, "QTY_NEGATIVE", "quantity"),
        fault(F.abs(quantity) > settings.ingest.max_quantity, "QTY_RANGE", "quantity"),
    ]
    pattern = settings.ingest.test_order_pattern
    return faults if pattern is None else [*faults, fault(F.col("order_id").rlike(pattern), "TEST_ORDER", "order_id")]


def _with_unit_goods(rows: DataFrame, catalog: DataFrame) -> DataFrame:
    """Rows that hold a fraction of unit goods get QTY_FRACTION."""
    goods = catalog.where("sold_by = 'unit'").select(F.col("variant_id").alias("broken"), F.lit(True).alias("is_unit"))
    is_fraction = F.col("quantity") != F.floor("quantity")
    nowhere = F.concat(F.lit(_UNIT_SEPARATOR), F.col("source_line").cast("string"))  # spreads rows that join nothing
    broken = F.when(is_fraction, F.col("variant_id")).otherwise(nowhere)
    joined = rows.withColumn("broken", broken).join(goods, "broken", "left")
    return with_fault(joined, fault(F.col("is_unit"), "QTY_FRACTION", "quantity")).drop("broken", "is_unit")


def _event_id() -> Column:
    """sha-256 of the content, each part cast to text, joined by the unit separator that no id can hold."""
    texts = [F.unix_micros(c) if c == "ordered_at" else F.col(c) for c in _CONTENT]
    return F.sha2(F.concat_ws(_UNIT_SEPARATOR, *(F.coalesce(t.cast("string"), F.lit("")) for t in texts)), 256)
