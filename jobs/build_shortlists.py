"""List: from support to the base lists of every region and anchor."""

from __future__ import annotations

import logging

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart import list_depths
from sidecart.attribute_lift import attribute_lift
from sidecart.calibration import calibration, set_parameters
from sidecart.compatibility import CategoryCounts, category_compatibility
from sidecart.contracts import gold, silver, state
from sidecart.contracts.frames import Tables, rows
from sidecart.evidence import ChanceInputs, evidence_thresholds, met_pairs
from sidecart.ingest.parsing import instant
from sidecart.list_places import Places, Range
from sidecart.pairs import flat_pairs
from sidecart.scoring import ScoringParameters, admitted
from sidecart.settings import Settings
from sidecart.shortlists import (
    ListInputs,
    list_regions,
    listed_candidates,
    near_misses,
    pairs_at_root,
    range_of,
    root_members,
    sellers_of,
    shelf_support,
    shortlists,
    stored_lists,
)
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.run import Output, Run
from sidecart.storage.staging import Staging, staging
from sidecart.storage.views import release_moment
from sidecart_jobs.arguments import run_as_task
from sidecart_jobs.scoring_version import why_refreshed

_LOG = logging.getLogger("sidecart.run")


def build_shortlists(run: Run, *, refresh: bool = False) -> None:
    """Write all lists, from state and silver, by the newest release's scoring version where that holds still.

    Where it does not (the log says why), or with `refresh`, what judges pairs and the parameters are found anew.
    """
    reason = "asked for" if refresh else why_refreshed(run, ReleaseReader(run.warehouse))
    if reason is None:
        write_lists(run, scoring_parameters(run))
        return
    _LOG.info("scoring parameters are found anew: %s", reason)
    write_measures(run)
    write_lists(run)


def write_measures(run: Run) -> None:
    """What judges pairs: compatibility of categories, thresholds of evidence, lifts of attributes."""
    settings, marks = run.settings, _marks(run)
    compatibility = category_compatibility(_category_counts(run), settings.compatibility)
    run.write(gold.CATEGORY_COMPATIBILITY, compatibility.withColumns(marks), reads=state.CATEGORY_PAIR_SUPPORT)
    facts, pairs = run.read(state.VARIANT_FACTS), flat_pairs(run.read_root(state.PAIR_SUPPORT))
    chance = ChanceInputs(
        variant_stratum_support=run.read(state.VARIANT_STRATUM_SUPPORT),
        basket_strata=run.read(state.BASKET_STRATA),
        variant_facts=facts,
        category_compatibility=run.read(gold.CATEGORY_COMPATIBILITY),
    )
    thresholds = evidence_thresholds(met_pairs(pairs, chance, settings), chance, settings)
    lifts = attribute_lift(pairs, run.read(state.GROUP_PAIR_SUPPORT), facts, settings)
    run.write_together(
        Output(gold.EVIDENCE_THRESHOLDS, thresholds.withColumns(marks), reads=state.PAIR_SUPPORT),
        Output(gold.ATTRIBUTE_LIFT, lifts.withColumns(marks), reads=state.GROUP_PAIR_SUPPORT),
    )


def write_lists(run: Run, parameters: ScoringParameters | None = None, *, root_only: bool = False) -> None:
    """Base lists and near misses, by these parameters; without any they are found and written first.

    With `root_only` the whole shop's lists alone, of what the root itself sells.
    """
    settings, marks, inputs = run.settings, _marks(run), list_inputs(run)
    regions = inputs.regions.where("depth = 0") if root_only else inputs.regions
    with staging(run.warehouse.spark, run.warehouse.location, run.run_id) as stage:
        shelves = stage.keep("shelves", _shelves(run, inputs))
        places = Places.of(regions)
        where = range_of(inputs, places, stage.keep("sellers", sellers_of(inputs, places)), shelves, settings.lists)
        judged = _judged(inputs, where, settings, stage)
        parameters = parameters or _parameters(run, inputs, judged, stage)
        listed = stage.keep("listed_candidates", listed_candidates(inputs, judged, where, parameters, settings))
        fills = settings.cold_start.fills
        met = stage.keep("shelf_support", shelf_support(inputs, where.sold())) if fills else None
        lists = shortlists(inputs, listed, met, where, parameters, settings)
        run.write(gold.SHORTLISTS, lists.withColumns(marks), reads=state.PAIR_SUPPORT)
        refused = near_misses(judged, inputs.variant_facts, parameters, settings)
        stored = stored_lists(run.read(gold.SHORTLISTS))
        run.write_together(
            Output(gold.NEAR_MISSES, refused.withColumns(marks), reads=state.PAIR_SUPPORT),
            Output(gold.BASE_LISTS, stored.withColumns(marks), reads=gold.SHORTLISTS),
        )
        told = list_regions(inputs, where.places, shelves, run.read(gold.BASE_LISTS))
        run.write(gold.LIST_REGIONS, told.withColumns(marks), reads=gold.BASE_LISTS)


