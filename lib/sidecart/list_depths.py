"""List depths: how many candidates a base list keeps, so that enough of them can still be bought until the next run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.settings import ListSettings

_HALF_LIFE = 28.0
"""Days after which a look at the shelves counts half: what sells out follows the season."""
_PRIOR_DAYS = 1_000.0
"""Variant-days by which a region's rate is pulled to the shop's, and the shop's to what is assumed."""
_OFFERS_LOOKED_AT = 4_000_000
"""Offers compared with those of the release before; of more, those of some variants, the same in all regions."""
_DEVIATIONS = 2.0


def shelves(offers: DataFrame) -> DataFrame:
    """One row per region: region_id, offered (variants it may sell) and live (those that can be bought now)."""
    return offers.groupBy("region_id").agg(F.count(F.lit(1)).alias("offered"), F.count_if("is_available").alias("live"))


def sold_out_since(before: DataFrame, offers: DataFrame, days: float, offered: int) -> DataFrame:
    """One row per region of an earlier look at the shelves: region_id, watched_days and sold_out.

    watched_days: variants that were live then, times the days since; sold_out: those of them that are not live now. In:
    offers of both looks, and how many there are now.
    """
    is_looked_at = _is_looked_at(offered)
    was = before.where(is_looked_at & F.col("is_available")).select("region_id", "variant_id")
    now = offers.where(is_looked_at & F.col("is_available")).select("region_id", "variant_id", F.lit(1).alias("one"))
    seen = was.join(now, ["region_id", "variant_id"], "left").groupBy("region_id")
    return seen.agg(
        (F.count(F.lit(1)) * F.lit(days)).alias("watched_days"),
        F.count_if(F.col("one").isNull()).cast("double").alias("sold_out"),
    )


def watched(shelves: DataFrame, known: DataFrame, seen: DataFrame | None, days: float) -> DataFrame:
    """The shelves with watched_days and sold_out of all looks so far, older ones counting less.

    `known`: the same columns as of the release before (contract list_regions); `seen`: sold_out_since it.
    """
    faded = F.lit(0.5 ** (days / _HALF_LIFE))
    parts = known.select("region_id", *((F.col(name) * faded).alias(name) for name in _WATCHED))
    if seen is not None:
        parts = parts.unionByName(seen.select("region_id", *_WATCHED))
    summed = parts.groupBy("region_id").agg(*(F.sum(name).alias(name) for name in _WATCHED))
    return shelves.join(summed, "region_id", "left").fillna(0.0, list(_WATCHED))


_WATCHED = ("watched_days", "sold_out")


def _is_looked_at(offered: int) -> Column:
    parts = math.ceil(offered / _OFFERS_LOOKED_AT)
    return F.pmod(F.crc32("variant_id"), F.lit(parts)) == 0


@dataclass(frozen=True)
class Shelf:
    """What is known of a region's shelves: anchors with a page, what its lists may hold (at the root what is sold
    anywhere), what of that is live, and how long variants were watched and sold out meanwhile.
    """

    lists: int
    offered: int
    live: int
    watched_days: float
    sold_out: float


def depths(shelves: list[Shelf], parents: list[int], settings: ListSettings) -> list[int]:
    """How many candidates the lists of each region keep; the first is the root.

    As many as its risk asks (`depth_of`). The root keeps so many more that the fewest candidates are stored in all: a
    region stores no list where enough is left of the list above it. Regions between pass on what is left of it there.
    """
    watched_days, sold_out = (sum(getattr(shelf, name) for shelf in shelves) for name in _WATCHED)
    of_shop = (sold_out + _PRIOR_DAYS * settings.assumed_sold_out) / (watched_days + _PRIOR_DAYS)
    own = [
        depth_of(
            shelf.live / shelf.offered if shelf.offered else 1.0,
            (shelf.sold_out + _PRIOR_DAYS * of_shop) / (shelf.watched_days + _PRIOR_DAYS),
            settings,
        )
        for shelf in shelves
    ]
    above = set(parents)
    below = [place for place in range(len(shelves)) if place not in above and place > 0]
    kept = [max(own[0], _shared_depth(shelves, own, below, settings)) if 0 in above else own[0]]
    for place, parent in list(enumerate(parents))[1:]:
        left = _left_of(kept[parent], shelves[place], shelves[parent]) if place in above else 0
        kept.append(max(own[place], left))
    return kept


def _left_of(depth: int, shelf: Shelf, parent: Shelf) -> int:
    """How many candidates of a parent's list a region sells with hardly a doubt, as assortments overlap by chance.

    Regions with others below keep so many: more would be a list of their own for each anchor, and fewer are stored so.
    """
    share = min(1.0, shelf.offered / parent.offered) if parent.offered else 0.0
    return math.floor(depth * share - _DEVIATIONS * math.sqrt(depth * share * (1 - share)))


def depth_of(live_share: float, sold_out_a_day: float, settings: ListSettings) -> int:
    """The fewest candidates of which `live_candidates` are live at the next run with a probability of `live_chance`.

    Each is live with p = live_share exp(-rate days): draws until so many are, a negative binomial. At most
    `region_depth`.
    """
    need, chance = settings.live_candidates, live_share * math.exp(-sold_out_a_day * settings.days_between_runs)
    if chance <= 0:
        return settings.region_depth
    depth, term = need, chance**need
    total = term
    while total < settings.live_chance and depth < settings.region_depth:
        term *= depth / (depth - need + 1) * (1 - chance)
        depth += 1
        total += term
    return min(depth, settings.region_depth)


def _shared_depth(shelves: list[Shelf], own: list[int], below: list[int], settings: ListSettings) -> int:
    """The depth of lists above others for which the fewest candidates are stored, as assortments overlap by chance."""
    root = shelves[0]
    asked = sorted(
        (
            (own[place] + _DEVIATIONS * math.sqrt(own[place])) * root.offered / shelves[place].offered,
            shelves[place].lists * own[place],
        )
        for place in below
        if shelves[place].offered
    )
    short = sum(rows for _, rows in asked)
    best = (root.lists * own[0] + short, own[0])
    for depth, rows in asked:
        short -= rows
        if own[0] <= depth <= settings.root_depth:
            best = min(best, (root.lists * math.ceil(depth) + short, math.ceil(depth)))
    return best[1]
