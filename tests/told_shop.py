"""A shop that tells a day at a time what happened, and every cause that changes its past; by chance, however drawn."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
"""The morning of day 0."""
GOODS = {f"v{n}": (f"{'abc'[n % 3]}{n % 2}", f"g{n // 2}") for n in range(16)}
"""Variants that the catalogue holds from the first day on, with category and group."""
AWAITED = {"v90": ("a1", "g1"), "v91": ("b0", "g90")}
"""Variants that orders and views name before the catalogue brings them."""
PATHS = {"oslo": ("root", "north", "oslo"), "bergen": ("root", "north", "bergen"), "rome": ("root", "rome")}
"""The regions that orders name, each with what stands above it."""
BUYERS = tuple(f"u{n}" for n in range(20))
_DAY = 86_400
_MOST_GONE = 2
"""The catalogue may lose no larger share at once."""

_Row = TypeVar("_Row")


@dataclass(frozen=True)
class Event:
    """A row of orders; empty where it names none. Times are seconds after FIRST, and no two are the same."""

    order: str
    line: str
    buyer: str
    variant: str
    region: str
    quantity: int
    at: int
    status: str = "sale"
    seq: int = 0


@dataclass(frozen=True)
class View:
    """A row of views."""

    session: str
    buyer: str
    variant: str
    region: str
    at: int


@dataclass
class ToldShop:
    """What was told until last night (`events`, `views`), what is told tonight (`news`, `seen`), and how things are."""

    chance: random.Random
    day: int = 1
    events: list[Event] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    news: list[Event] = field(default_factory=list)
    seen: list[View] = field(default_factory=list)
    put_off: list[Event] = field(default_factory=list)
    """Told with tomorrow's rows though they are today's."""
    repeated: list[Event] = field(default_factory=list)
    """Told once more, in a file of their own."""
    catalog: dict[str, tuple[str, str]] = field(default_factory=lambda: dict(GOODS))
    ever_known: set[str] = field(default_factory=lambda: set(GOODS))
    buyers: list[str] = field(default_factory=lambda: list(BUYERS))
    orders: dict[str, list[Event]] = field(default_factory=dict)
    """Sold lines of each order as told last, also where they are still to be told."""
    announced: list[str] = field(default_factory=list)
    """Orders that were cancelled before they were told."""
    _times: set[int] = field(default_factory=set)
    _seq: int = 0

    @property
    def as_of(self) -> datetime:
        return FIRST + timedelta(days=self.day)

    def end_day(self) -> None:
        """What was told tonight is of the past."""
        self.events = list(dict.fromkeys([*self.events, *self.news, *self.repeated]))
        self.views += self.seen
        self.news, self.put_off = self.put_off, []
        self.seen, self.repeated = [], []
        self.ever_known |= set(self.catalog)
        self.day += 1

    # What happens

    def new_orders(self) -> None:
        for _ in range(self.chance.randint(1, 3)):
            self._order(self._time(self.day - 1, self.day))

    def late_order(self) -> None:
        self._order(self._time(-self.chance.choice([1, 30, 400]), self.day))

    def small_orders_of_newcomers(self) -> None:
        """More who buy little: the share of extremes then reaches others."""
        for _ in range(self.chance.randint(1, 4)):
            self._order(self._time(self.day - 1, self.day), what=[self.chance.choice(sorted(GOODS))], buyer="")

    def corrected_line(self) -> None:
        if line := self._some_line():
            variant = self.chance.choice(sorted(GOODS))
            self._tell_again(line, variant=variant, quantity=self.chance.randint(1, 3))

    def correction_out_of_date(self) -> None:
        """A line as it was before it was corrected, told too late."""
        if line := self._some_line():
            seq = max(0, line.seq - self.chance.randint(1, 9))
            self.news.append(replace(line, variant=self.chance.choice(sorted(GOODS)), at=self._today(), seq=seq))

    def moved_order(self) -> None:
        """To another region, and in the end to another buyer."""
        if line := self._some_line():
            region, buyer = (
                self.chance.choice(sorted(PATHS)),
                self.chance.choice([line.buyer, line.buyer, self._buyer()]),
            )
            for each in list(self.orders[line.order]):
                self._tell_again(each, region=region, buyer=buyer)

    def linked_return(self) -> None:
        """By its line, by its order and variant, or by a line that is none."""
        if line := self._some_line():
            self._take(line, order=line.order, line=self.chance.choice([line.line, line.line, "", "99"]))

    def unlinked_return(self) -> None:
        """At any time: also before the sale, and when nothing was sold."""
        if line := self._some_line():
            self._take(line, order="", line="", at=self._time(-1, self.day))

    def return_of_another_order(self) -> None:
        """It names an order that holds no such variant."""
        if (line := self._some_line()) and (other := self._some_line()):
            self._take(line, order=other.order, line="")

    def cancelled_before_told(self) -> None:
        order = f"o{len(self.orders) + len(self.announced)}"
        self.announced.append(order)
        variant = self.chance.choice(sorted(GOODS))
        told = Event(order, "1", self._buyer(), variant, self._region(), 1, self._today(), "cancel", self._next())
        self.news.append(told)

    def recategorised_variant(self) -> None:
        variant = self.chance.choice(sorted(self.catalog))
        self.catalog[variant] = self.chance.choice(["a0", "b1", "c"]), self.catalog[variant][1]

    def regrouped_variant(self) -> None:
        variant = self.chance.choice(sorted(self.catalog))
        self.catalog[variant] = self.catalog[variant][0], f"g{self.chance.randrange(9)}"

    def delisted_variant(self) -> None:
        if len(GOODS.keys() - self.catalog.keys()) < _MOST_GONE:
            del self.catalog[self.chance.choice(sorted(GOODS.keys() & self.catalog.keys()))]

    def variants_back(self) -> None:
        self.catalog = GOODS | self.catalog

    def awaited_variant(self) -> None:
        """The catalogue brings what orders and views named before."""
        variant = self.chance.choice(sorted(AWAITED))
        self.catalog.setdefault(variant, AWAITED[variant])

    def looks(self) -> None:
        for _ in range(self.chance.randint(1, 6)):
            session, variant = f"s{self.chance.randrange(4 * self.day)}", self.chance.choice([*GOODS, *AWAITED])
            self.seen.append(View(session, self._buyer(), variant, self._region(), self._today()))

    def day_out_of_order(self) -> None:
        """What is known of today comes with tomorrow's rows."""
        self.put_off, self.news = self.put_off + self.news, []

    def told_twice(self) -> None:
        """A part of today's and of older rows in one more file."""
        older = self.chance.sample(self.events, min(3, len(self.events)))
        self.repeated += [e for e in older if e.buyer in ("", *self.buyers)] + self.news[::2]

    def erased_buyer(self) -> str | None:
        """A buyer whom the shop forgets, with all their rows; None where hardly anybody is left."""
        if len(self.buyers) < 5:
            return None
        buyer = self.chance.choice(self.buyers)
        self.buyers.remove(buyer)
        gone = set(rows_of(buyer, [*self.events, *self.news, *self.put_off]))
        for rows in (self.events, self.news, self.put_off, self.repeated):
            rows[:] = [row for row in rows if row not in gone]
        self.views = _seen_by_others(buyer, self.views)
        self.seen = _seen_by_others(buyer, self.seen)
        orders = {e.order for e in gone}
        self.orders = {order: lines for order, lines in self.orders.items() if order not in orders}
        return buyer

    # How it is told

    def _order(self, at: int, what: list[str] | None = None, buyer: str | None = None) -> None:
        order = self.announced.pop(0) if self.announced else f"o{len(self.orders)}"
        who, where = self._buyer() if buyer is None else buyer, self._region()
        goods = what or self.chance.sample([*GOODS, *AWAITED], self.chance.choice([1, 2, 2, 3, 4, 6, 7]))
        has_lines = self.chance.random() < 0.8
        lines = []
        for n, variant in enumerate(goods, 1):
            line, quantity = str(n) if has_lines else "", self.chance.choice([1, 1, 2])
            lines.append(Event(order, line, who, variant, where, quantity, self._free(at), seq=self._next()))
        self.orders[order] = lines
        self.news += lines

    def _some_line(self) -> Event | None:
        if not self.orders:
            return None
        return self.chance.choice(self.orders[self.chance.choice(sorted(self.orders))])

    def _tell_again(
        self, line: Event, variant: str = "", quantity: int = 0, region: str = "", buyer: str | None = None
    ) -> None:
        """A newer version of a line; of one without a number another line, as its content is its name."""
        newer = replace(
            line,
            variant=variant or line.variant,
            quantity=quantity or line.quantity,
            region=region or line.region,
            buyer=line.buyer if buyer is None else buyer,
            at=self._today(),
            seq=self._next() if line.seq else 0,
        )
        self.orders[line.order] = [newer if each == line else each for each in self.orders[line.order]]
        self.news.append(newer)

    def _take(self, sold: Event, order: str, line: str, at: int | None = None) -> None:
        status, quantity = self.chance.choice(["return", "cancel"]), self.chance.choice([1, 1, 2, 5])
        when = self._today() if at is None else at
        taking = Event(order, line, sold.buyer, sold.variant, sold.region, quantity, when, status, self._next())
        self.news.append(taking)

    def _buyer(self) -> str:
        return self.chance.choice(["", *self.buyers])

    def _region(self) -> str:
        return self.chance.choice(sorted(PATHS))

    def _today(self) -> int:
        return self._time(self.day - 1, self.day)

    def _time(self, first: float, last: float) -> int:
        return self._free(self.chance.randint(int(first * _DAY), int(last * _DAY) - 100))

    def _free(self, at: int) -> int:
        """The moment or the next at which nothing happened: what happens at once is settled by the hash of its row."""
        while at in self._times:
            at += 1
        self._times.add(at)
        return at

    def _next(self) -> int:
        """A source_seq that is newer than all; now and then none."""
        self._seq += 10
        return self._seq if self.chance.random() < 0.9 else 0


