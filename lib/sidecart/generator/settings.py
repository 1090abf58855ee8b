"""What a generated shop looks like. Shapes come from real shops; `tiny`, `small` and `bench` are sizes of them."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked_dataclass

_STRICT = ConfigDict(extra="forbid", strict=True)

Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=0)]


@checked_dataclass(frozen=True, config=_STRICT)
class Shape:
    """How a segment shops."""

    mean_basket: Annotated[float, Field(ge=1)]
    """Mean number of distinct variants of an order."""
    p99_basket: Annotated[float, Field(ge=2)]
    """99th percentile of that number; together with the mean it sets the long tail."""
    top_share: Share
    """Share of baskets that hold the most popular planted banana."""
    last_banana_share: Share
    """Share of baskets that hold the least popular planted banana."""
    tail_share: Share
    """Share of variants in fewer than five baskets."""
    mission_share: Share
    """Share of items drawn from the basket's missions: a shelf and the shelves that complement it."""
    mission_items: Annotated[int, Field(ge=1)]
    """Items of a basket after which the next mission begins."""
    habit_share: Share
    """Share of items drawn from the buyer's own favourites."""
    sibling_share: Share
    """Share of orders that hold two variants of one product."""
    return_share: Share
    """Share of lines returned with their order and line named."""
    unlinked_share: Share
    """Share of lines returned without an order."""
    colour_pull: Share
    """Chance that a coloured item is taken in the colour of the basket's first one."""
    has_colours: bool
    """Whether variants differ by colour and size; otherwise by pack size only."""


SHAPES = {
    "grocery": Shape(8.5, 45.0, 0.11, 0.06, 0.47, 0.78, 16, 0.15, 0.0, 0.005, 0.002, 0.0, has_colours=False),
    "fashion": Shape(2.5, 9.0, 0.01, 0.006, 0.45, 0.55, 6, 0.10, 0.15, 0.08, 0.02, 0.32, has_colours=True),
}


@checked_dataclass(frozen=True, config=_STRICT)
class GeneratorSettings:
    """A shop to generate: the same settings make the same bytes on every machine."""

    segment: Literal["grocery", "fashion"] = "grocery"
    """Whose shape it has, see SHAPES."""
    seed: Count = 1
    """Another seed is another shop of the same shape."""
    orders: Annotated[int, Field(ge=100)] = 15_000
    """Orders, those of extreme buyers included."""
    buyers: Annotated[int, Field(ge=10)] = 1_500
    """Registered buyers to draw from; guests come on top."""
    variants: Annotated[int, Field(ge=100)] = 1_500
    """Sellable variants in the catalogue."""
    groups: Annotated[int, Field(ge=50)] = 1_000
    """Products that those are variants of."""
    departments: Annotated[int, Field(ge=2, le=40)] = 8
    """Categories at the top."""
    shelves: Annotated[int, Field(ge=8)] = 40
    """Categories below them; complements are planted between these."""
    types_per_shelf: Annotated[int, Field(ge=1, le=20)] = 2
    """Categories below the shelves; 1 makes a tree of two levels."""
    regions: Annotated[int, Field(ge=0, le=5_000)] = 12
    """Regions with orders; 0 makes a shop without regions, whose rows name none."""
    region_levels: Annotated[int, Field(ge=1, le=3)] = 2
    """Depth of the region tree below the root."""
    least_assortment: Annotated[float, Field(gt=0, le=1)] = 0.6
    """Share of the catalogue that the poorest region sells; the richest sells 0.95."""
    days: Annotated[int, Field(ge=7)] = 180
    """Days of history, the last one being `last_day`."""
    last_day: date = date(2026, 6, 30)
    """The shop's last day; `as_of` is the midnight after it, UTC."""
    guest_share: Share = 0.07
    """Share of orders without a buyer."""
    cancel_share: Share = 0.02
    """Share of lines cancelled."""
    bananas: Annotated[int, Field(ge=0, le=20)] = 4
    """Super-popular variants that meet everything by chance."""
    anchors: Count = 60
    """Variants with planted complements."""
    complements: Annotated[int, Field(ge=1, le=8)] = 4
    """Planted complements of each of them."""
    complement_chance: Share = 0.16
    """Chance that one of them is added to a basket that holds its anchor."""
    colour_matches: Count = 6
    """Pairs of groups where a colour of the one calls for the same colour of the other."""
    extreme_buyers: Count = 3
    """Buyers with far too many and far too large orders."""
    extreme_orders: Count = 3
    """Single orders of 500 to 1,100 lines (of at most half the catalogue)."""
    new_share: Share = 0.03
    """Share of variants listed in the last tenth of the history, some of them on the last day."""
    gone_share: Share = 0.05
    """Share of variants no longer sold."""
    stock_out_share: Share = 0.03
    """Share of offers that can't be bought now."""
    views_per_line: Annotated[float, Field(ge=0, le=5)] = 0.6
    """Product views per sold line, about; 0 writes no views."""
    has_offers: bool = True
    """Whether the shop hands over its offers; without them the library derives them from sales."""
    shape: Shape | None = None
    """Overrides the segment's shape."""

    @property
    def look(self) -> Shape:
        """The shape that applies."""
        return self.shape or SHAPES[self.segment]

    @property
    def as_of(self) -> datetime:
        """The moment the shop's files speak of, UTC."""
        return datetime.combine(self.last_day + timedelta(days=1), time(), UTC)

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain values, dates as ISO texts."""
        return {**asdict(self), "shape": asdict(self.look), "last_day": self.last_day.isoformat()}


def small(segment: Literal["grocery", "fashion"] = "grocery", seed: int = 1) -> GeneratorSettings:
    """A shop large enough to find again what was planted, and to have its segment's shape."""
    base = GeneratorSettings(segment=segment, seed=seed)
    if segment == "grocery":
        return base
    return replace(
        base,
        complement_chance=0.2,
        orders=30_000,
        buyers=6_000,
        groups=260,
        anchors=40,
        complements=3,
        colour_matches=8,
    )


def demo() -> GeneratorSettings:
    """The grocery of the small demo: its chain is a matter of a minute."""
    return GeneratorSettings(orders=6_000, buyers=900, variants=800, groups=540, regions=6, anchors=30)


def tiny(segment: Literal["grocery", "fashion"] = "grocery", seed: int = 1) -> GeneratorSettings:
    """A shop for tests: seconds, every kind of row present."""
    groups = 200 if segment == "grocery" else 60
    return GeneratorSettings(
        segment=segment, seed=seed, orders=2_000, buyers=300, variants=300, groups=groups, departments=4, shelves=12,
        regions=4, days=60, bananas=3, anchors=8, complements=3, colour_matches=2, extreme_buyers=1, extreme_orders=1,
    )  # fmt: skip


def bench(lines: int, segment: Literal["grocery", "fashion"] = "grocery", seed: int = 1) -> GeneratorSettings:
    """A shop of about so many order lines; buyers, catalogue and regions grow with it, more slowly."""
    orders = max(2_000, round(lines / SHAPES[segment].mean_basket))
    variants = max(600, round(40 * orders**0.5))
    return GeneratorSettings(
        segment=segment, seed=seed, orders=orders, buyers=max(300, orders // 12), variants=variants,
        groups=max(300, variants // (5 if segment == "fashion" else 2)), departments=16,
        shelves=min(300, max(20, variants // 60)), types_per_shelf=3,
        regions=min(1_000, max(4, round(orders**0.5 / 8))), region_levels=3, days=365, anchors=200,
        has_offers=False, views_per_line=0.0, extreme_buyers=max(1, orders // 50_000), extreme_orders=5,
    )  # fmt: skip
