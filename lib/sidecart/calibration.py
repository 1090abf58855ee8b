"""Calibration: how far popularity is reduced, found from the share of lists that may hold a best seller.

The same exponent gives other lists in another shop, so a profile states a wish, and this stage finds the exponent
and the exposure factors that meet it, on the root's lists of what sells now.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import reduce

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from sidecart import calibration_kernel
from sidecart.calibration_kernel import CONTENDERS, Calibration, Contenders, Likeness, Wish
from sidecart.settings import DiversitySettings, ScoringSettings, Settings
from sidecart.variants import with_bestsellers

LEAST_ANCHORS = 500
"""Of fewer anchors no share is worth aiming at: twenty best sellers would be much of what is sold."""
MOST_ANCHORS = 50_000
"""Anchors that are looked at, by draw where there are more; bounds the memory of the one task that calibrates."""

_FOUND = (
    "candidate INT, exposure_factor DOUBLE, basis STRING, exponent DOUBLE,"
    " wished_share DOUBLE, reached_share DOUBLE, anchors INT"
)


def calibration(admitted: DataFrame, facts: DataFrame, root_members: DataFrame, settings: Settings) -> DataFrame:
    """One row per damped candidate, and one without a candidate that says what was found (contract scoring_parameters).

    In: admitted pairs of the whole shop (scoring.admitted_pairs); variant_facts; root_members (variant): what the root
    sells now. Lists are looked at as they are shown, diversity included, and weighted by their anchors' recent baskets
    over all live anchors; fills, group repeats and rules come later and are not looked at. Of a shop with fewer than
    500 anchors the profile's own exponent is taken.
    """
    scoring = settings.scoring
    anchors = _anchors(facts, root_members)
    candidates = _candidates(facts, root_members, scoring)
    rows = (
        admitted.join(F.broadcast(anchors), "anchor")
        .join(F.broadcast(candidates), "candidate")
        .withColumn("base", F.ln("confidence") + F.lit(scoring.lift_exponent) * F.ln("category_lift"))
        .select(*CONTENDERS.names)
    )
    kept = rows.repartition("anchor").mapInArrow(calibration_kernel.contenders, schema=rows.schema)
    wish, assumed = _wish(scoring), scoring.wish.assumed_exponent
    likeness = _likeness(settings.diversity)

    def calibrate(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield _found(Contenders.of(calibration_kernel.rows_of(batches), likeness), wish, assumed)

    return kept.coalesce(1).mapInArrow(calibrate, schema=_FOUND)


def set_parameters(spark: SparkSession, settings: ScoringSettings) -> DataFrame:
    """The same without calibrating: the exponent that the settings give (or none, where the measure needs none)."""
    exponent = settings.popularity_exponent or 0.0
    wished = settings.wish.bestseller_share
    return spark.createDataFrame([(None, 1.0, "set", exponent, wished, None, 0)], _FOUND)


def _anchors(facts: DataFrame, root_members: DataFrame) -> DataFrame:
    """One row per live anchor that is looked at: anchor, anchor_baskets, all_baskets (of all of them)."""
    live = facts.join(root_members, "variant", "left_semi").where("recent_baskets > 0")
    drawn = live.withColumn("place", F.row_number().over(Window.orderBy("draw", "variant")))
    chosen = drawn.where(F.col("place") <= MOST_ANCHORS)
    total = F.sum("recent_baskets").over(Window.partitionBy()).cast("bigint").alias("all_baskets")
    return chosen.select(F.col("variant").alias("anchor"), F.col("recent_baskets").alias("anchor_baskets"), total)


def _candidates(facts: DataFrame, root_members: DataFrame, settings: ScoringSettings) -> DataFrame:
    """One row per live candidate: candidate, ln_popularity, is_bestseller, kind and brand_kind.

    A kind is the smallest variant of the subcategory (and brand); what has none is its own, below 0.
    """
    support = F.col(settings.support_unit)
    told = with_bestsellers(facts, settings.support_unit).withColumns(
        {"kind": _kind("subcategory_id"), "brand_kind": _kind("subcategory_id", "brand")}
    )
    return told.join(root_members, "variant", "left_semi").select(
        F.col("variant").alias("candidate"),
        F.ln(support + F.lit(settings.popularity_prior)).alias("ln_popularity"),
        "is_bestseller",
        "kind",
        "brand_kind",
    )


def _kind(*named: str) -> Column:
    known = reduce(Column.__and__, (F.col(name).isNotNull() for name in named))
    smallest = F.min("variant").over(Window.partitionBy(*named))
    return F.when(known, smallest).otherwise(-F.col("variant"))


def _likeness(settings: DiversitySettings) -> Likeness:
    of_kind, of_brand, most = (math.log(part) for part in (settings.factor, settings.brand_factor, settings.floor))
    return Likeness(of_kind, of_brand, most, settings.free)


def _wish(settings: ScoringSettings) -> Wish:
    wish = settings.wish
    return Wish(wish.bestseller_share, settings.exposure_limit, wish.damping_rounds, wish.damping_strength)


def _found(contenders: Contenders, wish: Wish, assumed: float) -> pa.RecordBatch:
    if len(contenders.weight) >= LEAST_ANCHORS:
        return _as_rows(contenders, calibration_kernel.calibrated(contenders, wish), "calibrated", wish)
    undamped = np.zeros(len(contenders.candidates))
    share = calibration_kernel.bestseller_share(contenders, assumed, undamped)
    return _as_rows(contenders, Calibration(assumed, share, undamped), "assumed", wish)


def _as_rows(contenders: Contenders, found: Calibration, basis: str, wish: Wish) -> pa.RecordBatch:
    damped = np.flatnonzero(found.ln_factor < 0)
    rows = len(damped) + 1
    columns = [
        pa.array([None, *contenders.candidates[damped].tolist()], pa.int32()),
        pa.array(np.exp(np.append(0.0, found.ln_factor[damped]))),
        pa.array([basis] * rows),
        pa.array(np.full(rows, found.exponent)),
        pa.array(np.full(rows, wish.bestseller_share)),
        pa.array(np.full(rows, found.bestseller_share)),
        pa.array(np.full(rows, len(contenders.weight), np.int32)),
    ]
    return pa.RecordBatch.from_arrays(columns, names=[part.split()[0] for part in _FOUND.split(", ")])