CAUSES: tuple[Callable[[ToldShop], None], ...] = (
    ToldShop.new_orders,
    ToldShop.late_order,
    ToldShop.small_orders_of_newcomers,
    ToldShop.day_out_of_order,
    ToldShop.corrected_line,
    ToldShop.correction_out_of_date,
    ToldShop.moved_order,
    ToldShop.linked_return,
    ToldShop.unlinked_return,
    ToldShop.return_of_another_order,
    ToldShop.cancelled_before_told,
    ToldShop.recategorised_variant,
    ToldShop.regrouped_variant,
    ToldShop.delisted_variant,
    ToldShop.variants_back,
    ToldShop.awaited_variant,
    ToldShop.looks,
    ToldShop.told_twice,
)
"""What changes a shop's past, and what adds to it."""


@dataclass
class Arcade:
    """Shops beside one another that keep their books together: as one shop, with goods, buyers and orders of each."""

    shops: list[ToldShop]

    @property
    def day(self) -> int:
        return self.shops[0].day

    @property
    def as_of(self) -> datetime:
        return self.shops[0].as_of

    @property
    def events(self) -> list[Event]:
        return self._told(_event_of, lambda shop: shop.events)

    @property
    def news(self) -> list[Event]:
        return self._told(_event_of, lambda shop: shop.news)

    @property
    def repeated(self) -> list[Event]:
        return self._told(_event_of, lambda shop: shop.repeated)

    @property
    def views(self) -> list[View]:
        return self._told(_view_of, lambda shop: shop.views)

    @property
    def seen(self) -> list[View]:
        return self._told(_view_of, lambda shop: shop.seen)

    @property
    def catalog(self) -> dict[str, tuple[str, str]]:
        return {
            _named(nth, variant): (category, _named(nth, group))
            for nth, shop in enumerate(self.shops)
            for variant, (category, group) in shop.catalog.items()
        }

    @property
    def ever_known(self) -> set[str]:
        return {_named(nth, variant) for nth, shop in enumerate(self.shops) for variant in shop.ever_known}

    def _told(self, named: Callable[[int, _Row], _Row], of: Callable[[ToldShop], list[_Row]]) -> list[_Row]:
        """Rows of every shop, by the arcade's names."""
        return [named(nth, row) for nth, shop in enumerate(self.shops) for row in of(shop)]

    def end_day(self) -> None:
        for shop in self.shops:
            shop.end_day()

    def erased_buyers(self) -> list[str]:
        """One of every shop that has enough of them."""
        erased = [(nth, shop.erased_buyer()) for nth, shop in enumerate(self.shops)]
        return [_named(nth, buyer) for nth, buyer in erased if buyer]


