"""All audits by name, in one query."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame, Row

from sidecart.quality.audits import cold, counts, lists, popularity, regions
from sidecart.quality.audits.audited import Audited
from sidecart.settings import QualitySettings


@dataclass(frozen=True)
class Audit:
    """One audit: the component whose work it shows, how it looks, and what to do where it fails."""

    component: int
    look: Callable[[Audited], DataFrame]
    remedy: str


AUDITS: dict[str, Audit] = {
    "bestseller_share": Audit(2, popularity.bestseller_share, "choose profile banana or a smaller bestseller_share"),
    "most_shown": Audit(2, popularity.most_shown, "lower scoring.exposure_limit or raise scoring.damping_strength"),
    "bananas_elsewhere": Audit(3, popularity.bananas_elsewhere, "raise compatibility.gate_constant or lift_exponent"),
    "bananas_where_needed": Audit(3, popularity.bananas_where_needed, "raise scoring.bestseller_share"),
    "full_lists": Audit(4, cold.full_lists, "switch cold_start.fills on, or sort the catalogue into wider categories"),
    "incompatible_fills": Audit(4, cold.incompatible_fills, "build the lists anew from this category_compatibility"),
    "brand_first": Audit(5, cold.brand_first, "build counts and lists anew with this cold_start.brand"),
    "brand_only": Audit(6, cold.brand_only, "build counts and lists anew with this cold_start.brand"),
    "required_support": Audit(7, lists.required_support, "build the lists anew with this compatibility.gate_constant"),
    "incompatible_pairs": Audit(7, lists.incompatible_pairs, "raise compatibility.gate_constant or gate_power"),
    "diversity": Audit(8, lists.diversity, "resolve the lists with this diversity.factor"),
    "rules": Audit(9, lists.rules, "resolve the lists with the rules as they are"),
    "own_category": Audit(10, lists.own_category, "build counts and lists anew with this lists.own_category_level"),
    "one_of_group": Audit(11, lists.one_of_group, "look for a group_id that changed after the lists were built"),
    "best_of_group": Audit(11, lists.best_of_group, "resolve the lists by base_rank"),
    "live_in_region": Audit(12, regions.live_in_region, "build the lists anew from these offers"),
    "full_lists_of_small_regions": Audit(
        12,
        regions.full_lists_of_small_regions,
        "switch cold_start.fills on, or look what these regions offer",
    ),
    "all_of_history": Audit(13, counts.all_of_history, "count again from all order lines"),
    "extremes_left_out": Audit(15, counts.extremes_left_out, "count again with these [baskets] settings"),
    "buyers_left_out": Audit(15, counts.buyers_left_out, "count again with this baskets.extreme_buyer_share"),
}


def wanted_audits(settings: QualitySettings) -> list[str]:
    """The audits that are not off."""
    return [name for name in AUDITS if settings.mode(name) != "off"]


def findings(audited: Audited) -> list[Row]:
    """One row per audit that is not off: audit, measured, bound, asks, passed, looked_at, detail; in one query."""
    looks = [AUDITS[name].look(audited) for name in wanted_audits(audited.settings.quality)]
    return reduce(DataFrame.unionByName, looks).collect() if looks else []
