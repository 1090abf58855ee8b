"""Shortlists: base lists of all regions, with the evidence of every row, so that SQL can recompute a score.

What orders and joint views bring is scored; lists are cut of that and of what fills; then every row is described.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sidecart import base_lists, cold_start
from sidecart.base_lists import Candidates
from sidecart.cold_start import ColdInputs
from sidecart.evidence import with_evidence_class, with_expected_baskets
from sidecart.group_support import GroupEvidence, backed_off_pairs, unlent_pairs
from sidecart.list_places import Places, Range, sellers
from sidecart.pairs import flat_pairs
from sidecart.regional_lists import regional_counts, weighed_regions, weighing
from sidecart.scoring import (
    TIER_ORDERS,
    TIER_OTHER_BRAND,
    TIER_SAME_BRAND,
    ScoringParameters,
    admitted,
    judged_pairs,
    with_score_key,
)
from sidecart.settings import ListSettings, Settings
from sidecart.variants import facts_of

SOURCE_ORDERS, SOURCE_VIEWS, SOURCE_POPULARITY, SOURCE_BRAND = "orders", "views", "popularity", "brand"

_NO_ORDERS = {
    "pair_buyers": 0,
    "pair_baskets": 0,
    "support": 0,
    "group_support": 0,
    "attribute_lift": 1.0,
    "effective_support": 0.0,
    "expected_baskets": 0.0,
    "evidence_class": "fill",
}
_NOTHING: dict[str, Any] = (
    _NO_ORDERS
    | {"region_pair_support": 0, "region_anchor_support": 0, "region_weight": 0.0}
    | {"view_support": 0, "required_support": 0, "confidence": 0.0, "exposure_factor": 1.0, "fill_support": 0}
)
"""What a row has none of."""


@dataclass(frozen=True)
class ListInputs:
    """What lists are made of: tables of state, silver and gold by their names."""

    pair_support: DataFrame
    group_pair_support: DataFrame | None
    """None where no group has several bought variants: then no pair borrows, and none is looked at for it."""
    view_pair_support: DataFrame
    variant_stratum_support: DataFrame
    basket_strata: DataFrame
    region_support: DataFrame
    category_compatibility: DataFrame
    attribute_lift: DataFrame
    evidence_thresholds: DataFrame
    offers: DataFrame
    regions: DataFrame
    variant_facts: DataFrame

    def at_root(self, pair_support: DataFrame) -> DataFrame:
        """Rows of the whole shop of a table by region."""
        return pair_support.join(
            F.broadcast(self.regions.where("depth = 0").select("region_id")), "region_id", "left_semi"
        )

    def sold(self) -> DataFrame:
        """One row per variant that any region may sell: candidate."""
        offered = self.offers.select("variant_id").distinct()
        return self.variant_facts.join(offered, "variant_id", "left_semi").select(F.col("variant").alias("candidate"))


def root_members(inputs: ListInputs) -> DataFrame:
    """One row per variant that the root sells itself: variant."""
    return inputs.at_root(inputs.offers).join(inputs.variant_facts, "variant_id").select("variant")


def sellers_of(inputs: ListInputs, places: Places) -> DataFrame:
    """What each of the places may sell (list_places.sellers)."""
    slots = places.slots(inputs.offers.sparkSession)
    return sellers(inputs.offers, slots, inputs.variant_facts, places.tree.words)


def range_of(
    inputs: ListInputs, places: Places, sellers: DataFrame, shelves: DataFrame, settings: ListSettings
) -> Range:
    """The places with as many candidates as their lists keep; `sellers`: sellers_of them."""
    variants = inputs.variant_facts.count()
    return Range(places.keeping(shelves, sellers.count(), variants, settings), sellers, variants)


def pairs_at_root(inputs: ListInputs, sold: DataFrame, settings: Settings) -> DataFrame:
    """Pairs of the whole shop whose candidate is among `sold`, judged (scoring.judged_pairs)."""
    met = flat_pairs(inputs.at_root(inputs.pair_support))
    if inputs.group_pair_support is None:
        lent = unlent_pairs(met.join(F.broadcast(sold), "candidate", "left_semi"), settings.scoring.support_unit)
    else:
        groups = GroupEvidence(inputs.group_pair_support, inputs.attribute_lift, inputs.variant_facts)
        lent = backed_off_pairs(met, groups, settings, candidates=sold)
    facts, compatibility = inputs.variant_facts, inputs.category_compatibility
    return judged_pairs(lent, facts, compatibility, settings.scoring, settings.compatibility)


def shelf_support(inputs: ListInputs, sold: DataFrame) -> DataFrame:
    """What the anchors of each subcategory met of what is sold (cold_start.shelf_support)."""
    return cold_start.shelf_support(_cold_inputs(inputs, sold))


def listed_candidates(
    inputs: ListInputs, judged: DataFrame, where: Range, parameters: ScoringParameters, settings: Settings
) -> DataFrame:
    """One row per candidate that a list may show because of orders or joint views, scored by the whole shop.

    `judged`: pairs_at_root.
    """
    passing = admitted(judged)
    expected = with_expected_baskets(passing, inputs.variant_stratum_support, inputs.basket_strata)
    classed = with_evidence_class(expected, inputs.evidence_thresholds).withColumn("view_support", F.lit(0))
    if settings.cold_start.fills and settings.cold_start.views:
        viewed = _viewed(inputs, passing, where.sold(), settings)
        classed = classed.unionByName(viewed, allowMissingColumns=True)
    return with_score_key(classed, parameters, settings.scoring)


def shortlists(
    inputs: ListInputs,
    listed: DataFrame,
    met: DataFrame | None,
    where: Range,
    parameters: ScoringParameters,
    settings: Settings,
) -> DataFrame:
    """One row per candidate of a stored base list with its evidence (contract shortlists but release and run).

    `listed`: listed_candidates; `met`: shelf_support, None where nothing is to be filled. Both are read several times.
    """
    slots = where.places.slots(listed.sparkSession)
    weighed = weighed_regions(inputs.region_support, inputs.regions, slots, settings.regions)
    counted = regional_counts(inputs.pair_support, weighed, settings)
    cold = _cold_inputs(inputs, where.sellers.withColumnRenamed("variant", "candidate"))
    pools = None if met is None else cold_start.pools(met, cold, settings)
    cut = base_lists.base_lists(
        Candidates(listed, counted, pools),
        cold_start.pages(inputs.variant_facts),
        where,
        cold_start.drawing(settings.cold_start),
        weighing(parameters, settings),
    )
    named = slots.select("slot", "region_id")
    evidence = named.withColumnsRenamed({"slot": "evidence_slot", "region_id": "evidence_region_id"})
    whole = cut.fillna({name: value for name, value in _NOTHING.items() if name in cut.columns})
    placed = whole.join(F.broadcast(named), "slot").join(F.broadcast(evidence), "evidence_slot", "left")
    return _described(placed, inputs, settings).withColumns(
        {
            "source": _source(),
            "support_unit": F.lit(settings.scoring.support_unit),
            "popularity_exponent": F.lit(parameters.exponent),
        }
    )


def near_misses(judged: DataFrame, facts: DataFrame, parameters: ScoringParameters, settings: Settings) -> DataFrame:
    """One row per refused pair among the best of its anchor, by the score it would have (contract near_misses).

    Of pairs with `near_miss_support` at least, `near_misses` per anchor. `judged`: pairs_at_root; facts: variant_facts.
    """
    refused = judged.where("refused_by IS NOT NULL")
    if not settings.lists.near_misses:
        refused = refused.limit(0)
    seen = refused.where(F.col("group_support") >= settings.lists.near_miss_support)
    best = Window.partitionBy("anchor").orderBy(
        F.col("score_key").desc(), F.col("support").desc(), "candidate_id_order"
    )
    scored = with_score_key(seen, parameters, settings.scoring).withColumn("place", F.row_number().over(best))
    kept = scored.where(F.col("place") <= settings.lists.near_misses)
    names = facts.select("variant", "variant_id")
    for side in ("anchor", "candidate"):
        kept = kept.join(names.withColumnsRenamed({"variant": side, "variant_id": f"{side}_id"}), side)
    return kept


def stored_lists(shortlists: DataFrame) -> DataFrame:
    """One row per stored base list: region, anchor and how many candidates (contract base_lists but the release)."""
    return shortlists.groupBy("region_id", "anchor_id").agg(F.count(F.lit(1)).cast("int").alias("candidates"))


def list_regions(inputs: ListInputs, places: Places, shelves: DataFrame, stored: DataFrame) -> DataFrame:
    """One row per region with lists (contract list_regions but the release).

    `shelves`: list_depths.watched; `stored`: contract base_lists.
    """
    held = stored.groupBy("region_id").agg(
        F.count(F.lit(1)).alias("stored_lists"), F.sum("candidates").alias("stored_candidates")
    )
    told = places.slots(stored.sparkSession).join(shelves, "region_id", "left").join(held, "region_id", "left")
    every = inputs.variant_facts.agg(F.count(F.lit(1)).alias("variants"))
    lists = F.when(F.col("slot") == 0, F.col("variants")).otherwise(F.coalesce("offered", F.lit(0)))
    return told.crossJoin(F.broadcast(every)).withColumn("lists", lists).fillna(0)


def _viewed(inputs: ListInputs, passing: DataFrame, sold: DataFrame, settings: Settings) -> DataFrame:
    """Joint views of pairs that orders do not bring."""
    viewed = flat_pairs(inputs.at_root(inputs.view_pair_support))
    found = cold_start.joint_views(viewed, _cold_inputs(inputs, sold), settings)
    fresh = found.join(passing.select("anchor", "candidate"), ["anchor", "candidate"], "left_anti")
    return fresh.withColumns({name: F.lit(value) for name, value in _NO_ORDERS.items()})


def _cold_inputs(inputs: ListInputs, offered: DataFrame) -> ColdInputs:
    root_pairs = flat_pairs(inputs.at_root(inputs.pair_support))
    return ColdInputs(root_pairs, inputs.variant_facts, inputs.category_compatibility, offered)


def _described(listed: DataFrame, inputs: ListInputs, settings: Settings) -> DataFrame:
    anchors = facts_of("anchor", inputs.variant_facts, settings.scoring)
    candidates = facts_of("candidate", inputs.variant_facts, settings.scoring)
    return listed.join(anchors, "anchor").join(candidates, "candidate")


def _source() -> Column:
    """Why a row stands, of its tier."""
    tier = F.col("tier")
    return (
        F.when(tier == TIER_ORDERS, SOURCE_ORDERS)
        .when(tier.isin(TIER_SAME_BRAND, TIER_OTHER_BRAND), SOURCE_VIEWS)
        .when(tier < TIER_OTHER_BRAND, SOURCE_BRAND)
        .otherwise(SOURCE_POPULARITY)
    )