def _event_of(shop: int, row: Event) -> Event:
    buyer, variant = _named(shop, row.buyer), _named(shop, row.variant)
    return replace(row, order=_named(shop, row.order), buyer=buyer, variant=variant)


def _view_of(shop: int, row: View) -> View:
    buyer, variant = _named(shop, row.buyer), _named(shop, row.variant)
    return replace(row, session=_named(shop, row.session), buyer=buyer, variant=variant)


def _named(shop: int, name: str) -> str:
    """What a shop of an arcade calls so; nothing stays nothing."""
    return f"{shop}-{name}" if name else ""


def rows_of(buyer: str, events: Iterable[Event]) -> list[Event]:
    """Rows that name the buyer, and nameless ones of orders that name nobody else."""
    told = list(events)
    named = {e.order for e in told if e.buyer == buyer and e.order}
    shared = {e.order for e in told if e.buyer not in ("", buyer)}
    return [e for e in told if e.buyer == buyer or (not e.buyer and e.order in named - shared)]


def _seen_by_others(buyer: str, views: list[View]) -> list[View]:
    named = {v.session for v in views if v.buyer == buyer}
    shared = {v.session for v in views if v.buyer not in ("", buyer)}
    return [v for v in views if v.buyer != buyer and (v.buyer or v.session not in named - shared)]


