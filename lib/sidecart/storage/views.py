"""Views for analysts: every table of a release, and what is derived from them, under their names in a session."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sidecart.contracts import gold, runs, silver, state, views
from sidecart.contracts.frames import TABLES, Tables, commented, rows
from sidecart.contracts.model import Contract
from sidecart.diversity import diversified
from sidecart.errors import StorageError
from sidecart.ingest.parsing import Moment, moment_of
from sidecart.pairs import flat_pairs
from sidecart.resolution import held_lists, list_owners, refusals, resolved_lists, unsold
from sidecart.rules import goods_of, rules_on, with_ruling
from sidecart.settings import EVIDENCE_CLASSES, Settings
from sidecart.settings_files import known_settings, settings_from
from sidecart.storage.releases import ReleaseReader

TOP = 10
"""How many candidates a shop shows, in views that ask for full lists."""


def register_views(reader: ReleaseReader) -> tuple[str, ...]:
    """Register every table of the release and every view by name in the session; the names.

    Raises StorageError where nothing was ever released.
    """
    if not reader.versions:
        raise StorageError("nothing was released yet; run `sidecart run` (or `make demo`) first")
    readable = [c for c in TABLES.values() if c.name in reader.versions or reader.warehouse.exists(c)]
    for contract in readable:
        reader.read(contract).createOrReplaceTempView(contract.name)
    for contract, build in VIEW_BUILDERS.items():
        commented(build(reader), contract).createOrReplaceTempView(contract.name)
    return tuple(c.name for c in (*readable, *VIEW_BUILDERS))


def shortlists_resolved(
    reader: ReleaseReader, rules: DataFrame | None = None, pages: DataFrame | None = None
) -> DataFrame:
    """The final lists of every region (contract shortlists_resolved); with `rules` as if those were released.

    `pages` (region_id, anchor_id): of these alone, and no other list is put together.
    """
    ruled = reader.read(silver.RULES) if rules is None else rules
    return final_lists(reader, release_moment(reader), ruled, pages)


def final_lists(tables: Tables, moment: Moment, rules: DataFrame, pages: DataFrame | None = None) -> DataFrame:
    """The final lists of every region, or of `pages`, of any tables, released or not (contract shortlists_resolved)."""
    lists = resolved_lists(
        _held(tables, pages),
        goods_of(tables, rules),
        None if rules.isEmpty() else rules,
        moment.day,
    )
    diverse = diversified(lists, moment.settings.diversity)
    return diverse.withColumn("score", F.col("score_key") / F.lit(1_000_000))


def _held(tables: Tables, pages: DataFrame | None = None) -> DataFrame:
    """The base lists that hold on every page, or on `pages` (resolution.held_lists)."""
    shortlists, depths, owners = tables.read(gold.SHORTLISTS), tables.read(gold.LIST_REGIONS), _owners(tables)
    asked = owners if pages is None else owners.join(pages, ["region_id", "anchor_id"], "left_semi")
    return held_lists(shortlists, asked, tables.read(silver.OFFERS), depths)


def _owners(tables: Tables) -> DataFrame:
    """Whose base list holds on every page (resolution.list_owners)."""
    return list_owners(tables.read(gold.BASE_LISTS), tables.read(silver.REGIONS), tables.read(silver.OFFERS))


def placed_lists(reader: ReleaseReader) -> DataFrame:
    """What each placement shows (contract placed_lists)."""
    lists = shortlists_resolved(reader)
    trust = F.array_position(F.array(*(F.lit(c) for c in EVIDENCE_CLASSES)), F.col("evidence_class"))
    parts = []
    for name, placement in release_settings(reader).placements.items():
        taken = lists.where(trust <= EVIDENCE_CLASSES.index(placement.evidence) + 1)
        order = Window.partitionBy("region_id", "anchor_id").orderBy("rank")
        ranked = taken.withColumn("rank", F.row_number().over(order)).where(F.col("rank") <= placement.shown)
        parts.append(ranked.withColumn("placement", F.lit(name)))
    return reduce(DataFrame.unionByName, parts) if parts else rows(reader.warehouse.spark, views.PLACED_LISTS, [])


def refused(reader: ReleaseReader) -> DataFrame:
    """What the first ten do not show, and why not (contract refusals)."""
    offers, held, rules = reader.read(silver.OFFERS), _held(reader), reader.read(silver.RULES)
    elsewhere = unsold(reader.read(gold.SHORTLISTS), _owners(reader), offers)
    listed = held.unionByName(elsewhere, allowMissingColumns=True)
    live = held.where("is_available")
    ruled = with_ruling(live, goods_of(reader, rules), rules_on(rules, release_moment(reader).day))
    hidden = refusals(listed, shortlists_resolved(reader), ruled, TOP)
    never = reader.read(gold.NEAR_MISSES).withColumn("region_id", F.lit(_root_region(reader)))
    return hidden.unionByName(never.select(*_REFUSED), allowMissingColumns=True)


_REFUSED = ("region_id", "anchor_id", "candidate_id", "refused_by", "score_key")


def why(reader: ReleaseReader) -> DataFrame:
    """The final lists in words (contract why)."""
    names = reader.read(silver.CATALOG).select("variant_id", "name")
    named = shortlists_resolved(reader)
    for side in ("anchor", "candidate"):
        labels = names.select(F.col("variant_id").alias(f"{side}_id"), F.col("name").alias(side))
        named = named.join(labels, f"{side}_id")
    by_orders = F.format_string(
        "%,d of its %,d %s had both (%.1f %%), the candidate has %,d; category lift %.2f, asks %d; %s",
        _pair_support(),
        F.col("anchor_support"),
        F.col("support_unit"),
        F.col("confidence") * 100,
        F.col("candidate_support"),
        F.col("category_lift"),
        F.col("required_support"),
        F.when(F.col("region_weight") > 0, F.concat(F.lit("weighed with buyers of "), "evidence_region_id")).otherwise(
            F.lit("whole shop")
        ),
    )
    return named.withColumn("because", F.when(F.col("source") == "orders", by_orders).otherwise(_because_cold()))


def pairs(reader: ReleaseReader) -> DataFrame:
    """pair_support flat, by the shop's own ids (contract pairs).

    The anchor is named before its candidates are laid out, so that a query for one anchor opens one row per region.
    """
    ids = reader.read(state.VARIANT_IDS)
    anchors = ids.select(F.col("variant").alias("anchor"), F.col("variant_id").alias("anchor_id"))
    candidates = ids.select(F.col("variant").alias("candidate"), F.col("variant_id").alias("candidate_id"))
    named = reader.read(state.PAIR_SUPPORT).join(anchors, "anchor")
    return flat_pairs(named, "anchor_id").join(candidates, "candidate")


def bananas(reader: ReleaseReader) -> DataFrame:
    """How much each variant is bought and shown (contract bananas)."""
    # The id itself, not a join: only a literal reaches the lists before they are resolved.
    is_root = F.col("region_id") == F.lit(_root_region(reader))
    tops = shortlists_resolved(reader).where(is_root & (F.col("rank") <= TOP))
    shown = tops.groupBy(F.col("candidate_id").alias("variant_id")).agg(F.count(F.lit(1)).alias("lists"))
    total = tops.agg(F.count_distinct("anchor_id").alias("all_lists"))
    names = reader.read(silver.CATALOG).select("variant_id", "name")
    support = reader.read(state.VARIANT_SUPPORT).where(is_root)
    sold = support.join(reader.read(state.VARIANT_IDS), "variant").join(names, "variant_id")
    place = F.rank().over(Window.orderBy(F.col("buyers").desc()))
    return (
        sold.withColumn("support_place", place)
        .join(shown, "variant_id", "left")
        .fillna(0, ["lists"])
        .crossJoin(total)
        .withColumn("share_of_lists", F.coalesce(F.try_divide("lists", "all_lists"), F.lit(0.0)))
    )


def coverage_by_region(reader: ReleaseReader) -> DataFrame:
    """How many anchors of each region have a list (contract coverage_by_region)."""
    lists = shortlists_resolved(reader).groupBy("region_id", "anchor_id").agg(F.count(F.lit(1)).alias("candidates"))
    filled = lists.groupBy("region_id").agg(
        F.count(F.lit(1)).alias("with_list"), F.count_if(F.col("candidates") >= TOP).alias("with_full_list")
    )
    offered = reader.read(silver.OFFERS).groupBy("region_id").agg(F.count(F.lit(1)).alias("anchors"))
    stored = reader.read(gold.LIST_REGIONS).select("region_id", "list_depth", "stored_lists")
    support = reader.read(state.REGION_SUPPORT).select("region_id", "baskets")
    regions = reader.read(silver.REGIONS).select("region_id", "name")
    for part in (offered, filled, support, stored):
        regions = regions.join(part, "region_id", "left")
    counted = regions.fillna(0, ["anchors", "with_list", "with_full_list", "baskets", "list_depth", "stored_lists"])
    full = F.coalesce(F.try_divide("with_full_list", "anchors"), F.lit(0.0))
    return counted.withColumn("full_share", full)


def extremes(reader: ReleaseReader) -> DataFrame:
    """Who was left out, and what that took out (contract extremes)."""
    activity = reader.read(state.BUYER_ACTIVITY)
    total = activity.agg(F.sum("pair_events").alias("all_events"))
    share = F.coalesce(F.try_divide("pair_events", "all_events"), F.lit(0.0))
    return activity.where("reason_code IS NOT NULL").crossJoin(total).withColumn("share_of_pair_events", share)


def scorecard_trend(reader: ReleaseReader) -> DataFrame:
    """Every release's scorecard beside the one before it (contract scorecard_trend)."""
    if not reader.warehouse.exists(runs.SCORECARD):
        return rows(reader.warehouse.spark, views.SCORECARD_TREND, [])
    released = reader.read(runs.RELEASES).select("run_id").distinct()
    measured = reader.read(runs.SCORECARD).join(F.broadcast(released), "run_id", "left_semi")
    in_turn = Window.partitionBy("property", "measure", "slice").orderBy("release_id")
    told = measured.withColumn("previous_value", F.lag("value").over(in_turn))
    return told.withColumn("change", F.col("value") - F.col("previous_value"))


