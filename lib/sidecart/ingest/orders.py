"""Orders: staged rows, accepted events and how many were dropped as equal."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sidecart.contracts.frames import conform
from sidecart.contracts.inputs import ORDERS
from sidecart.contracts.silver import ORDER_EVENTS
from sidecart.ingest.parsing import Moment, clock_change, fault, typed_rows
from sidecart.ingest.places import Places, in_its_region
from sidecart.ingest.staged import accepted, staged, with_fault
from sidecart.near import among
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
    """One row per input row: the values of ORDER_EVENTS without run_id, its fault, and its clock_change.

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
            "clock_change": clock_change(F.col("came.ordered_at"), F.col("ordered_at"), moment),
        }
    )
    return staged(normal.withColumn("event_id", _event_id()).drop("buyer_id"), ORDERS.name)


def order_events(rows: DataFrame, known_events: DataFrame, run_id: str) -> DataFrame:
    """ORDER_EVENTS that are new: of equal rows the first by file and line; those among `known_events` are dropped."""
    first = Window.partitionBy("event_id").orderBy("source_file", "source_line")
    distinct = accepted(rows).withColumn("nth", F.row_number().over(first)).where("nth = 1")
    # Looked up first, not subtracted: beside a day's few rows the ids of all history need no shuffle.
    named = accepted(rows).select("order_id").distinct()
    about = among(known_events, named, "order_id").unionByName(known_events.where("order_id IS NULL"))
    again = about.select("event_id").join(distinct.select("event_id"), "event_id", "left_semi")
    fresh = distinct.join(again, "event_id", "left_anti")
    return conform(fresh.withColumn("run_id", F.lit(run_id)), ORDER_EVENTS)


def order_warnings(rows: DataFrame) -> list[str]:
    """What of the accepted staged rows was taken as it is and may be wrong: how many, and one of them.

    Sales without a price are told where others have one: a shop need not hand over prices at all.
    """
    good, has_price = accepted(rows), F.col("unit_price").isNotNull()
    doubts = {
        "PRICE_MISSING": ~has_price & (F.col("status") == "sale"),
        "TS_SKIPPED": F.col("clock_change") == "skipped",
        "TS_TWICE": F.col("clock_change") == "twice",
    }
    found = good.agg(
        F.collect_set("currency").alias("currencies"),
        F.bool_or(has_price).alias("has_prices"),
        *(F.count_if(doubt).alias(code) for code, doubt in doubts.items()),
        *(F.min(F.when(doubt, F.col("order_id"))).alias(f"{code}_one") for code, doubt in doubts.items()),
    ).collect()[0]
    codes = [code for code in doubts if found[code] and (found["has_prices"] or code != "PRICE_MISSING")]
    told = [f"{code}: {found[code]:,} rows, of order {found[f'{code}_one']} for one" for code in codes]
    return told + (_mixed_currencies(good) if len(found["currencies"]) > 1 else [])


def _mixed_currencies(good: DataFrame) -> list[str]:
    by_order = good.where("order_id IS NOT NULL").groupBy("order_id").agg(F.count_distinct("currency").alias("n"))
    mixed = by_order.where("n > 1").agg(F.count(F.lit(1)).alias("orders"), F.min("order_id").alias("one")).collect()[0]
    return [f"CURRENCY_MIXED: {mixed['orders']:,} orders, {mixed['one']} for one"] if mixed["orders"] else []


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