def hand_over(shop: ToldShop | Arcade, landing: Path) -> None:
    """Write tonight's files."""
    _write_parts(landing / "orders", shop.day, _ORDERS, {"": shop.news, "_again": shop.repeated})
    _write_parts(landing / "views", shop.day, _VIEWS, {"": shop.seen})
    listed = [f"{v},{group},{category},{v}" for v, (category, group) in sorted(shop.catalog.items())]
    _write(landing / "catalog.csv", "variant_id,group_id,category_id,name", listed)
    tree = [row for c in "abc" for row in (f"{c},,{c}", f"{c}0,{c},x", f"{c}1,{c},x")]
    _write(landing / "categories.csv", "category_id,parent_id,name", tree)
    regions = ["north,,n", "oslo,north,o", "bergen,north,b", "rome,,r"]
    _write(landing / "regions.csv", "region_id,parent_id,name", regions)


_ORDERS = "order_id,line_no,buyer_id,variant_id,region_id,quantity,ordered_at,status,source_seq"
_VIEWS = "session_id,buyer_id,variant_id,region_id,viewed_at"


def _write_parts(folder: Path, day: int, header: str, parts: dict[str, list[Event]] | dict[str, list[View]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for ending, rows in parts.items():
        if rows:
            _write(folder / f"day{day:03}{ending}.csv", header, map(_told, rows))


def _told(row: Event | View) -> str:
    at = (FIRST + timedelta(seconds=row.at)).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(row, View):
        return f"{row.session},{row.buyer},{row.variant},{row.region},{at}"
    what = f"{row.order},{row.line},{row.buyer},{row.variant},{row.region},{row.quantity}"
    return f"{what},{at},{row.status},{row.seq or ''}"


def _write(file: Path, header: str, rows: Iterable[str]) -> None:
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