def dictionary(reader: ReleaseReader) -> DataFrame:
    """What every column of every table and view means (contract dictionary)."""
    described = [
        {
            "layer": str(contract.layer),
            "table_name": contract.name,
            "one_row": contract.one_row,
            "column_name": column.name,
            "type": column.type,
            "comment": column.comment,
        }
        for contract in (*TABLES.values(), *views.VIEWS)
        for column in contract.columns
    ]
    return rows(reader.warehouse.spark, views.DICTIONARY, described)


def _because_cold() -> Column:
    """Why a candidate stands behind those of orders."""
    by_views = F.format_string(
        "looked at together by %,d; category lift %.2f, asks %d",
        F.col("view_support"),
        F.col("category_lift"),
        F.col("required_support"),
    )
    fits = F.format_string(
        "fits the anchor's category, which met it %,d times; category lift %.2f",
        F.col("fill_support"),
        F.col("category_lift"),
    )
    is_branded = F.col("source") == "brand"
    return F.when(F.col("source") == "views", by_views).otherwise(
        F.when(is_branded, F.concat(F.lit("the anchor's brand; "), fits)).otherwise(fits)
    )


VIEW_BUILDERS: dict[Contract, Callable[[ReleaseReader], DataFrame]] = {
    views.SHORTLISTS_RESOLVED: shortlists_resolved,
    views.PLACED_LISTS: placed_lists,
    views.REFUSALS: refused,
    views.WHY: why,
    views.PAIRS: pairs,
    views.BANANAS: bananas,
    views.COVERAGE_BY_REGION: coverage_by_region,
    views.EXTREMES: extremes,
    views.SCORECARD_TREND: scorecard_trend,
    views.DICTIONARY: dictionary,
}


