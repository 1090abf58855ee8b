"""Touched orders: those that a day's events can have changed, and the events that settle them.

What is left of a line hangs on the events of its order, and on takings without a sale of their own: those take from the
earlier sales of the same buyer and variant, whatever the order. So a changed order can change others, one step away.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame

from sidecart.contracts.frames import Keep
from sidecart.ingest.settlement import IS_TAKING
from sidecart.near import near

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


def touched(order_events: DataFrame, news: DataFrame, keep: Keep) -> Touched:
    """What events that are new (or whose variant the catalogue gained or lost) can have changed.

    `order_events`: all, `news` among them. `keep` writes a frame once and gives it back as read.
    """
    named = keep("touched_orders", news.where("order_id IS NOT NULL").select("order_id").distinct())
    loose_news = news.where("order_id IS NULL")
    own = keep("touched_events", near(order_events, named, "order_id").unionByName(loose_news))
    # All that pairs are asked of is some buyer's: theirs once, and not all of history for each question.
    theirs = keep("their_events", order_events.join(_buyers(own), "buyer_key", "left_semi"))
    shared = keep("touched_pairs", _taken_back(theirs, own))
    if shared.isEmpty():
        return Touched(named, own, own.where(IS_TAKING).select("event_id"))
    orders = keep("reached_orders", _orders(theirs.join(shared, _PAIR, "left_semi")).unionByName(named).distinct())
    of_orders = keep("reached_events", order_events.join(orders, "order_id", "left_semi"))
    others = keep("other_buyers", _buyers(of_orders).join(_buyers(own), "buyer_key", "left_anti"))
    if not others.isEmpty():
        theirs = theirs.unionByName(order_events.join(others, "buyer_key", "left_semi"))
    asked = keep("reached_pairs", _taken_back(theirs, of_orders.unionByName(own)))
    answering = keep("answering_events", theirs.join(asked, _PAIR, "left_semi"))
    more = keep("answering_orders", _orders(answering).join(orders, "order_id", "left_anti"))
    loose = answering.where("order_id IS NULL").unionByName(loose_news).dropDuplicates(["event_id"])
    of_more = order_events.join(more, "order_id", "left_semi")
    events = keep("settled_events", of_orders.unionByName(of_more).unionByName(loose))
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


def _taken_back(of_buyers: DataFrame, asking: DataFrame) -> DataFrame:
    """The buyers' variants of `asking` of which there is a taking; `of_buyers`: all events of its buyers."""
    return of_buyers.where(IS_TAKING).select(*_PAIR).join(_pairs(asking), _PAIR, "left_semi").distinct()


def _pairs(events: DataFrame) -> DataFrame:
    return events.select(*_PAIR).where("buyer_key IS NOT NULL").distinct()


def _buyers(events: DataFrame) -> DataFrame:
    return events.select("buyer_key").where("buyer_key IS NOT NULL").distinct()


def _orders(events: DataFrame) -> DataFrame:
    return events.where("order_id IS NOT NULL").select("order_id").distinct()
