"""Shortlists: base lists of all regions, with the evidence of every row, so that SQL can recompute a score.

What orders and joint views say is cut first; lists that this leaves short are filled; then every row is described.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sidecart import cold_start
from sidecart.base_lists import cut_base_lists, list_pages, list_regions, slot_bitsets, slot_members
from sidecart.cold_start import ColdInputs
from sidecart.evidence import with_evidence_class, with_expected_baskets
from sidecart.group_support import GroupEvidence, backed_off_pairs, unlent_pairs
from sidecart.pairs import flat_pairs
from sidecart.regional_lists import RegionalCounts, regional_evidence, regional_lists
from sidecart.scoring import (
    TIER_ORDERS,
    TIER_OTHER_BRAND,
    TIER_SAME_BRAND,
    ScoringParameters,
    admitted,
    judged_pairs,
    with_score_key,
)
from sidecart.settings import Settings
from sidecart.variants import facts_of

SOURCE_ORDERS, SOURCE_VIEWS, SOURCE_POPULARITY, SOURCE_BRAND = "orders", "views", "popularity", "brand"

_NO_REGIONAL_EVIDENCE = {"region_pair_support": 0, "region_anchor_support": 0, "region_weight": 0.0}
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
_NO_VIEWS = {"view_support": 0, "required_support": 0, "confidence": 0.0, "exposure_factor": 1.0}


@dataclass(frozen=True)
class ListInputs:
    """What lists are made of: tables of state, silver and gold by their names."""

    pair_support: DataFrame
    group_pair_support: DataFrame | None
    """None where no group has several bought variants: then no pair borrows, and none is looked at for it."""
    view_pair_support: DataFrame
    variant_stratum_support: DataFrame
    basket_strata: DataFrame
    variant_support: DataFrame
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

    def list_regions(self, settings: Settings) -> DataFrame:
        """Regions with lists of their own (base_lists.list_regions)."""
        return list_regions(self.region_support, self.regions, settings.regions)

    def members(self, settings: Settings) -> DataFrame:
        """What each of them may sell (base_lists.slot_members)."""
        return slot_members(self.offers, self.list_regions(settings), self.variant_facts)

    def sold(self, settings: Settings) -> DataFrame:
        """One row per variant that any of them may sell: candidate."""
        return self.members(settings).select(F.col("variant").alias("candidate")).distinct()

    def evidence(self, settings: Settings) -> DataFrame:
        """Where regional evidence enters a list of something sold there (regional_lists.regional_evidence)."""
        sold = self.members(settings).withColumnRenamed("variant", "anchor")
        entering = regional_evidence(
            self.variant_support, self.list_regions(settings), settings.regions, settings.scoring
        )
        return entering.join(sold, ["slot", "anchor"], "left_semi")


def root_members(inputs: ListInputs, settings: Settings) -> DataFrame:
    """One row per variant that the root may sell: variant."""
    return inputs.members(settings).where("slot = 0").select("variant")


def pairs_at_root(inputs: ListInputs, settings: Settings) -> DataFrame:
    """Pairs of the whole shop whose candidate any region with lists may sell, judged (scoring.judged_pairs)."""
    met, sold = flat_pairs(inputs.at_root(inputs.pair_support)), inputs.sold(settings)
    if inputs.group_pair_support is None:
        lent = unlent_pairs(met.join(F.broadcast(sold), "candidate", "left_semi"), settings.scoring.support_unit)
    else:
        groups = GroupEvidence(inputs.group_pair_support, inputs.attribute_lift, inputs.variant_facts)
        lent = backed_off_pairs(met, groups, settings, candidates=sold)
    facts, compatibility = inputs.variant_facts, inputs.category_compatibility
    return judged_pairs(lent, facts, compatibility, settings.scoring, settings.compatibility)


def listed_candidates(
    inputs: ListInputs, judged: DataFrame, parameters: ScoringParameters, settings: Settings
) -> DataFrame:
    """One row per candidate that orders or joint views bring to a base list: slot, rank, tier and its evidence.

    By the whole shop's score, but for lists that regional evidence enters. `judged`: pairs_at_root.
    """
    own, members, evidence = inputs.list_regions(settings), inputs.members(settings), inputs.evidence(settings)
    pages = list_pages(members, inputs.variant_facts).join(evidence, ["slot", "anchor"], "left_anti")
    scored = _scored(inputs, judged, parameters, settings)
    cut = cut_base_lists(scored, members, pages, own, settings.lists)
    plain = cut.withColumns({name: F.lit(value) for name, value in _NO_REGIONAL_EVIDENCE.items()})
    regional = _regional(inputs, judged, evidence, parameters, settings)
    return plain.unionByName(regional.select(*plain.columns))


def shelf_support(inputs: ListInputs, settings: Settings) -> DataFrame:
    """What the anchors of each subcategory met of what is sold (cold_start.shelf_support)."""
    return cold_start.shelf_support(_cold_inputs(inputs, inputs.sold(settings)))


def fills(inputs: ListInputs, listed: DataFrame, met: DataFrame, settings: Settings) -> DataFrame:
    """One row per candidate that fills a list which `listed` leaves short (cold_start.fills); `met`: shelf_support."""
    own, members = inputs.list_regions(settings), inputs.members(settings)
    short = cold_start.short_lists(list_pages(members, inputs.variant_facts), listed, inputs.variant_facts, settings)
    cold = _cold_inputs(inputs, slot_bitsets(members, own, "candidate"))
    return cold_start.fills(short, cold_start.pools(met, cold, settings), settings.cold_start)


def shortlists(
    inputs: ListInputs, listed: DataFrame, filled: DataFrame, parameters: ScoringParameters, settings: Settings
) -> DataFrame:
    """One row per candidate of a base list with its evidence (contract shortlists but release and run)."""
    own = inputs.list_regions(settings)
    named = _merged(listed, filled, inputs.variant_facts).join(F.broadcast(own.select("slot", "region_id")), "slot")
    described = _described(named, inputs, settings).withColumns(
        {
            "source": _source(),
            "support_unit": F.lit(settings.scoring.support_unit),
            "popularity_exponent": F.lit(parameters.exponent),
        }
    )
    return _with_prices(described, inputs.offers)


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


def base_lists(shortlists: DataFrame) -> DataFrame:
    """One row per stored base list: region, anchor and how many candidates (contract base_lists but the release)."""
    return shortlists.groupBy("region_id", "anchor_id").agg(F.count(F.lit(1)).cast("int").alias("candidates"))


def _scored(inputs: ListInputs, judged: DataFrame, parameters: ScoringParameters, settings: Settings) -> DataFrame:
    """Candidates with the whole shop's score: what orders say and, where they do not, joint views."""
    passing = admitted(judged)
    expected = with_expected_baskets(passing, inputs.variant_stratum_support, inputs.basket_strata)
    classed = with_evidence_class(expected, inputs.evidence_thresholds).withColumn("view_support", F.lit(0))
    if settings.cold_start.fill_to and settings.cold_start.views:
        classed = classed.unionByName(_viewed(inputs, passing, settings), allowMissingColumns=True)
    return with_score_key(classed, parameters, settings.scoring)


