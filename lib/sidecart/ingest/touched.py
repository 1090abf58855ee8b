"""Touched orders: those that a day's events can have changed, and the events that settle them.

What is left of a line hangs on the events of its order, and on takings without a sale of their own: those take from the
earlier sales of the same buyer and variant, whatever the order. So a changed order can change others, one step away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import DataFrame

from sidecart.ingest.settlement import IS_TAKING

_PAIR = ["buyer_key", "variant_id"]


@dataclass(frozen=True)
class Touched:
    """What is settled again."""

    orders: DataFrame
    """order_id: every order of which a line can be another one."""
    events: DataFrame
    """ORDER_EVENTS that settle these orders as all events do."""
    takings: DataFrame
    """event_id: cancellations and returns whose unmatched part can be another one."""


def touched(order_events: DataFrame, news: DataFrame, keep: Callable[[str, DataFrame], DataFrame]) -> Touched:
    """What events that are new (or whose variant the catalogue gained or lost) can have changed.

    `order_events`: all, `news` among them. `keep` writes a frame once and gives it back as read.
    """
    named = keep("touched_orders", news.where("order_id IS NOT NULL").select("order_id").distinct())
    loose_news = news.where("order_id IS NULL")
    own = keep("touched_events", order_events.join(named, "order_id", "left_semi").unionByName(loose_news))
    takings = order_events.where(IS_TAKING).select(*_PAIR)
    shared = keep("touched_pairs", takings.join(_pairs(own), _PAIR, "left_semi").distinct())
    if shared.isEmpty():
        return Touched(named, own, own.where(IS_TAKING).select("event_id"))
    theirs = order_events.join(shared, _PAIR, "left_semi")
    orders = keep("reached_orders", _orders(theirs).unionByName(named).distinct())
    of_orders = order_events.join(orders, "order_id", "left_semi")
    asked = keep("reached_pairs", takings.join(_pairs(of_orders.unionByName(own)), _PAIR, "left_semi").distinct())
    answering = keep("answering_events", order_events.join(asked, _PAIR, "left_semi"))
    every_order = keep("answering_orders", _orders(answering).unionByName(orders).distinct())
    loose = answering.where("order_id IS NULL").unionByName(loose_news).dropDuplicates(["event_id"])
    events = keep("settled_events", order_events.join(every_order, "order_id", "left_semi").unionByName(loose))
    resettled = [
        events.join(orders, "order_id", "left_semi"),
        events.where("order_id IS NULL").join(shared, _PAIR, "left_semi"),
        loose_news,
    ]
    again = resettled[0].unionByName(resettled[1]).unionByName(resettled[2]).where(IS_TAKING)
    return Touched(orders, events, again.select("event_id").distinct())


def held_variants(catalog: DataFrame, *named: DataFrame) -> DataFrame:
    """Variants (variant_id) that one of the frames names and the catalogue lacks (contract held_variants)."""
    every = named[0].select("variant_id")
    for frame in named[1:]:
        every = every.unionByName(frame.select("variant_id"))
    return every.distinct().join(catalog.select("variant_id"), "variant_id", "left_anti")


def moved_variants(held: DataFrame, known: DataFrame, catalog: DataFrame) -> DataFrame:
    """Variants (variant_id) that events or views may name and that the catalogue gained (they were held) or lost.

    `held`: HELD_VARIANTS before; `known`: CATALOG before.
    """
    now = catalog.select("variant_id")
    gained = held.join(now, "variant_id", "left_semi").select("variant_id")
    return gained.unionByName(known.select("variant_id").join(now, "variant_id", "left_anti"))


def _pairs(events: DataFrame) -> DataFrame:
    return events.select(*_PAIR).where("buyer_key IS NOT NULL").distinct()


def _orders(events: DataFrame) -> DataFrame:
    return events.where("order_id IS NOT NULL").select("order_id").distinct()
