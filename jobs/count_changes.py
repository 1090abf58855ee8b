"""Count what changed: from the orders that a run touched to the state that a count of all history would write."""

from __future__ import annotations

from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.baskets import baskets, counted, variant_ids, view_baskets
from sidecart.compatibility import basket_strata, category_pair_support, category_stratum_support
from sidecart.contracts import silver, state
from sidecart.contracts.model import Contract
from sidecart.count_changes import (
    Sides,
    bought_groups,
    categorised,
    changed_only,
    group_differences,
    of_renewed,
    recategorised,
    renewed_anchors,
    renewed_groups,
    with_renewed_groups,
    with_stratum_changes,
    with_those_holding,
)
from sidecart.extremes import activity_counts, excluded_baskets, threshold, with_extremes
from sidecart.group_support import group_members
from sidecart.near import near
from sidecart.pair_changes import changed_baskets, pair_differences, with_additions
from sidecart.pairs import region_support, variant_support
from sidecart.row_changes import added, changed_rows
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.run import Output, Run
from sidecart.storage.staging import Staging, staging
from sidecart.storage.warehouse import Size
from sidecart_jobs.count_history import planned, write_facts
from sidecart_jobs.verify_counts import Updated, verify_update

COMPACTED_SHARE = 0.25
"""Of the bytes of a table of pairs, those of what runs added to it from which on both are written as one."""
COMPACTED_BYTES = 4 * 2**20
"""Fewer bytes are not worth writing a table for."""
COMPACTED_FILES = 120
"""More files than these are written as one with their table, however small."""


def count_changes(run: Run, released: ReleaseReader) -> None:
    """Bring the state tables of the newest release up to silver, from the orders and sessions that the run touched."""
    ids = variant_ids(released.read(state.VARIANT_IDS), run.read(silver.CATALOG))
    run.write(state.VARIANT_IDS, ids, reads=silver.CATALOG)
    with staging(run.warehouse.spark, run.warehouse.location, f"{run.run_id}-changes") as stage:
        orders = _changed_orders(run, stage)
        differences = _add_pairs(run, stage, state.PAIR_SUPPORT, orders)
        changed = changed_only(orders)
        _add_sums(run, released, orders, changed, differences)
        updates = [Updated(state.PAIR_SUPPORT, differences)]
        if run.read(silver.TOUCHED_SESSIONS).isEmpty():
            run.warehouse.ensure(state.VIEW_PAIR_CHANGES)
        else:
            viewed = _add_pairs(run, stage, state.VIEW_PAIR_SUPPORT, _changed_sessions(run, stage))
            updates.append(Updated(state.VIEW_PAIR_SUPPORT, viewed))
        verify_update(run, stage, *updates)
        write_facts(run)
        facts = Sides(released.read(state.VARIANT_FACTS), run.read(state.VARIANT_FACTS))
        _add_categories(run, released, stage, changed, facts)
        _add_groups(run, released, stage, differences, facts)


def _changed_orders(run: Run, stage: Staging) -> Sides:
    """Baskets (columns of contract baskets) of every buyer of whom one changed, and the tables that keep them."""
    settings, stored = run.settings.baskets, run.read(state.BASKETS)
    touched = run.read(silver.TOUCHED_ORDERS)
    lines = near(run.read(silver.ORDER_LINES), touched, "order_id")
    now = stage.keep("touched_now", baskets(lines, run.read(state.VARIANT_IDS)))
    was = near(stored, touched, "order_id")
    buyers = stage.keep("buyers", _buyers_of(was, now))
    theirs = stage.keep("theirs_was", stored.join(buyers, "buyer_key", "left_semi"))
    activity, reached = _judged_buyers(run, stage, buyers, _as_they_are(theirs, touched, now))
    if not reached.isEmpty():
        others = stage.keep("others_was", stored.join(reached, "buyer_key", "left_semi"))
        theirs = theirs.unionByName(others)
    after = stage.keep("theirs_now", excluded_baskets(_as_they_are(theirs, touched, now), activity, settings))
    run.merge(state.BASKETS, stage.keep("changed_rows", changed_rows(theirs, after, state.BASKETS)))
    return Sides(theirs, after)


