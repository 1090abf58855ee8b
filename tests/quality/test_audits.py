"""Audits: with every component at work all of them pass; each component switched off is seen by its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from builders import NOON, Frames, Shop
from random_shop import CountedShop, counted_shop
from sidecart.contracts import gold, silver, state
from sidecart.contracts.frames import rows
from sidecart.contracts.model import Contract
from sidecart.ingest.parsing import Moment
from sidecart.quality.audits.audited import Audited
from sidecart.quality.audits.every import AUDITS, findings
from sidecart.quality.audits.gate import audited
from sidecart.scoring import ScoringParameters
from sidecart.settings import Settings, settings_from
from sidecart.shortlists import ListInputs, base_lists, fills, listed_candidates, shortlists
from sidecart.storage.staging import Staging

pytestmark = pytest.mark.slow

SETTINGS = settings_from(
    {
        "regions": {"min_region_baskets": 100, "min_anchor_support": 40, "prior_support": 60.0},
        "lists": {"root_depth": 30, "region_depth": 30, "own_category_level": 3},
        "compatibility": {"prior_baskets": 2.0},
        "scoring": {"popularity_prior": 3.0, "popularity_exponent": 0.5},
        "cold_start": {"fill_to": 30, "brand_by_category": {"lamps": "only"}},
        "variants": {"group_prior": 0.0},
        "baskets": {"extreme_buyer_share": 0.0},
    }
)
PARAMETERS = {"basis": "set", "exponent": 0.5, "wished_share": 0.48}


@dataclass(frozen=True)
class Listed:
    """The random shop with lists: its tables, ready to be changed."""

    counted: CountedShop
    frames: Frames
    listed: DataFrame
    folder: Path

    def audited(self, changed: dict[Contract, DataFrame] | None = None, settings: Settings = SETTINGS) -> Audited:
        """What audits look at, with some tables changed; `settings` resolve the lists, SETTINGS judge them."""
        tables = self.frames.but(changed or {})
        stage = Staging(self.listed.sparkSession, self.folder)
        return replace(audited(tables, Moment(NOON, settings), stage), settings=SETTINGS)


def _settled(frame: DataFrame) -> DataFrame:
    return frame.sparkSession.createDataFrame(frame.toArrow(), frame.schema)


def _lists(inputs: ListInputs, listed: DataFrame, filled: DataFrame) -> dict[Contract, DataFrame]:
    parameters = ScoringParameters(0.5, 500, rows(listed.sparkSession, gold.EXPOSURE_FACTORS, []))
    lists = _settled(shortlists(inputs, listed, filled, parameters, SETTINGS))
    return {gold.SHORTLISTS: lists, gold.BASE_LISTS: _settled(base_lists(lists))}


def _listed(inputs: ListInputs) -> DataFrame:
    nothing_damped = rows(inputs.offers.sparkSession, gold.EXPOSURE_FACTORS, [])
    return _settled(listed_candidates(inputs, ScoringParameters(0.5, 500, nothing_damped), SETTINGS))


def _filled(inputs: ListInputs, listed: DataFrame) -> DataFrame:
    return _settled(fills(inputs, listed, SETTINGS))


@pytest.fixture(scope="module")
def shop_with_lists(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Listed:
    shop = Shop(spark)
    counted = counted_shop(shop, SETTINGS, orders=400, seed=11)
    inputs = counted.inputs
    names = counted.variant_ids.select("variant", "variant_id")
    sold = counted.baskets.select("order_id", F.explode("variants").alias("variant")).join(names, "variant")
    lines = sold.withColumn("quantity_left", F.lit(1))
    listed = _listed(inputs)
    frames = Frames(
        {
            silver.CATALOG: counted.catalog,
            silver.CATEGORIES: counted.categories,
            silver.OFFERS: inputs.offers,
            silver.REGIONS: inputs.regions,
            silver.RULES: shop.rules({"candidate_by": "variant", "candidate_value": "v01"}),
            silver.ORDER_LINES: _settled(lines),
            state.VARIANT_IDS: counted.variant_ids,
            state.VARIANT_FACTS: inputs.variant_facts,
            state.REGION_SUPPORT: inputs.region_support,
            state.BASKETS: counted.baskets,
            state.PAIR_SUPPORT: inputs.pair_support,
            gold.CATEGORY_COMPATIBILITY: inputs.category_compatibility,
            gold.SCORING_PARAMETERS: shop.frame(gold.SCORING_PARAMETERS, PARAMETERS),
        }
        | _lists(inputs, listed, _filled(inputs, listed))
    )
    return Listed(counted, frames, listed, tmp_path_factory.mktemp("staging"))


def look(audited: Audited, audit: str) -> Row:
    (row,) = AUDITS[audit].look(audited).collect()
    return row


def test_with_every_component_at_work_all_audits_pass(shop_with_lists: Listed) -> None:
    found = findings(shop_with_lists.audited())
    assert [row["audit"] for row in found] == list(AUDITS)
    assert [row for row in found if not row["passed"]] == []
    unasked = {row["audit"] for row in found if not row["looked_at"]}
    assert unasked == {"bananas_elsewhere", "bananas_where_needed", "buyers_left_out"}
