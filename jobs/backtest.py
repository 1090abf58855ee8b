"""Backtest: make a shop's lists as of a moment in its past, and judge them by what was bought after."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import reduce

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from sidecart.assortments import SalesWindow, offers_from_sales
from sidecart.contracts import gold, silver, state
from sidecart.contracts.model import Contract
from sidecart.contracts.runs import BACKTESTS
from sidecart.evaluation.baselines import BASELINES, DEPTH, baseline_lists, met_pairs, shuffled
from sidecart.evaluation.held_out import Split, held_out_baskets, in_window, training_lines, training_views
from sidecart.evaluation.judge import FROM_ABOVE, Evidence, HeldOut, evidence, judge
from sidecart.evaluation.listed import listed, named
from sidecart.settings import Settings
from sidecart.shortlists import SOURCE_BRAND, SOURCE_ORDERS, SOURCE_POPULARITY
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.run import Output, Run
from sidecart.storage.staging import Staging, staging
from sidecart.storage.views import shortlists_resolved
from sidecart.storage.warehouse import Warehouse
from sidecart_jobs.build_shortlists import write_lists, write_measures
from sidecart_jobs.count_history import count_history, write_facts

_LOG = logging.getLogger("sidecart.run")

_SHUFFLED = "c / n_j^.35"
"""The baseline that is shuffled to show the floor."""

_PAGE = ["region_id", "anchor"]

_AT_ONCE = 4
"""Baselines judged together: more of them ask for more memory than they save time."""


@dataclass(frozen=True)
class Backtest:
    """One split of one release: where its training tables go, and which lists are made from them."""

    source: ReleaseReader
    split: Split
    warehouse: Warehouse
    """Of this split alone; the source is only read."""
    settings: Settings
    """The shop's: what is counted, and the support unit in which tables are judged."""
    configurations: Mapping[str, Settings]
    """Lists to judge by name; they share the counts, so they differ in scoring, gate and lists only."""
    with_baselines: bool = True
    by_region: bool = False
    """Whether a basket is judged by the lists of its region; else by the root's."""
    history_days: int | None = None
    """How many days before the split count; all of history without it."""


def backtest(test: Backtest) -> DataFrame:
    """Rows of figures (contract backtests) of every configuration's lists, the baselines and a shuffled table."""
    run = _run(test, test.settings)
    if not test.warehouse.exists(state.CATEGORY_STRATUM_SUPPORT):
        with _timed("training tables"):
            write_training(test, run)
        with _timed("counting"):
            count_history(run)
    with staging(test.warehouse.spark, test.warehouse.location, run.run_id) as stage:
        judged_by = _evidence(test, run, stage)
        measured: Settings | None = None
        for name, settings in test.configurations.items():
            with _timed(f"lists of {name}"):
                made = _made_lists(test, settings, measured)
            _judge(run, test, judged_by, _own_lists(test, made, judged_by, stage, name))
            measured = settings
        if test.with_baselines:
            baselines = stage.keep("baselines", _baselines(test, run))
            for names in _together():
                _judge(run, test, judged_by, baselines.where(F.col("table_name").isin(names)))
            floor = shuffled(baselines.where(F.col("table_name") == F.lit(_SHUFFLED)))
            _judge(run, test, judged_by, floor.withColumn("table_name", F.lit(f"shuffled {_SHUFFLED}")))
    return run.read(BACKTESTS).where(F.col("run_id") == run.run_id)


def write_training(test: Backtest, run: Run) -> None:
    """Silver as it was known at the split, and the integers of variants, so that both sides name them alike."""
    lines = training_lines(test.source.read(silver.ORDER_LINES), test.split, test.history_days)
    cut = {silver.ORDER_LINES: lines, silver.VIEWS: training_views(test.source.read(silver.VIEWS), test.split)}
    carried = [c for c in (*silver.TABLES, state.VARIANT_IDS) if c not in {*silver.OF_INGEST, silver.OFFERS}]
    run.write_together(*(Output(c, cut.get(c, test.source.read(c))) for c in carried if _is_released(test, c)))
    run.write(silver.OFFERS, _offers(test, run))


def _offers(test: Backtest, run: Run) -> DataFrame:
    """What was on sale at the split: derived from sales before it, or the shop's own word of today."""
    offers = test.source.read(silver.OFFERS)
    if not offers.where("basis <> 'sales'").isEmpty():
        return offers
    regions, root = run.read(silver.REGIONS), test.settings.shop.root_region
    window = SalesWindow(regions, root, test.split.begins_at, test.settings.regions)
    return offers_from_sales(run.read(silver.ORDER_LINES), window)


def _made_lists(test: Backtest, settings: Settings, measured: Settings | None) -> Run:
    """A run that made the lists of a configuration; what judges pairs is measured anew only where it differs."""
    made = _run(test, replace(settings, lists=replace(settings.lists, near_misses=0)))
    write_facts(made)
    if measured is None or _measuring(settings) != _measuring(measured):
        write_measures(made)
    write_lists(made, root_only=not test.by_region)
    made.publish()
    return made


def _measuring(settings: Settings) -> tuple[object, ...]:
    """What settings say of how pairs are judged, apart from scores."""
    return settings.compatibility, settings.variants, settings.evidence, settings.scoring.support_unit


