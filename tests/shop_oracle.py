"""What a told shop comes to, from nothing and by hand: pieces taken back one after the other, pairs met one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import product

from sidecart.settings import BasketSettings
from told_shop import PATHS, Event, View

Line = tuple[str, str | Event]
"""An order and its line; one without a number is known by its row."""
Support = dict[tuple[str, str, str], tuple[int, int]]
"""Buyers and baskets by region, anchor and candidate; an anchor with itself is the anchor's."""


@dataclass(frozen=True)
class Basket:
    """What is left of an order."""

    order: str
    buyer: str
    region: str
    variants: frozenset[str]


@dataclass
class Settled:
    """What is left of each sold line, and the pieces of each taking that found no sale."""

    sold: dict[Line, Event]
    left: dict[Line, int]
    missed: dict[Event, int]


def settled(events: Iterable[Event], catalog: Collection[str]) -> Settled:
    """Settle all that was ever told of variants that the catalogue knows."""
    told = set(events)
    sold = {line: sale for line, sale in _newest_sales(told).items() if sale.variant in catalog}
    takings = sorted((e for e in _current_takings(told) if e.variant in catalog), key=lambda e: e.at)
    shop = Settled(sold, {line: sale.quantity for line, sale in sold.items()}, {})
    loose = [taking for taking in takings if not taking.order or not _names_a_sale(shop, taking)]
    linked = [taking for taking in takings if taking not in set(loose) and not _is_superseded(shop, taking)]
    rest = {taking: _take(shop, [(taking.order, taking.line)], taking.quantity) for taking in linked}
    for taking in linked:
        same = [line for line, sale in sold.items() if line[0] == taking.order and sale.variant == taking.variant]
        shop.missed[taking] = _take(shop, same, rest[taking])
    for taking in loose:
        theirs = [line for line, sale in sold.items() if taking.buyer and _is_earlier_sale(sale, taking)]
        shop.missed[taking] = _take(shop, theirs, taking.quantity)
    shop.missed = {taking: pieces for taking, pieces in shop.missed.items() if pieces}
    return shop


def baskets(shop: Settled) -> list[Basket]:
    """Orders with anything left; a guest is known by the order."""
    lines: dict[str, list[Event]] = defaultdict(list)
    for line, pieces in shop.left.items():
        if pieces:
            lines[line[0]].append(shop.sold[line])
    found = []
    for order, sales in lines.items():
        newest = max(sales, key=lambda sale: (sale.seq, sale.at))
        variants = frozenset(sale.variant for sale in sales)
        found.append(Basket(order, newest.buyer or f"guest:{order}", newest.region, variants))
    return found


def sessions(views: Iterable[View], ever_known: Collection[str], settings: BasketSettings) -> list[Basket]:
    """Sessions within the basket cap, as the variants looked at, where the last look was."""
    looks: dict[str, list[View]] = defaultdict(list)
    for view in views:
        if view.variant in ever_known:
            looks[view.session].append(view)
    found = []
    for session, seen in looks.items():
        last = max(seen, key=lambda view: view.at)
        variants = frozenset(view.variant for view in seen)
        found.append(Basket(session, last.buyer or f"guest:{session}", last.region, variants))
    return [basket for basket in found if len(basket.variants) <= settings.max_basket_variants]


def counted(every: Iterable[Basket], settings: BasketSettings) -> list[Basket]:
    """The baskets within the cap of all but the extreme buyers."""
    events: Counter[str] = Counter()
    within = []
    for basket in every:
        size = len(basket.variants)
        is_within = size <= settings.max_basket_variants
        events[basket.buyer] += size * (size - 1) // 2 if is_within else 0
        within += [basket] if is_within else []
    limit = _threshold(events, settings.extreme_buyer_share)
    return [basket for basket in within if events[basket.buyer] <= limit]


def support(counted_baskets: Iterable[Basket]) -> Support:
    """Every pair at every region above its basket."""
    met: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for basket in counted_baskets:
        for key in product(PATHS[basket.region], basket.variants, basket.variants):
            met[key].append(basket.buyer)
    return {key: (len(set(buyers)), len(buyers)) for key, buyers in met.items()}


def _newest_sales(told: set[Event]) -> dict[Line, Event]:
    newest: dict[Line, Event] = {}
    for sale in sorted((e for e in told if e.status == "sale"), key=lambda e: (e.seq, e.at)):
        newest[sale.order, sale.line or sale] = sale
    return newest


def _current_takings(told: set[Event]) -> list[Event]:
    """Of the versions of one taking the newest; those without a source_seq are no versions."""
    versions: dict[tuple[str, str | Event, str], list[Event]] = defaultdict(list)
    for taking in told:
        if taking.status != "sale":
            versions[taking.order, taking.line if taking.order and taking.line else taking, taking.status].append(
                taking
            )
    return [e for same in versions.values() for e in same if e.seq == max(version.seq for version in same)]


def _names_a_sale(shop: Settled, taking: Event) -> bool:
    of_order = {line: sale for line, sale in shop.sold.items() if line[0] == taking.order}
    return (taking.order, taking.line) in of_order or any(s.variant == taking.variant for s in of_order.values())


def _is_superseded(shop: Settled, taking: Event) -> bool:
    sale = shop.sold.get((taking.order, taking.line))
    return sale is not None and 0 < taking.seq < sale.seq


def _is_earlier_sale(sale: Event, taking: Event) -> bool:
    return (sale.buyer, sale.variant) == (taking.buyer, taking.variant) and sale.at < taking.at


def _take(shop: Settled, lines: Iterable[Line], pieces: int) -> int:
    """Take pieces from the newest of the lines on; how many were not there."""
    for line in sorted((line for line in lines if line in shop.sold), key=lambda line: -shop.sold[line].at):
        while pieces and shop.left[line]:
            shop.left[line] -= 1
            pieces -= 1
    return pieces


def _threshold(pair_events: Mapping[str, int], share: float) -> int:
    """The smallest count that no more than the share of buyers exceed."""
    allowed = int(len(pair_events) * share)
    exceeded = (c for c in sorted(set(pair_events.values())) if sum(n > c for n in pair_events.values()) <= allowed)
    return next(exceeded, 0)
