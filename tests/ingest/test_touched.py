"""What a day touches, settled again, beside all of it settled by hand; three hundred small shops as one."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

import shop_oracle
from builders import frame_of, told
from sidecart.contracts import silver
from sidecart.ingest.settlement import order_lines, settlement, unmatched_returns
from sidecart.ingest.touched import touched
from told_shop import CAUSES, FIRST, Event, ToldShop

SHOPS = 300
Left = dict[tuple[str, int], int]
"""What is left of a line, by its order (with the shop's number) and its moment."""


@dataclass(frozen=True)
class Night:
    """A shop's events and catalogue before and after a day."""

    before: frozenset[Event]
    known: frozenset[str]
    after: frozenset[Event]
    catalog: frozenset[str]

    def news(self) -> frozenset[Event]:
        """Events that are new, or whose variant the catalogue gained or lost."""
        moved = self.known ^ self.catalog
        return frozenset(e for e in self.after if e not in self.before or e.variant in moved)


def _night(seed: int) -> Night:
    """Two buyers' orders, so that a return finds many sales, and a day of four causes."""
    chance = random.Random(seed)
    shop = ToldShop(chance, buyers=["u0", "u1"])
    for _ in range(8):
        shop.new_orders()
    for cause in chance.choices(CAUSES, k=6):
        cause(shop)
    shop.end_day()
    before, known = frozenset(shop.events), frozenset(shop.catalog)
    for cause in chance.choices(CAUSES, k=4):
        cause(shop)
    shop.end_day()
    return Night(before, known, frozenset(shop.events), frozenset(shop.catalog))


def _row(shop: int, event: Event) -> Mapping[str, Any]:
    return {
        "event_id": f"{shop}:{event.at}",
        "order_id": (event.order and f"{shop}:{event.order}") or None,
        "line_no": event.line or None,
        "buyer_key": (event.buyer and f"{shop}:{event.buyer}") or None,
        "variant_id": f"{shop}:{event.variant}",
        "quantity": event.quantity,
        "ordered_at": FIRST + timedelta(seconds=event.at),
        "status": event.status,
        "source_seq": event.seq,
    }


def _by_hand(nights: list[Night], *, is_after: bool) -> tuple[Left, dict[str, int]]:
    """What is left of every line, and what every taking missed, by its event."""
    left: Left = {}
    missed: dict[str, int] = {}
    for shop, night in enumerate(nights):
        of_side = (night.after, night.catalog) if is_after else (night.before, night.known)
        settled = shop_oracle.settled(*of_side)
        left |= {(f"{shop}:{sale.order}", sale.at): settled.left[line] for line, sale in settled.sold.items()}
        missed |= {f"{shop}:{taking.at}": pieces for taking, pieces in settled.missed.items()}
    return left, missed


def _events(spark: SparkSession, of_shops: Iterable[Iterable[Event]]) -> DataFrame:
    rows = (_row(shop, event) for shop, events in enumerate(of_shops) for event in sorted(events, key=lambda e: e.at))
    return frame_of(spark, silver.ORDER_EVENTS, *rows)


def _left(lines: DataFrame) -> Left:
    seconds = f"unix_timestamp(ordered_at) - {int(FIRST.timestamp())}"
    rows = lines.selectExpr("order_id", f"{seconds} AS at", "int(quantity_left) AS left")
    return {(order, at): left for order, at, left in told(rows, "order_id", "at", "left")}


@pytest.mark.slow
def test_what_a_day_touches_settled_again_is_all_settled_again(spark: SparkSession) -> None:
    nights = [_night(seed) for seed in range(SHOPS)]
    goods = ({"variant_id": f"{n}:{v}"} for n, night in enumerate(nights) for v in sorted(night.catalog))
    catalog = frame_of(spark, silver.CATALOG, *goods)

    def kept(_: str, frame: DataFrame) -> DataFrame:
        return spark.createDataFrame(frame.toArrow(), frame.schema)

    events = _events(spark, (night.after for night in nights))
    again = touched(events, _events(spark, (night.news() for night in nights)), kept)
    outcomes = kept("settlement", settlement(again.events, catalog))
    lines = order_lines(again.events, catalog, outcomes).join(again.orders, "order_id", "left_semi")
    missed = unmatched_returns(again.events, catalog, outcomes).join(again.takings, "event_id", "left_semi")

    orders, takings = set(told(again.orders, "order_id")), set(told(again.takings, "event_id"))
    left_before, missed_before = _by_hand(nights, is_after=False)
    left_after, missed_after = _by_hand(nights, is_after=True)
    stayed = {line: left for line, left in left_before.items() if line[0] not in orders}
    assert stayed | _left(lines) == left_after
    waited = {taking: pieces for taking, pieces in missed_before.items() if taking not in takings}
    told_missed = missed.selectExpr("event_id", "int(quantity_unmatched) AS pieces")
    assert waited | dict(told(told_missed, "event_id", "pieces")) == missed_after
    assert len(stayed) > len(left_after) / 4
