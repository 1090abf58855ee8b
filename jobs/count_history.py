"""Count all of history: from order lines to the support of every variant, pair and category pair."""

from __future__ import annotations

import logging

from pyspark.sql import DataFrame

from sidecart.baskets import baskets, counted, recent_baskets, variant_ids, view_baskets
from sidecart.compatibility import basket_categories, basket_strata, category_pair_support, category_stratum_support
from sidecart.contracts import silver, state
from sidecart.contracts.frames import Tables, rows
from sidecart.count_plan import CountPlan, SizeCount, basket_sizes, count_plan
from sidecart.evidence import variant_stratum_support
from sidecart.extremes import buyer_activity, excluded_baskets
from sidecart.group_support import group_members, group_pair_support
from sidecart.pairs import flat_pairs, pair_support, region_support, variant_support
from sidecart.storage.run import Output, Run
from sidecart.variants import variant_facts

_LOG = logging.getLogger("sidecart.run")


def count_history(run: Run) -> None:
    """Write the state tables from silver, all of history."""
    settings = run.settings
    catalog, regions = run.read(silver.CATALOG), run.read(silver.REGIONS)
    ids = variant_ids(run.read_or_empty(state.VARIANT_IDS), catalog)
    run.write(state.VARIANT_IDS, ids, reads=silver.CATALOG)
    found = baskets(run.read(silver.ORDER_LINES), run.read(state.VARIANT_IDS))
    run.write(state.BUYER_ACTIVITY, buyer_activity(found, settings.baskets), reads=silver.ORDER_LINES)
    kept = excluded_baskets(found, run.read(state.BUYER_ACTIVITY), settings.baskets)
    run.write(state.BASKETS, kept, reads=silver.ORDER_LINES)

    counting = counted(run.read(state.BASKETS))
    plan = planned(run, counting)
    _allow(plan, run, "orders")
    _forget_changes(run)
    run.write_together(
        Output(state.PAIR_SUPPORT, pair_support(counting, regions, plan.shards), reads=state.BASKETS),
        Output(state.REGION_SUPPORT, region_support(counting, regions), reads=state.BASKETS),
        Output(state.BASKET_STRATA, basket_strata(counting), reads=state.BASKETS),
        Output(state.VARIANT_STRATUM_SUPPORT, variant_stratum_support(counting), reads=state.BASKETS),
    )
    _write_views(run)
    run.write(state.VARIANT_SUPPORT, variant_support(run.read(state.PAIR_SUPPORT)), reads=state.PAIR_SUPPORT)
    write_facts(run)
    categorised = basket_categories(counting, run.read(state.VARIANT_FACTS), settings.compatibility)
    run.write_together(
        Output(state.GROUP_PAIR_SUPPORT, _group_pairs(run), reads=state.PAIR_SUPPORT),
        Output(state.CATEGORY_PAIR_SUPPORT, category_pair_support(categorised), reads=state.BASKETS),
        Output(state.CATEGORY_STRATUM_SUPPORT, category_stratum_support(categorised), reads=state.BASKETS),
    )


def _forget_changes(run: Run) -> None:
    """Empty the tables of what runs added: a count of all history holds it."""
    for additions in state.CHANGES_OF.values():
        if run.warehouse.exists(additions) and not run.read_stored(additions).isEmpty():
            run.write(additions, rows(run.warehouse.spark, additions, []))
        run.warehouse.ensure(additions)


def write_facts(run: Run) -> None:
    """What lists need to know of each variant, by the current catalogue and settings."""
    catalog, categories, ids = (run.read(c) for c in (silver.CATALOG, silver.CATEGORIES, state.VARIANT_IDS))
    recent = recent_baskets(counted(run.read(state.BASKETS)), run.settings.scoring.recent_weeks)
    facts = variant_facts(catalog, categories, ids, run.read_root(state.VARIANT_SUPPORT), recent, run.settings)
    run.write(state.VARIANT_FACTS, facts, reads=silver.CATALOG)


def _group_pairs(run: Run) -> DataFrame:
    """Pairs of groups; a shop of single variants is not searched for any."""
    facts, unit = run.read(state.VARIANT_FACTS), run.settings.scoring.support_unit
    if group_members(facts, unit).where("bought_variants > 1").isEmpty():
        return rows(run.warehouse.spark, state.GROUP_PAIR_SUPPORT, [])
    return group_pair_support(flat_pairs(run.read_root(state.PAIR_SUPPORT)), facts, unit)


def _write_views(run: Run) -> None:
    """Joint views, counted as baskets are."""
    found = view_baskets(run.read(silver.VIEWS), run.read(state.VARIANT_IDS), run.settings.baskets)
    run.write(state.VIEW_BASKETS, found, reads=silver.VIEWS)
    viewed, regions = counted(run.read(state.VIEW_BASKETS)), run.read(silver.REGIONS)
    plan = planned(run, viewed)
    _allow(plan, run, "views")
    run.write(state.VIEW_PAIR_SUPPORT, pair_support(viewed, regions, plan.shards), reads=state.VIEW_BASKETS)


def planned(tables: Tables, counted_baskets: DataFrame) -> CountPlan:
    """The plan of a count of these baskets."""
    sizes = [SizeCount(*row) for row in basket_sizes(counted_baskets, tables.read(silver.REGIONS)).collect()]
    partitions = counted_baskets.sparkSession.conf.get("spark.sql.shuffle.partitions") or ""
    # Some platforms say `auto`.
    parallelism = int(partitions) if partitions.isdigit() else None
    return count_plan(sizes, tables.read(state.VARIANT_IDS).count(), parallelism)


def _allow(plan: CountPlan, run: Run, what: str) -> None:
    """Say the plan; PlanError where it is more than the shop allows."""
    if plan.baskets:
        _LOG.info("%s: %s", what, plan.in_words())
    plan.require_within(run.settings.baskets.max_pair_events, what)
