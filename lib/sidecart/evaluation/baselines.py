"""Baselines: lists by the open measures, from the same counts, candidates and exclusions as the shop's own.

They count baskets, whatever unit the shop's lists count in: expected pairs of buyers mean nothing, since a buyer of
many baskets ever met nearly every bestseller.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sidecart.compatibility import with_lift
from sidecart.evaluation.association import (
    Counts,
    Formula,
    confidence,
    cosine,
    damped_count,
    jaccard,
    lift,
    llr,
    npmi,
    poisson_llr,
    poisson_llr_of_pairs,
    raw_count,
    times_lift,
)
from sidecart.evaluation.basket_page import JOINED_DEPTH
from sidecart.evaluation.top_kernel import best_by_measure
from sidecart.pairs import flat_pairs
from sidecart.scoring import is_of_own_category
from sidecart.settings import Settings
from sidecart.variants import facts_of

BASELINES: dict[str, Formula] = {
    "raw count": raw_count,
    "confidence": confidence,
    "Jaccard": jaccard,
    "cosine": cosine,
    "lift": lift,
    "NPMI": npmi,
    "LLR": llr,
    "Poisson-LLR": poisson_llr,
    "c / n_j^.35": damped_count(0.35),
    "damped count x L^.5": damped_count(0.5, prior=30.0, lift_exponent=0.5),
    "LLR x L^.5": times_lift(llr),
    "Poisson-LLR x L^.5": times_lift(poisson_llr),
    "Poisson-LLR of pairs x L^.5": times_lift(poisson_llr_of_pairs),
}

DEPTH = JOINED_DEPTH
"""Candidates of a baseline's list: ten are shown, a basket page reads further."""

_COUNTS = (
    "joint",
    "anchor_support",
    "candidate_support",
    "all_baskets",
    "anchor_pairs",
    "candidate_pairs",
    "all_pairs",
    "category_lift",
)
_LISTED = ("anchor", "candidate", "id_order", *_COUNTS)
_CUT = "measure INT, anchor INT, rank INT, candidate INT, score DOUBLE"


def met_pairs(
    root_pair_support: DataFrame,
    facts: DataFrame,
    compatibility: DataFrame,
    all_baskets: DataFrame,
    live: DataFrame | None,
    settings: Settings,
) -> DataFrame:
    """One row per (anchor, candidate) that a baseline may list, with its counts in baskets.

    `all_baskets`: one row, how many counted baskets there are. `live`: variant_id of what may be shown; None lets in
    what is no longer sold. The anchor's own group and, where the shop excludes it, own category are out. No gate:
    that is what baselines lack.
    """
    scoring = replace(settings.scoring, support_unit="baskets")
    sold = facts if live is None else facts.join(live, "variant_id", "left_semi")
    anchors = facts_of("anchor", facts, scoring)
    candidates = facts_of("candidate", sold, scoring)
    met = flat_pairs(root_pair_support).select("anchor", "candidate", F.col("pair_baskets").alias("joint"))
    described = met.join(F.broadcast(candidates), "candidate").join(F.broadcast(anchors), "anchor")
    listed = described.where((F.col("anchor_group_id") != F.col("candidate_group_id")) & ~is_of_own_category())
    lifted = with_lift(listed, compatibility, settings.compatibility)
    return (
        _with_pairs(lifted, root_pair_support)
        .crossJoin(F.broadcast(all_baskets))
        .withColumnRenamed("candidate_id_order", "id_order")
        .select(*_LISTED)
    )


def _with_pairs(pairs: DataFrame, root_pair_support: DataFrame) -> DataFrame:
    """The pairs with how much meets the anchor, the candidate, and all together."""
    joint = F.transform("met", lambda alike: alike["pair_baskets"].cast("bigint") * F.size(alike["candidates"]))
    met = root_pair_support.select(
        "anchor", F.aggregate(joint, F.lit(0).cast("bigint"), lambda sum_, n: sum_ + n).alias("anchor_pairs")
    )
    as_candidate = met.select(F.col("anchor").alias("candidate"), F.col("anchor_pairs").alias("candidate_pairs"))
    total = met.agg(F.sum("anchor_pairs").alias("all_pairs"))
    whole = pairs.join(F.broadcast(met), "anchor").join(F.broadcast(as_candidate), "candidate")
    return whole.crossJoin(F.broadcast(total))


def baseline_lists(met_pairs: DataFrame, facts: DataFrame, formulae: Mapping[str, Formula] | None = None) -> DataFrame:
    """One row per candidate of a baseline's list: table_name, anchor_id, rank, candidate_id and score.

    Equal scores go by joint count, then by the
    candidate's id. All formulae are cut in one look at the pairs.
    """
    measured = dict(formulae or BASELINES)
    whole = met_pairs.repartition("anchor").sortWithinPartitions("anchor", F.col("joint").desc(), "id_order")
    names = [f"measure_{place}" for place in range(len(measured))]
    counts = Counts(*(F.col(name) for name in _COUNTS))
    scores = {name: formula(counts).cast("double") for name, formula in zip(names, measured.values(), strict=True)}
    scored = whole.withColumns(scores).select("anchor", "candidate", *names)

    def cut(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return best_by_measure(batches, names, DEPTH)

    titles = F.array(*(F.lit(title) for title in measured))
    lists = scored.mapInArrow(cut, schema=_CUT).withColumn("table_name", F.get(titles, F.col("measure")))
    return _with_ids(lists, facts).select("table_name", "anchor_id", "rank", "candidate_id", "score")


def shuffled(listed: DataFrame) -> DataFrame:
    """The lists of one table, each at another anchor: what it earns by its candidates' popularity alone.

    Anchors in the order of their integers take the lists in the order of the md5 of their owners. In and out as
    listed.listed gives lists.
    """
    anchors = listed.select("anchor").distinct()
    by_hash = Window.orderBy(F.md5(F.col("anchor").cast("string")), "anchor")
    takers = anchors.select(
        F.col("anchor").alias("taker"), F.row_number().over(Window.orderBy("anchor")).alias("place")
    )
    owners = anchors.select("anchor", F.row_number().over(by_hash).alias("place"))
    moved = owners.join(takers, "place").drop("place")
    others = listed.join(F.broadcast(moved), "anchor").where("taker <> candidate")
    return others.withColumn("anchor", F.col("taker")).select(*listed.columns)


def filled(lists: DataFrame, fill: DataFrame, depth: int = 10) -> DataFrame:
    """The lists, and below them what `fill` shows for the same anchor and they do not, down to `depth`.

    Both: anchor_id, rank, candidate_id. An anchor that only `fill` knows gets its list.
    """
    both = lists.select("*", F.lit(0).alias("source_place")).unionByName(
        fill.select("*", F.lit(1).alias("source_place")), allowMissingColumns=True
    )
    first = Window.partitionBy("anchor_id", "candidate_id").orderBy("source_place", "rank")
    order = Window.partitionBy("anchor_id").orderBy("source_place", "rank")
    once = both.withColumn("place", F.row_number().over(first)).where("place = 1").drop("place")
    ranked = once.withColumn("rank", F.row_number().over(order)).where(F.col("rank") <= depth)
    return ranked.select(*lists.columns)


def _with_ids(lists: DataFrame, facts: DataFrame) -> DataFrame:
    for side in ("anchor", "candidate"):
        lists = lists.join(F.broadcast(facts.select(F.col("variant").alias(side), _named(side))), side)
    return lists


def _named(side: str) -> Column:
    return F.col("variant_id").alias(f"{side}_id")