def _shelves(run: Run, inputs: ListInputs) -> DataFrame:
    """What regions offer, and how fast it sells out: looked at again since the newest release (list_depths.watched)."""
    now = list_depths.shelves(inputs.offers)
    released = ReleaseReader(run.warehouse)
    if gold.LIST_REGIONS.name not in released.versions:
        return list_depths.watched(now, rows(run.warehouse.spark, gold.LIST_REGIONS, []), None, 0.0)
    days = (run.as_of - release_moment(released).as_of).total_seconds() / 86_400
    known, seen = released.read(gold.LIST_REGIONS), None
    if days > 0:
        offered = int(now.agg(F.coalesce(F.sum("offered"), F.lit(0))).collect()[0][0])
        seen = list_depths.sold_out_since(released.read(silver.OFFERS), inputs.offers, days, offered)
    return list_depths.watched(now, known, seen, max(days, 0.0))


def _judged(inputs: ListInputs, where: Range, settings: Settings, stage: Staging) -> DataFrame:
    """pairs_at_root, kept where pairs borrow from their groups: without that judging anew costs less than reading."""
    judged = pairs_at_root(inputs, where.sold(), settings)
    return judged if inputs.group_pair_support is None else stage.keep("judged_pairs", judged)


def _marks(run: Run) -> dict[str, Column]:
    return {"release_id": F.lit(run.release_id), "run_id": F.lit(run.run_id)}


def _category_counts(run: Run) -> CategoryCounts:
    return CategoryCounts(
        strata=run.read(state.BASKET_STRATA),
        stratum_support=run.read(state.CATEGORY_STRATUM_SUPPORT),
        pair_support=run.read(state.CATEGORY_PAIR_SUPPORT),
        facts=run.read(state.VARIANT_FACTS),
    )


def list_inputs(tables: Tables) -> ListInputs:
    """What lists are made of, of a run or a release."""
    groups = tables.read(state.GROUP_PAIR_SUPPORT)
    return ListInputs(
        pair_support=tables.read(state.PAIR_SUPPORT),
        group_pair_support=None if groups.isEmpty() else groups,
        variant_stratum_support=tables.read(state.VARIANT_STRATUM_SUPPORT),
        basket_strata=tables.read(state.BASKET_STRATA),
        view_pair_support=tables.read(state.VIEW_PAIR_SUPPORT),
        region_support=tables.read(state.REGION_SUPPORT),
        category_compatibility=tables.read(gold.CATEGORY_COMPATIBILITY),
        attribute_lift=tables.read(gold.ATTRIBUTE_LIFT),
        evidence_thresholds=tables.read(gold.EVIDENCE_THRESHOLDS),
        offers=tables.read(silver.OFFERS),
        regions=tables.read(silver.REGIONS),
        variant_facts=tables.read(state.VARIANT_FACTS),
    )


def _parameters(run: Run, inputs: ListInputs, judged: DataFrame, stage: Staging) -> ScoringParameters:
    """Calibrate, write what was found, and give it back as written."""
    scoring, marks = run.settings.scoring, _marks(run)
    found = stage.keep("calibration", _calibration(run, inputs, judged))
    shop = run.read_root(state.REGION_SUPPORT).select(F.col(scoring.support_unit).alias("shop_support"))
    summary = found.where("candidate IS NULL").join(shop, how="left").fillna(0, ["shop_support"])
    summary = summary.withColumn("found_at", instant(run.as_of))
    factors = found.where("candidate IS NOT NULL AND exposure_factor < 1")
    run.write_together(
        Output(gold.SCORING_PARAMETERS, summary.withColumns(marks)),
        Output(gold.EXPOSURE_FACTORS, factors.withColumnRenamed("candidate", "variant").withColumns(marks)),
    )
    return scoring_parameters(run)


def scoring_parameters(tables: Tables) -> ScoringParameters:
    """What a run found, or a release was scored with."""
    row = tables.read(gold.SCORING_PARAMETERS).collect()[0]
    return ScoringParameters(row["exponent"], row["shop_support"], tables.read(gold.EXPOSURE_FACTORS))


def _calibration(run: Run, inputs: ListInputs, judged: DataFrame) -> DataFrame:
    settings = run.settings
    if settings.scoring.is_exponent_set:
        return set_parameters(run.warehouse.spark, settings.scoring)
    return calibration(admitted(judged), inputs.variant_facts, root_members(inputs), settings)


def main() -> None:
    run_as_task(build_shortlists)


if __name__ == "__main__":
    main()
