"""The green bag gets the green shoes: of a group that suits, the variant in the anchor's colour stands for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from chains import buyer_key
from sidecart.attribute_lift import attribute_lift
from sidecart.contracts import state
from sidecart.generator.settings import small
from sidecart.generator.shop import Planted, write_shop
from sidecart.group_support import GroupEvidence, backed_off_pairs, group_pair_support
from sidecart.pairs import flat_pairs
from sidecart.settings import Settings
from sidecart.storage.run import Run
from sidecart.storage.warehouse import Warehouse
from sidecart_jobs.count_history import count_history
from sidecart_jobs.ingest_landing import ingest_landing


@dataclass(frozen=True)
class CountedShop:
    """Pairs and facts of the shop, and which variants were planted to match in colour."""

    pairs: DataFrame
    facts: DataFrame
    matches: DataFrame
    """anchor, candidate: the two variants of one colour."""

    def standing_for_its_group(self, pairs: DataFrame) -> dict[int, tuple[int, int]]:
        """Per matched anchor: the variant of its colour, and the one that stands for that variant's group."""
        group_pairs = group_pair_support(pairs, self.facts, "buyers")
        lifts = attribute_lift(pairs, group_pairs, self.facts, Settings())
        anchors = self.matches.select("anchor")
        found = backed_off_pairs(pairs, GroupEvidence(group_pairs, lifts, self.facts), Settings(), anchors)
        group = self.facts.select("variant", "group_id")
        best = found.where("group_rank = 1").select("anchor", F.col("candidate").alias("shown"))
        shown = best.join(group.withColumnRenamed("variant", "shown"), "shown")
        wanted = self.matches.join(group.withColumnRenamed("variant", "candidate"), "candidate")
        rows = wanted.join(shown, ["anchor", "group_id"], "left").select("anchor", "candidate", "shown").collect()
        return {row["anchor"]: (row["candidate"], row["shown"]) for row in rows}


@pytest.fixture(scope="module")
def fashion(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> CountedShop:
    """A generated fashion shop with eight matching pairs of groups in four colours, counted."""
    folder: Path = tmp_path_factory.mktemp("fashion")
    planted = write_shop(folder / "landing", replace(small("fashion"), views_per_line=0.0))
    run = Run.start(Warehouse(spark, str(folder / "warehouse")), Settings(), planted.as_of)
    with buyer_key():
        ingest_landing(run, folder / "landing")
        count_history(run)
    root = run.read(state.PAIR_SUPPORT).where("region_id = 'root'")
    return CountedShop(flat_pairs(root), run.read(state.VARIANT_FACTS), _matches(run, planted))


def _matches(run: Run, planted: Planted) -> DataFrame:
    told = run.warehouse.spark.read.parquet(str(planted.folder / "colour_matches.parquet"))
    ids = run.read(state.VARIANT_IDS)
    for side in ("anchor", "candidate"):
        told = told.join(ids.withColumnsRenamed({"variant_id": f"{side}_id", "variant": side}), f"{side}_id")
    return told.select("anchor", "candidate")


def test_of_the_matching_group_the_anchors_own_colour_is_shown(fashion: CountedShop) -> None:
    standing = fashion.standing_for_its_group(fashion.pairs)
    assert len(standing) == 32
    right = sum(wanted == shown for wanted, shown in standing.values())
    assert right >= 30, f"{right} of 32"


def test_a_bag_that_met_none_of_the_shoes_is_shown_the_ones_in_its_colour(fashion: CountedShop) -> None:
    """One bag of each group becomes a stranger to all shoes that match its group; the other bags have taught enough."""
    groups = fashion.facts.select(F.col("variant").alias("anchor"), "group_id")
    matched = fashion.matches.join(groups, "anchor")
    strangers = matched.groupBy("group_id").agg(F.min("anchor").alias("anchor"))
    never = strangers.join(matched.select("group_id", "candidate"), "group_id")
    either = never.select("anchor", "candidate").unionByName(
        never.select(F.col("anchor").alias("candidate"), F.col("candidate").alias("anchor"))
    )
    standing = fashion.standing_for_its_group(fashion.pairs.join(either, ["anchor", "candidate"], "left_anti"))
    estranged = [row["anchor"] for row in strangers.collect()]
    right = sum(standing[anchor][0] == standing[anchor][1] for anchor in estranged)
    assert (len(estranged), right >= 7) == (8, True), f"{right} of 8"
