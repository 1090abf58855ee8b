"""List: from support to the base lists of every region and anchor."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.compatibility import category_compatibility
from sidecart.contracts import gold, silver, state
from sidecart.evidence import ChanceInputs, evidence_thresholds, met_pairs
from sidecart.pairs import flat_pairs
from sidecart.shortlists import ListInputs, base_lists, shortlists
from sidecart.storage.run import Run
from sidecart_jobs.arguments import run_as_task


def build_shortlists(run: Run) -> None:
    """Write category_compatibility, evidence_thresholds, shortlists and base_lists from state and silver."""
    settings = run.settings
    marks = {"release_id": F.lit(run.release_id), "run_id": F.lit(run.run_id)}
    measured = category_compatibility(
        run.read(state.BASKET_STRATA),
        run.read(state.CATEGORY_STRATUM_SUPPORT),
        run.read(state.CATEGORY_PAIR_SUPPORT),
        settings.compatibility,
    )
    run.write(gold.CATEGORY_COMPATIBILITY, measured.withColumns(marks), reads=state.CATEGORY_PAIR_SUPPORT)
    run.write(gold.EVIDENCE_THRESHOLDS, _thresholds(run).withColumns(marks), reads=state.PAIR_SUPPORT)
    lists = shortlists(_inputs(run), settings)
    run.write(gold.SHORTLISTS, lists.withColumns(marks), reads=state.PAIR_SUPPORT)
    run.write(gold.BASE_LISTS, base_lists(run.read(gold.SHORTLISTS)).withColumns(marks), reads=gold.SHORTLISTS)


def _inputs(run: Run) -> ListInputs:
    return ListInputs(
        pair_support=run.read(state.PAIR_SUPPORT),
        variant_support=run.read(state.VARIANT_SUPPORT),
        region_support=run.read(state.REGION_SUPPORT),
        category_compatibility=run.read(gold.CATEGORY_COMPATIBILITY),
        offers=run.read(silver.OFFERS),
        regions=run.read(silver.REGIONS),
        variant_facts=run.read(state.VARIANT_FACTS),
    )


def _thresholds(run: Run) -> DataFrame:
    inputs = ChanceInputs(
        variant_stratum_support=run.read(state.VARIANT_STRATUM_SUPPORT),
        basket_strata=run.read(state.BASKET_STRATA),
        variant_facts=run.read(state.VARIANT_FACTS),
        category_compatibility=run.read(gold.CATEGORY_COMPATIBILITY),
    )
    met = met_pairs(flat_pairs(_inputs(run).root_pair_support), inputs, run.settings)
    return evidence_thresholds(met, inputs, run.settings.evidence)


def main() -> None:
    run_as_task(build_shortlists)


if __name__ == "__main__":
    main()