def _buyers_of(was: DataFrame, now: DataFrame) -> DataFrame:
    return was.select("buyer_key").unionByName(now.select("buyer_key")).distinct()


def _as_they_are(stored: DataFrame, touched: DataFrame, now: DataFrame) -> DataFrame:
    """Stored baskets with the touched ones as they are now; why one is left out is to be found anew."""
    return stored.join(touched, "order_id", "left_anti").drop("exclusion").unionByName(now)


def _judged_buyers(run: Run, stage: Staging, buyers: DataFrame, theirs: DataFrame) -> tuple[DataFrame, DataFrame]:
    """Write buyer_activity; its rows of `buyers` and of those besides whom the threshold reached or let go, and these.

    `theirs`: all baskets of `buyers` as they are.
    """
    settings, stored = run.settings.baskets, run.read(state.BUYER_ACTIVITY)
    counts = stage.keep("their_counts", activity_counts(theirs, settings))
    everyone = stored.join(buyers, "buyer_key", "left_anti").select(*counts.columns).unionByName(counts)
    limit = stage.keep("threshold", threshold(everyone, settings))
    judged = with_extremes(counts, limit)
    if not stored.select("threshold").limit(1).join(limit, "threshold").isEmpty():
        was = stored.join(buyers, "buyer_key", "left_semi")
        run.merge(state.BUYER_ACTIVITY, stage.keep("judged", changed_rows(was, judged, state.BUYER_ACTIVITY)))
        return judged, buyers.limit(0)
    whole = stage.keep("activity", with_extremes(everyone, limit))
    was = stored.select("buyer_key", F.col("is_extreme").alias("was_extreme"))
    flipped = whole.join(was, "buyer_key").where("is_extreme <> was_extreme").drop("was_extreme")
    reached = stage.keep("reached", flipped.join(buyers, "buyer_key", "left_anti").select(*judged.columns))
    run.write(state.BUYER_ACTIVITY, whole, reads=state.BASKETS)
    return judged.unionByName(reached), reached.select("buyer_key")


def _changed_sessions(run: Run, stage: Staging) -> Sides:
    """Sessions (columns of contract view_baskets) of every viewer of whom one changed, and the table of them."""
    stored, touched = run.read(state.VIEW_BASKETS), run.read(silver.TOUCHED_SESSIONS)
    views = run.read(silver.VIEWS).join(touched, "session_id", "left_semi")
    found = view_baskets(views, run.read(state.VARIANT_IDS), run.settings.baskets)
    now = stage.keep("sessions_now", found)
    was = stored.join(touched, "session_id", "left_semi")
    viewers = stage.keep("viewers", _buyers_of(was, now))
    theirs = stage.keep("viewed_was", stored.join(viewers, "buyer_key", "left_semi"))
    after = theirs.join(touched, "session_id", "left_anti").unionByName(now)
    run.merge(state.VIEW_BASKETS, stage.keep("changed_sessions", changed_rows(theirs, after, state.VIEW_BASKETS)))
    return Sides(*(side.withColumnRenamed("session_id", "order_id") for side in (theirs, after)))


def _add_pairs(run: Run, stage: Staging, contract: Contract, held: Sides) -> DataFrame:
    """Add to a table of pairs what changed baskets of the same buyers make of it; the differences."""
    changed = stage.keep(f"{contract.name}_baskets", changed_baskets(counted(held.before), counted(held.after)))
    plan = planned(run, changed)
    plan.require_within(run.settings.baskets.max_pair_events, contract.name)
    counts = pair_differences(changed, run.read(silver.REGIONS), plan.shards)
    differences = stage.keep(f"{contract.name}_differences", counts)
    if differences.isEmpty():
        run.warehouse.ensure(state.CHANGES_OF[contract])
    else:
        _add(run, contract, differences)
    return differences


def _add(run: Run, contract: Contract, differences: DataFrame) -> None:
    """Append to what runs added to a table of counts."""
    additions = state.CHANGES_OF[contract]
    run.write(additions, differences.withColumn("run_id", F.lit(run.run_id)), reads=state.BASKETS, mode="append")
    if _is_to_be_compacted(run.warehouse.size(additions), run.warehouse.size(contract)):
        compact(run, contract)


