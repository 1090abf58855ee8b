"""Regional lists: where a region's own buyers say enough of an anchor to give its candidates another order."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.measures import LEAST_SURPRISE
from sidecart.regional_kernel import Weighing
from sidecart.scoring import ScoringParameters
from sidecart.settings import RegionSettings, Settings


def weighing(parameters: ScoringParameters, settings: Settings) -> Weighing:
    """How a region's counts are weighed and scored."""
    scoring = settings.scoring
    return Weighing(
        support_unit=scoring.support_unit,
        measure=scoring.measure,
        exponent=parameters.exponent,
        popularity_prior=scoring.popularity_prior,
        lift_exponent=scoring.lift_exponent,
        shop_support=parameters.shop_support,
        prior_support=settings.regions.prior_support,
        least_surprise=LEAST_SURPRISE,
    )


def weighed_regions(
    region_support: DataFrame, regions: DataFrame, slots: DataFrame, settings: RegionSettings
) -> DataFrame:
    """One row per region below the root whose own counts may enter: region_id and slot.

    From `min_region_baskets` counted baskets. `slots`: list_places.Places.slots.
    """
    enough = region_support.where(F.col("baskets") >= settings.min_region_baskets).select("region_id")
    below = regions.where("depth > 0").select("region_id")
    return below.join(enough, "region_id").join(slots.select("region_id", "slot"), "region_id")


def regional_counts(pair_support: DataFrame, weighed: DataFrame, settings: Settings) -> DataFrame:
    """One row per (slot, anchor) whose own counts enter: slot, anchor, support (the anchor's) and counted, what it met.

    A region's counts of an anchor enter where it is weighed and the anchor has `min_anchor_support` there. `counted`
    holds groups of candidates as pair_support does: no region is joined with pairs or with what it sells.
    """
    support = F.col(f"anchor_{settings.scoring.support_unit}")
    supported = pair_support.where(support >= settings.regions.min_anchor_support)
    return supported.join(F.broadcast(weighed), "region_id").select(
        "slot", "anchor", support.cast("bigint").alias("support"), F.col("met").alias("counted")
    )