def _viewed(inputs: ListInputs, passing: DataFrame, settings: Settings) -> DataFrame:
    """Joint views of pairs that orders do not bring."""
    viewed = flat_pairs(inputs.at_root(inputs.view_pair_support))
    found = cold_start.joint_views(viewed, _cold_inputs(inputs, inputs.sold(settings)), settings)
    fresh = found.join(passing.select("anchor", "candidate"), ["anchor", "candidate"], "left_anti")
    return fresh.withColumns({name: F.lit(value) for name, value in _NO_ORDERS.items()})


def _cold_inputs(inputs: ListInputs, offered: DataFrame) -> ColdInputs:
    root_pairs = flat_pairs(inputs.at_root(inputs.pair_support))
    return ColdInputs(root_pairs, inputs.variant_facts, inputs.category_compatibility, offered)


def _regional(
    inputs: ListInputs, judged: DataFrame, evidence: DataFrame, parameters: ScoringParameters, settings: Settings
) -> DataFrame:
    """Lists that regional evidence entered; only pairs of their anchors, and of their regions, are looked at."""
    anchors = F.broadcast(evidence.select("anchor").distinct())
    scored = _scored(inputs, judged.join(anchors, "anchor", "left_semi"), parameters, settings)
    nodes = F.broadcast(evidence.select(F.col("evidence_region").alias("region_id"), "anchor").distinct())
    counts = flat_pairs(inputs.pair_support.join(nodes, ["region_id", "anchor"], "left_semi"))
    return regional_lists(scored, RegionalCounts(evidence, counts), inputs.members(settings), parameters, settings)


def _merged(listed: DataFrame, filled: DataFrame, facts: DataFrame) -> DataFrame:
    """All rows of lists, those that were filled ranked anew."""
    keys = filled.select("slot", "anchor").distinct()
    full = listed.withColumn("fill_support", F.lit(0).cast("bigint"))
    nothing = _NO_ORDERS | _NO_VIEWS | _NO_REGIONAL_EVIDENCE
    added = filled.withColumns({name: F.lit(value) for name, value in nothing.items()})
    touched = full.join(keys, ["slot", "anchor"], "left_semi").drop("rank")
    order = facts.select(F.col("variant").alias("candidate"), F.col("id_order").alias("candidate_id_order"))
    best = Window.partitionBy("slot", "anchor").orderBy(
        "tier", F.col("score_key").desc(), F.col("pair_buyers").desc(), "candidate_id_order"
    )
    together = touched.unionByName(added.select(*touched.columns)).join(order, "candidate")
    ranked = together.withColumn("rank", F.row_number().over(best)).drop("candidate_id_order")
    return full.join(keys, ["slot", "anchor"], "left_anti").unionByName(ranked)


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


def _with_prices(lists: DataFrame, offers: DataFrame) -> DataFrame:
    prices = offers.select("region_id", F.col("variant_id").alias("candidate_id"), "price")
    return lists.join(prices, ["region_id", "candidate_id"], "left")
