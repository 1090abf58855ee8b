"""Settlement: what is left of every sold line after cancellations and returns.

A *taking* is a cancellation or return. It is *linked* when its order holds its line, or its variant; it then takes back
from that line first, from the order's other lines of its variant next, and never from another order. One without such
a sale takes back from the buyer's earlier sales of the variant, newest first. What is left over is unmatched.
Everything follows from all order events at once, so it does not matter in which order they arrived.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sidecart.contracts.frames import conform
from sidecart.contracts.silver import ORDER_LINES, UNMATCHED_RETURNS
from sidecart.ingest.takings import UNITS_PER_PIECE, by_buyer, by_order, nothing_taken

IS_TAKING = "status IN ('cancel', 'return')"
"""Of an event: whether it takes back what was sold."""


def order_lines(order_events: DataFrame, catalog: DataFrame, outcomes: DataFrame | None = None) -> DataFrame:
    """ORDER_LINES: one row per sold line of a known variant, its newest version, with what is left of it.

    From ORDER_EVENTS and CATALOG (variant_id). Events of unknown variants wait outside. `outcomes` saves settling twice
    where the caller has kept them.
    """
    settled = settlement(order_events, catalog) if outcomes is None else outcomes
    given = settled.where("outcome = 'taken'").groupBy("order_id", "line_key")
    taken = given.agg(_pieces(F.sum("units")).alias("taken"))
    left = F.col("quantity") - F.coalesce("taken", F.lit(0))
    lines = _sales(order_events, catalog).join(taken, ["order_id", "line_key"], "left")
    return conform(lines.withColumn("quantity_left", left), ORDER_LINES)


def unmatched_returns(order_events: DataFrame, catalog: DataFrame, outcomes: DataFrame | None = None) -> DataFrame:
    """UNMATCHED_RETURNS: one row per taking of a known variant of which a part found no sale."""
    settled = settlement(order_events, catalog) if outcomes is None else outcomes
    missed = settled.where("outcome = 'missed'")
    quantities = missed.select("event_id", _pieces(F.col("units")).alias("quantity_unmatched"))
    return conform(_takings(order_events, catalog).join(quantities, "event_id"), UNMATCHED_RETURNS)


def settlement(order_events: DataFrame, catalog: DataFrame) -> DataFrame:
    """What lines give (order_id, line_key, units, 'taken') and what takings miss (event_id, units, 'missed').

    Units are .0001 pieces. Looks once whether there is any taking, so that a shop without them pays nothing.
    """
    if order_events.where(IS_TAKING).isEmpty():
        return nothing_taken(order_events.sparkSession)
    takings = _takings(order_events, catalog)
    linked = _linked(order_events, catalog, takings)
    found_none = linked.where("outcome = 'unlinked'").select("event_id")
    unlinked = takings.where("order_id IS NULL").unionByName(takings.join(found_none, "event_id", "left_semi"))
    left = _left_of_buyers(order_events, catalog, unlinked, linked)
    bought = by_buyer(left, _moves(unlinked.where("buyer_key IS NOT NULL")))
    nameless = _moves(unlinked.where("buyer_key IS NULL")).withColumn("outcome", F.lit("missed"))
    return linked.where("outcome <> 'unlinked'").unionByName(bought).unionByName(nameless.select(*bought.columns))


def _linked(order_events: DataFrame, catalog: DataFrame, takings: DataFrame) -> DataFrame:
    """Outcomes of the takings that name an order, against that order's lines."""
    orders = takings.select("order_id").distinct()
    sales = _sales(order_events.join(orders, "order_id", "left_semi"), catalog)
    return by_order(_moves(sales), _moves(takings.where("order_id IS NOT NULL")))


def _sales(order_events: DataFrame, catalog: DataFrame) -> DataFrame:
    """Sold lines in their newest version by source_seq, then ordered_at, then event_id."""
    newest_first = [F.desc("source_seq"), F.desc("ordered_at"), F.desc("event_id")]
    versions = Window.partitionBy("order_id", "line_key").orderBy(*newest_first)
    lines = order_events.where("status = 'sale'").withColumn("line_key", F.coalesce("line_no", "event_id"))
    newest = lines.withColumn("nth", F.row_number().over(versions)).where("nth = 1").drop("nth")
    return newest.join(catalog.select("variant_id"), "variant_id", "left_semi")


def _takings(order_events: DataFrame, catalog: DataFrame) -> DataFrame:
    """Cancellations and returns in their newest version; those without source_seq each count."""
    takings = order_events.where(IS_TAKING)
    has_line = F.col("order_id").isNotNull() & F.col("line_no").isNotNull()
    line = F.when(has_line, F.col("line_no")).otherwise(F.col("event_id"))
    newest = F.max("source_seq").over(Window.partitionBy("order_id", line, "status"))
    current = takings.withColumn("newest", newest).where("source_seq = newest").drop("newest")
    return current.join(catalog.select("variant_id"), "variant_id", "left_semi")


def _left_of_buyers(order_events: DataFrame, catalog: DataFrame, unlinked: DataFrame, linked: DataFrame) -> DataFrame:
    """Moves of the sales that the unlinked takings' buyers made of those variants, with what linked ones left."""
    pairs = unlinked.where("buyer_key IS NOT NULL").select("buyer_key", "variant_id").distinct()
    orders = order_events.join(pairs, ["buyer_key", "variant_id"], "left_semi").select("order_id").distinct()
    sales = _sales(order_events.join(orders, "order_id", "left_semi"), catalog)
    theirs = _moves(sales.join(pairs, ["buyer_key", "variant_id"], "left_semi"))
    gone = linked.where("outcome = 'taken'").groupBy("order_id", "line_key").agg(F.sum("units").alias("gone"))
    left = F.col("units") - F.coalesce("gone", F.lit(0))
    return theirs.join(gone, ["order_id", "line_key"], "left").withColumn("units", left).drop("gone")


def _moves(events: DataFrame) -> DataFrame:
    """Sales or takings as the settlement of one order or buyer needs them; quantities in whole units of .0001."""
    line_key = F.coalesce("line_no", "event_id")
    units = (F.col("quantity") * UNITS_PER_PIECE).cast("bigint")
    return events.select(
        "buyer_key",
        "variant_id",
        "order_id",
        line_key.alias("line_key"),
        "event_id",
        (F.col("status") != "sale").alias("is_taking"),
        F.unix_micros("ordered_at").alias("at"),
        "source_seq",
        units.alias("units"),
    )


def _pieces(units: Column) -> Column:
    return (units / F.lit(UNITS_PER_PIECE)).cast("decimal(18,4)")