def _is_to_be_compacted(added: Size, table: Size) -> bool:
    is_large = added.bytes > max(COMPACTED_BYTES, COMPACTED_SHARE * table.bytes)
    return is_large or added.files > COMPACTED_FILES


def compact(run: Run, contract: Contract) -> None:
    """Write a table of counts and what runs added to it as one."""
    additions = state.CHANGES_OF[contract]
    whole = with_additions(contract, run.read_stored(contract), run.read_stored(additions))
    run.write(contract, whole, reads=contract)
    run.write(additions, run.read_stored(additions).limit(0))


def _add_sums(run: Run, released: ReleaseReader, orders: Sides, changed: Sides, differences: DataFrame) -> None:
    """Add to the counts of variants, regions and basket sizes."""
    regions = run.read(silver.REGIONS)
    after, before = (region_support(counted(side), regions) for side in (orders.after, orders.before))
    of_regions = added(state.REGION_SUPPORT, released.read(state.REGION_SUPPORT), after, before)
    after, before = basket_strata(changed.after), basket_strata(changed.before)
    of_sizes = added(state.BASKET_STRATA, released.read(state.BASKET_STRATA), after, before)
    variants = variant_support(differences)
    of_variants = added(state.VARIANT_SUPPORT, released.read(state.VARIANT_SUPPORT), variants)
    strata = with_stratum_changes(released.read(state.VARIANT_STRATUM_SUPPORT), changed)
    run.write_together(
        Output(state.VARIANT_SUPPORT, of_variants, reads=state.BASKETS),
        Output(state.REGION_SUPPORT, of_regions, reads=state.BASKETS),
        Output(state.BASKET_STRATA, of_sizes, reads=state.BASKETS),
        Output(state.VARIANT_STRATUM_SUPPORT, strata, reads=state.BASKETS),
    )


def _add_categories(run: Run, released: ReleaseReader, stage: Staging, changed: Sides, facts: Sides) -> None:
    """Add to the counts of categories, by the catalogue as it was and as it is."""
    moved = stage.keep("recategorised", recategorised(facts))
    if not moved.isEmpty():
        changed = with_those_holding(moved, changed, counted(run.read(state.BASKETS)))
    held = categorised(changed, facts, run.settings.compatibility)
    run.write_together(
        *(
            Output(contract, added(contract, released.read(contract), *sides), reads=state.BASKETS)
            for contract, sides in (
                (state.CATEGORY_STRATUM_SUPPORT, map(category_stratum_support, (held.after, held.before))),
                (state.CATEGORY_PAIR_SUPPORT, map(category_pair_support, (held.after, held.before))),
            )
        )
    )


def _add_groups(run: Run, released: ReleaseReader, stage: Staging, differences: DataFrame, facts: Sides) -> None:
    """Add to the counts of groups."""
    is_root, unit = F.col("region_id") == F.lit(run.settings.shop.root_region), run.settings.scoring.support_unit
    parts = (state.GROUP_PAIR_SUPPORT, state.GROUP_PAIR_CHANGES)
    is_empty = all(released.read_stored(part).isEmpty() for part in parts)
    if is_empty and group_members(facts.after, unit).where("bought_variants > 1").isEmpty():
        run.warehouse.ensure(state.GROUP_PAIR_CHANGES)
        return
    groups = stage.keep("groups", bought_groups(facts, unit))
    changes = group_differences(differences.where(is_root), groups, facts, unit)
    if not groups.where("is_renewed").isEmpty():
        anchors = F.broadcast(stage.keep("renewed_anchors", renewed_anchors(groups, facts.after, unit)))
        pairs = run.read(state.PAIR_SUPPORT, lambda rows: rows.where(is_root).join(anchors, "anchor", "left_semi"))
        was = released.read(state.GROUP_PAIR_SUPPORT, partial(of_renewed, groups))
        changes = with_renewed_groups(changes, was, renewed_groups(pairs, groups, facts.after, unit), groups)
    _add(run, state.GROUP_PAIR_SUPPORT, changes)
