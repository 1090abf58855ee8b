"""Shortlists: base lists of all regions, with the evidence of every row, so that SQL can recompute a score."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.base_lists import anchor_members, cut_base_lists, list_regions, scored_at_root, slot_members
from sidecart.pairs import flat_pairs
from sidecart.regional_lists import regional_evidence, regional_lists
from sidecart.scoring import admitted_pairs
from sidecart.settings import Settings
from sidecart.variants import facts_of

SOURCE_ORDERS = "orders"

_NO_REGIONAL_EVIDENCE = {"region_pair_support": 0, "region_anchor_support": 0, "region_weight": 0.0}


@dataclass(frozen=True)
class ListInputs:
    """What lists are made of: tables of state, silver and gold by their names."""

    pair_support: DataFrame
    variant_support: DataFrame
    region_support: DataFrame
    category_compatibility: DataFrame
    offers: DataFrame
    regions: DataFrame
    variant_facts: DataFrame

    @property
    def root_pair_support(self) -> DataFrame:
        """pair_support of the whole shop."""
        return self.pair_support.join(self._root(), "region_id", "left_semi")

    def _root(self) -> DataFrame:
        return F.broadcast(self.regions.where("depth = 0").select("region_id"))


def shortlists(inputs: ListInputs, settings: Settings) -> DataFrame:
    """One row per candidate of a base list with its evidence (contract shortlists but release and run)."""
    own = list_regions(inputs.region_support, inputs.regions, settings.regions)
    members = slot_members(inputs.offers, own, inputs.variant_facts)
    sold = members.withColumnRenamed("variant", "anchor")
    evidence = regional_evidence(inputs.variant_support, own, settings.regions, settings.scoring).join(
        sold, ["slot", "anchor"], "left_semi"
    )
    anchors = anchor_members(members, inputs.variant_facts, evidence.select("slot", "anchor").distinct())
    scored = _scored(inputs, inputs.root_pair_support, members, settings)
    cut = cut_base_lists(scored, members, anchors, own, settings.lists)
    listed = _with_evidence(cut, _regional(inputs, evidence, members, settings))
    named = listed.join(F.broadcast(own.select("slot", "region_id")), "slot")
    return _with_prices(_described(named, inputs, settings), inputs.offers)


def base_lists(shortlists: DataFrame) -> DataFrame:
    """One row per stored base list: region, anchor and how many candidates (contract base_lists but the release)."""
    return shortlists.groupBy("region_id", "anchor_id").agg(F.count(F.lit(1)).cast("int").alias("candidates"))


def _scored(inputs: ListInputs, root_rows: DataFrame, members: DataFrame, settings: Settings) -> DataFrame:
    """Admitted pairs of root rows whose candidate any region with lists may sell, with the whole shop's score."""
    sold = members.select(F.col("variant").alias("candidate")).distinct()
    met = flat_pairs(root_rows).join(F.broadcast(sold), "candidate", "left_semi")
    admitted = admitted_pairs(
        met, inputs.variant_facts, inputs.category_compatibility, settings.scoring, settings.compatibility
    )
    return scored_at_root(admitted, settings.scoring)


def _regional(inputs: ListInputs, evidence: DataFrame, members: DataFrame, settings: Settings) -> DataFrame:
    """Lists that regional evidence entered; only rows of their anchors and regions are opened."""
    anchors = F.broadcast(evidence.select("anchor").distinct())
    nodes = F.broadcast(evidence.select(F.col("evidence_region").alias("region_id"), "anchor").distinct())
    scored = _scored(inputs, inputs.root_pair_support.join(anchors, "anchor", "left_semi"), members, settings)
    counts = flat_pairs(inputs.pair_support.join(nodes, ["region_id", "anchor"], "left_semi"))
    return regional_lists(scored, evidence, counts, members, settings)


def _with_evidence(cut: DataFrame, regional: DataFrame) -> DataFrame:
    plain = cut.withColumns({name: F.lit(value) for name, value in _NO_REGIONAL_EVIDENCE.items()})
    return plain.unionByName(regional.select(*plain.columns))


def _described(listed: DataFrame, inputs: ListInputs, settings: Settings) -> DataFrame:
    anchors = facts_of("anchor", inputs.variant_facts, settings.scoring)
    candidates = facts_of("candidate", inputs.variant_facts, settings.scoring).drop("candidate_support")
    return (
        listed.join(anchors, "anchor")
        .join(candidates, "candidate")
        .withColumns(
            {
                "source": F.lit(SOURCE_ORDERS),
                "support_unit": F.lit(settings.scoring.support_unit),
                "popularity_exponent": F.lit(settings.scoring.exponent),
            }
        )
    )


def _with_prices(lists: DataFrame, offers: DataFrame) -> DataFrame:
    prices = offers.select("region_id", F.col("variant_id").alias("candidate_id"), "price")
    return lists.join(prices, ["region_id", "candidate_id"], "left")