def _pair_support() -> Column:
    return F.when(F.col("support_unit") == "buyers", F.col("pair_buyers")).otherwise(F.col("pair_baskets"))


def _root_region(reader: ReleaseReader) -> str:
    row = reader.read(silver.REGIONS).where("depth = 0").select("region_id").first()
    if row is None:
        raise StorageError("the table regions has no root; run `sidecart run` again")
    return str(row["region_id"])


def release_moment(reader: ReleaseReader) -> Moment:
    """The moment the release speaks of, and the settings of its run."""
    as_of, told = _release_run(reader)
    return Moment(as_of, _settings_of(reader, told))


def release_settings(reader: ReleaseReader) -> Settings:
    """The settings of the release's run; a setting it did not know yet has its default."""
    return _settings_of(reader, _release_run(reader)[1])


def release_layout(reader: ReleaseReader) -> int | None:
    """How the release's state tables keep their counts; None where its run left no record."""
    released = reader.read(runs.RELEASES).where(F.col("release_id") == F.lit(reader.release_id)).select("run_id")
    row = reader.read(runs.RUNS).join(released, "run_id", "left_semi").select("state_layout").first()
    return row["state_layout"] if row else None


def _settings_of(reader: ReleaseReader, told: dict[str, Any]) -> Settings:
    return settings_from(known_settings(told), f"settings of {reader.release_id}")


def _release_run(reader: ReleaseReader) -> tuple[datetime, dict[str, Any]]:
    """The moment of the release and the settings of its run, none where the run left no record."""
    released = reader.read(runs.RELEASES).where(F.col("release_id") == F.lit(reader.release_id))
    ran = released.join(reader.read(runs.RUNS).select("run_id", "settings"), "run_id", "left")
    row = ran.select(F.unix_micros("as_of").alias("at"), "settings").first()
    if row is None:
        raise StorageError(f"release {reader.release_id} is gone from the table releases")
    return moment_of(row["at"]), json.loads(row["settings"]) if row["settings"] else {}
