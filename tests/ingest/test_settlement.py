"""What is left of sold lines: cancellations and returns, linked or not, in any order of arrival."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from builders import NOON, filled
from ingest.conftest import rows_of
from sidecart.contracts import silver
from sidecart.contracts.frames import rows
from sidecart.ingest.settlement import order_lines, unmatched_returns


@dataclass(frozen=True)
class Event:
    """One order event in shop words; `day` counts from 1 March."""

    id: str
    status: str = "sale"
    order: str | None = "o1"
    line: str | None = None
    buyer: str | None = "ann"
    variant: str = "milk"
    quantity: int = 1
    day: int = 1
    seq: int = 0


def _frame(spark: SparkSession, events: list[Event]) -> DataFrame:
    return rows(spark, silver.ORDER_EVENTS, [filled(silver.ORDER_EVENTS, _row(event)) for event in events])


def _row(event: Event) -> dict[str, Any]:
    return {
        "event_id": event.id,
        "status": event.status,
        "order_id": event.order,
        "line_no": event.line,
        "buyer_key": event.buyer,
        "variant_id": event.variant,
        "quantity": Decimal(event.quantity),
        "ordered_at": NOON + timedelta(days=event.day),
        "source_seq": event.seq,
    }


def _catalog(spark: SparkSession) -> DataFrame:
    return rows(spark, silver.CATALOG, [filled(silver.CATALOG, {"variant_id": v}) for v in ("milk", "bread")])


def _settled(spark: SparkSession, *events: Event) -> tuple[dict[str, int], dict[str, int]]:
    """What is left by line (order/line), and what is unmatched by event."""
    frame, catalog = _frame(spark, list(events)), _catalog(spark)
    left = rows_of(order_lines(frame, catalog), "order_id", "line_key", "quantity_left")
    missed = rows_of(unmatched_returns(frame, catalog), "event_id", "quantity_unmatched")
    return {f"{order}/{line}": int(n) for order, line, n in left}, {event: int(n) for event, n in missed}


SITUATIONS: list[tuple[str, list[Event], dict[str, int], dict[str, int]]] = [
    ("a sale stays whole", [Event("a", line="1", quantity=3)], {"o1/1": 3}, {}),
    (
        "a partial return takes from its line",
        [Event("a", line="1", quantity=3), Event("b", "return", line="1", quantity=2, day=2)],
        {"o1/1": 1},
        {},
    ),
    (
        "a cancellation may arrive dated before its sale",
        [Event("a", "cancel", line="1", quantity=2, day=1), Event("b", line="1", quantity=2, day=2)],
        {"o1/1": 0},
        {},
    ),
    (
        "more returned than bought is unmatched, other orders are not touched",
        [
            Event("a", order="o0", line="1", quantity=9),
            Event("b", line="1", quantity=2),
            Event("c", "return", line="1", quantity=5, day=2),
        ],
        {"o0/1": 9, "o1/1": 0},
        {"c": 3},
    ),
    (
        "without a line number a return takes from the order's lines of its variant, the newest first",
        [
            Event("a", line="1", quantity=2, day=1),
            Event("b", line="2", quantity=2, day=2),
            Event("c", line="3", quantity=2, variant="bread"),
            Event("d", "return", quantity=3, day=3),
        ],
        {"o1/1": 1, "o1/2": 0, "o1/3": 2},
        {},
    ),
    (
        "a return with a number of its own takes from the buyer's earlier sales, the newest first",
        [
            Event("a", order="o1", line="1", quantity=2, day=1),
            Event("b", order="o2", line="1", quantity=2, day=2),
            Event("c", order="o3", line="1", quantity=2, day=9),
            Event("d", "return", order="C7", line="1", quantity=3, day=5),
        ],
        {"o1/1": 1, "o2/1": 0, "o3/1": 2},
        {},
    ),
    (
        "a return without order and buyer matches nothing",
        [Event("a", line="1", quantity=2), Event("b", "return", order=None, buyer=None, day=2)],
        {"o1/1": 2},
        {"b": 1},
    ),
    (
        "a return finds no sale of another buyer",
        [Event("a", line="1", quantity=2), Event("b", "return", order=None, buyer="bob", day=2)],
        {"o1/1": 2},
        {"b": 1},
    ),
    (
        "the newest version of a line is the truth",
        [Event("a", line="1", quantity=2, seq=2), Event("b", line="1", quantity=5, seq=1, day=9)],
        {"o1/1": 2},
        {},
    ),
    (
        "a line sold again after its cancellation stands",
        [
            Event("a", line="1", quantity=2, seq=1),
            Event("b", "cancel", line="1", quantity=2, seq=2, day=2),
            Event("c", line="1", quantity=2, seq=3, day=3),
        ],
        {"o1/1": 2},
        {},
    ),
    ("an adjustment is no basket", [Event("a", "adjust", line="1", quantity=2)], {}, {}),
    (
        "a sale whose variant nobody knows waits",
        [Event("a", line="1", variant="beer"), Event("b", "return", order=None, variant="beer", day=2)],
        {},
        {},
    ),
    (
        "two lines without numbers stay two lines",
        [Event("a", quantity=2), Event("b", quantity=1)],
        {"o1/a": 2, "o1/b": 1},
        {},
    ),
]


def test_every_situation_is_settled_as_the_shop_expects(spark: SparkSession) -> None:
    """All situations at once, each with orders and buyers of its own: one run of Spark."""
    events: list[Event] = []
    left: dict[str, Any] = {}
    missed: dict[str, Any] = {}
    for i, (_, these, lines, unmatched) in enumerate(SITUATIONS):
        events += [_apart(event, i) for event in these]
        left |= {f"{i}-{key}" if key[3:].isdigit() else f"{i}-{key[:3]}{i}-{key[3:]}": n for key, n in lines.items()}
        missed |= {f"{i}-{key}": n for key, n in unmatched.items()}
    assert _settled(spark, *events) == (left, missed)


def _apart(event: Event, situation: int) -> Event:
    return replace(
        event,
        id=f"{situation}-{event.id}",
        order=event.order and f"{situation}-{event.order}",
        buyer=event.buyer and f"{situation}-{event.buyer}",
    )


def test_a_shop_without_returns_has_none_unmatched(spark: SparkSession) -> None:
    assert _settled(spark, Event("a", line="1", quantity=2)) == ({"o1/1": 2}, {})


@dataclass
class Oracle:
    """The rules of settlement said once more, piece by piece, without Spark."""

    events: list[Event]
    left: dict[tuple[str, str], int] = field(default_factory=dict)
    missed: dict[str, int] = field(default_factory=dict)

    def settle(self) -> Oracle:
        self.sales = self._newest_sales()
        self.left = {key: sale.quantity for key, sale in self.sales.items()}
        takings = sorted(self._newest_takings(), key=lambda t: (t.day, t.order or "", t.line or t.id, t.id))
        for order in {taking.order for taking in takings if taking.order}:
            self._settle_order(order, [taking for taking in takings if taking.order == order])
        for taking in takings:
            if not self._is_linked(taking):
                self._miss(taking, self._take(self._earlier_of_buyer(taking), taking.quantity))
        return self

    def _newest_sales(self) -> dict[tuple[str, str], Event]:
        sales: dict[tuple[str, str], Event] = {}
        for event in sorted(self.events, key=lambda e: (e.seq, e.day, e.id)):
            if event.status == "sale":
                sales[event.order or "", event.line or event.id] = event
        return sales

    def _newest_takings(self) -> list[Event]:
        takings = [event for event in self.events if event.status in ("return", "cancel")]

        def same(a: Event, b: Event) -> bool:
            return bool(a.line and a.order) and (a.order, a.line, a.status) == (b.order, b.line, b.status)

        return [t for t in takings if not any(same(t, other) and other.seq > t.seq for other in takings)]

    def _is_linked(self, taking: Event) -> bool:
        own = [sale for (order, _), sale in self.sales.items() if order == taking.order]
        return (taking.order, taking.line) in self.sales or any(sale.variant == taking.variant for sale in own)

    def _settle_order(self, order: str, takings: list[Event]) -> None:
        rests = []
        for taking in takings:
            line = self.sales.get((order, taking.line or taking.id))
            if not self._is_linked(taking) or (line and 0 < taking.seq < line.seq):
                continue
            rests.append((taking, self._take([(order, taking.line or "")] if line else [], taking.quantity)))
        for taking, rest in rests:
            keys = [key for key, s in self._newest_first() if key[0] == order and s.variant == taking.variant]
            self._miss(taking, self._take(keys, rest))

    def _newest_first(self) -> list[tuple[tuple[str, str], Event]]:
        return sorted(self.sales.items(), key=lambda item: (item[1].day, *item[0]), reverse=True)

    def _earlier_of_buyer(self, taking: Event) -> list[tuple[str, str]]:
        return [
            key
            for key, sale in self._newest_first()
            if taking.buyer and (sale.buyer, sale.variant) == (taking.buyer, taking.variant) and sale.day <= taking.day
        ]

    def _take(self, keys: list[tuple[str, str]], pieces: int) -> int:
        for _ in range(pieces):
            key = next((key for key in keys if self.left[key]), None)
            if key is None:
                return pieces
            self.left[key] -= 1
            pieces -= 1
        return pieces

    def _miss(self, taking: Event, pieces: int) -> None:
        if pieces:
            self.missed[taking.id] = pieces


_STATUSES = st.sampled_from(["sale", "sale", "return", "cancel"])


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Up to 14 events of two orders' sales and of takings that name an order, a line, a buyer, or none of them."""
    events = []
    for i in range(draw(st.integers(1, 14))):
        status = draw(_STATUSES)
        orders = ["o1", "o2"] if status == "sale" else ["o1", "C1", None]
        events.append(
            Event(
                id=f"e{i:02}",
                status=status,
                order=draw(st.sampled_from(orders)),
                line=draw(st.sampled_from(["1", "2", None])),
                buyer=draw(st.sampled_from(["ann", "bob", None])),
                variant=draw(st.sampled_from(["milk", "bread"])),
                quantity=draw(st.integers(1, 4)),
                day=draw(st.integers(1, 4)),
                seq=draw(st.sampled_from([0, 0, 1, 2])),
            )
        )
    return events


@pytest.mark.slow
@settings(max_examples=2)
@given(st.lists(histories(), min_size=40, max_size=40), st.randoms(use_true_random=False))
def test_settlement_equals_the_rules_said_otherwise_whatever_the_order_of_rows(
    spark: SparkSession, shops: list[list[Event]], chance: Any
) -> None:
    events = [_apart(event, i) for i, shop in enumerate(shops) for event in shop]
    oracle = Oracle(events).settle()
    shuffled = list(events)
    chance.shuffle(shuffled)
    frame, catalog = _frame(spark, shuffled).repartition(3), _catalog(spark)
    left = rows_of(order_lines(frame, catalog), "order_id", "line_key", "quantity_left")
    missed = rows_of(unmatched_returns(frame, catalog), "event_id", "quantity_unmatched")
    assert {(order, line): int(n) for order, line, n in left} == oracle.left
    assert {event: int(n) for event, n in missed} == oracle.missed