def _own_lists(test: Backtest, made: Run, judged_by: Evidence, stage: Staging, name: str) -> DataFrame:
    """The final lists of a configuration, as they are judged; what orders did not bring has no score.

    By region: the root's, and those of the pages met; a page without a list of its region has the root's. A second
    table, FROM_ABOVE, shows there what is sold of the list of the region above.
    """
    root = test.settings.shop.root_region
    is_root = F.col("region_id") == F.lit(root)
    every = made.read(state.VARIANT_FACTS).select(F.lit(root).alias("region_id"), F.col("variant").alias("anchor"))
    if not test.by_region:
        shown = _resolved(test, made, name, every).where(F.col("rank") <= DEPTH)
        return stage.keep("own", shown.withColumn("region_id", F.lit(None).cast("string")))
    met = judged_by.met_pages.where(~is_root).select(*_PAGE)
    above = _with_above(met, made).select(F.col("above").alias("region_id"), "anchor")
    kept = stage.keep("lists", _resolved(test, made, name, every.unionByName(met).unionByName(above)))
    own = kept.where(is_root).unionByName(kept.join(met, _PAGE, "left_semi"))
    from_above = _from_above(kept, own.where(~is_root).select(*_PAGE).distinct(), made)
    without = met.join(own.select(*_PAGE), _PAGE, "left_anti")
    lent = own.where(is_root).drop("region_id").join(without, "anchor")
    tables = (own, lent, *(part.withColumn("table_name", F.lit(name + FROM_ABOVE)) for part in (from_above, lent)))
    shown = reduce(DataFrame.unionByName, tables).where(F.col("rank") <= DEPTH)
    return stage.keep("own_lent_and_from_above", shown)


def _resolved(test: Backtest, made: Run, name: str, pages: DataFrame) -> DataFrame:
    """The final lists of the pages (region_id, anchor), as they are judged."""
    facts = made.read(state.VARIANT_FACTS)
    numbers = facts.select(F.col("variant").alias("anchor"), F.col("variant_id").alias("anchor_id"))
    asked = pages.join(F.broadcast(numbers), "anchor").drop("anchor")
    resolved = shortlists_resolved(ReleaseReader(test.warehouse, made.release_id), pages=asked)
    is_fill = F.col("source").isin(SOURCE_POPULARITY, SOURCE_BRAND)
    score = F.when(F.col("source") == SOURCE_ORDERS, F.exp("score"))
    return listed(named(name, resolved.withColumns({"score": score, "is_fill": is_fill})), facts)


def _with_above(pages: DataFrame, made: Run) -> DataFrame:
    """Pages of regions with the region above: above."""
    regions = made.read(silver.REGIONS).select("region_id", F.col("parent_id").alias("above"))
    return pages.join(F.broadcast(regions), "region_id")


def _from_above(lists: DataFrame, pages: DataFrame, made: Run) -> DataFrame:
    """On pages of regions, what the list of the region above holds of what can be bought there."""
    there = _with_above(pages, made).withColumnRenamed("region_id", "here")
    above = lists.withColumnRenamed("region_id", "above").join(there, ["above", "anchor"]).drop("above")
    numbers = made.read(state.VARIANT_IDS).select("variant_id", F.col("variant").alias("candidate"))
    offers = made.read(silver.OFFERS).where("is_available").join(numbers, "variant_id")
    live = offers.select(F.col("region_id").alias("here"), "candidate")
    in_turn = Window.partitionBy("here", "anchor").orderBy("above_rank")
    kept = above.withColumnRenamed("rank", "above_rank").join(live, ["here", "candidate"], "left_semi")
    return (
        kept.withColumn("rank", F.row_number().over(in_turn)).drop("above_rank").withColumnRenamed("here", "region_id")
    )


def _baselines(test: Backtest, run: Run) -> DataFrame:
    """Tables of the baselines, live goods only, as they are judged."""
    facts, pairs = run.read(state.VARIANT_FACTS), run.read_root(state.PAIR_SUPPORT)
    total = run.read_root(state.REGION_SUPPORT).select(F.col("baskets").alias("all_baskets"))
    compatibility = run.read(gold.CATEGORY_COMPATIBILITY)
    met = met_pairs(pairs, facts, compatibility, total, _live(run), test.settings)
    return listed(baseline_lists(met, facts), facts)


def _evidence(test: Backtest, run: Run, stage: Staging) -> Evidence:
    baskets = test.source.read(state.BASKETS)
    found = evidence(
        HeldOut(
            baskets=held_out_baskets(baskets, test.split),
            window=in_window(baskets, test.split),
            facts=run.read(state.VARIANT_FACTS),
            live=_live(run),
            region_support=run.read(state.REGION_SUPPORT),
            support_unit=test.settings.scoring.support_unit,
        )
    )
    return Evidence(**{field.name: stage.keep(field.name, getattr(found, field.name)) for field in fields(found)})


def _judge(run: Run, test: Backtest, judged_by: Evidence, lists: DataFrame) -> None:
    marks = {"run_id": run.run_id, "source_release_id": test.source.release_id, "split": test.split.name}
    figures = judge(lists, judged_by, test.settings.shop.root_region).withColumns(
        {name: F.lit(value) for name, value in marks.items()}
    )
    run.write(BACKTESTS, figures, mode="append")


def _together() -> list[list[str]]:
    names = list(BASELINES)
    return [names[first : first + _AT_ONCE] for first in range(0, len(names), _AT_ONCE)]


def _live(run: Run) -> DataFrame:
    return run.read_root(silver.OFFERS).where("is_available").select("variant_id")


def _is_released(test: Backtest, contract: Contract) -> bool:
    return contract.name in test.source.versions


def _run(test: Backtest, settings: Settings) -> Run:
    return Run.start(test.warehouse, settings, test.split.begins_at)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    _LOG.info("%-50s %22.1f s", what, time.monotonic() - begun)
