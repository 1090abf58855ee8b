"""A generated grocery: what was planted is found, and planted bananas stay out of lists that don't need them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from chains import analysts_limits, base_of, compiled_plans, published
from sidecart.baskets import counted
from sidecart.chance import shuffled_baskets
from sidecart.compatibility import CategoryCounts, category_compatibility
from sidecart.contracts import gold, silver, state
from sidecart.contracts.gold import SHORTLISTS
from sidecart.evidence import (
    ChanceInputs,
    evidence_thresholds,
    met_pairs,
    variant_stratum_support,
    with_evidence_class,
)
from sidecart.generator.settings import small
from sidecart.generator.shop import Planted, write_shop
from sidecart.pairs import flat_pairs, pair_support
from sidecart.settings import ScoringSettings, Settings
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.run import Run
from sidecart.storage.views import register_views
from sidecart_cli.main import main
from sidecart_jobs.build_shortlists import build_shortlists

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
LIVE_AT_ROOT = "SELECT variant_id FROM offers WHERE region_id = 'root' AND is_available"
DEPARTMENTS = "SELECT variant_id, category_path[0] AS department FROM variant_facts"
STANDARD = Settings(preset="grocery")


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Planted]:
    """The small generated grocery, run in the standard profile, in plans as large shops have them."""
    folder: Path = tmp_path_factory.mktemp("grocery")
    planted = write_shop(folder / "landing", replace(small(), views_per_line=0.0, regions=2))
    with compiled_plans(spark):
        return published(spark, folder / "landing", folder / "warehouse", STANDARD, planted.as_of), planted


def test_the_notebook_runs_over_the_shops_tables(shop: tuple[Run, Planted]) -> None:
    _, planted = shop
    warehouse = planted.folder.parents[1] / "warehouse"
    executed = subprocess.run(
        [sys.executable, ROOT / "scripts" / "run_notebooks.py"],
        env=os.environ | {"SIDECART_WAREHOUSE": str(warehouse)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert executed.returncode == 0, executed.stderr[-3000:]


def test_what_leaving_extremes_out_changed_is_told(
    shop: tuple[Run, Planted], capsys: pytest.CaptureFixture[str]
) -> None:
    run, _ = shop
    with analysts_limits(run.warehouse.spark):
        main(["extremes", "--warehouse", base_of(run)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["BASKET_CAP:", "EXTREME_USER:"]
    added, pairs = (int(number.replace(",", "")) for number in re.findall(r"[\d,]+", lines[4])[:2])
    changed, lists = (int(number.replace(",", "")) for number in re.findall(r"[\d,]+", lines[5])[:2])
    assert 0 < added < pairs
    assert 0 < changed <= lists
    assert lines[6].endswith(" gone")


def shown(spark: SparkSession) -> set[tuple[str, str]]:
    """(anchor, candidate) of the root's top tens."""
    tens = spark.sql("SELECT anchor_id, candidate_id FROM shortlists_resolved WHERE region_id = 'root' AND rank <= 10")
    return {(row["anchor_id"], row["candidate_id"]) for row in tens.collect()}


def test_planted_complements_are_in_the_top_ten(spark: SparkSession, shop: tuple[Run, Planted]) -> None:
    run, planted = shop
    register_views(ReleaseReader(run.warehouse))
    truth = set(zip(*(planted.complements[side].to_pylist() for side in ("anchor_id", "candidate_id")), strict=True))
    live = {row["variant_id"] for row in spark.sql(LIVE_AT_ROOT).collect()}
    department = {row["variant_id"]: row["department"] for row in spark.sql(DEPARTMENTS).collect()}
    apart = json.loads((planted.folder / "planted.json").read_text(encoding="utf-8"))["kept_apart"]
    # The shop's rules keep one department to itself, planted complements or not.
    possible = {(a, c) for a, c in truth if c in live and (department[c] != apart or department[a] == apart)}
    assert len(possible) > len(truth) / 2
    recall = len(possible & shown(spark)) / len(possible)
    assert recall >= 0.95, f"{recall:.3f} of {len(possible)}"


def test_planted_bananas_stay_out_of_unrelated_lists(spark: SparkSession, shop: tuple[Run, Planted]) -> None:
    run, planted = shop
    scoring = ScoringSettings(profile="banana", popularity_exponent=0.7)
    damped = Run.start(run.warehouse, replace(STANDARD, scoring=scoring), run.as_of)
    build_shortlists(damped)
    lists = run.warehouse.read(SHORTLISTS).where("region_id = 'root' AND rank <= 10")
    pairs = {(row["anchor_id"], row["candidate_id"]) for row in lists.select("anchor_id", "candidate_id").collect()}
    run.rewind()
    bananas = set(planted.bananas["variant_id"].to_pylist())
    shelf = {row["variant_id"]: re.sub(r"-t\d+$", "", row["category_id"]) for row in spark.table("catalog").collect()}
    given = zip(*(planted.related[side].to_pylist() for side in ("category_id", "complement_id")), strict=True)
    related = {frozenset(pair) for pair in given}

    def needs_none(anchor: str) -> bool:
        both = [frozenset((shelf[anchor], shelf[banana])) for banana in bananas]
        return all(len(pair) == 2 and pair not in related for pair in both)

    unrelated = {anchor for anchor, _ in pairs if needs_none(anchor)}
    assert len(unrelated) > 100
    with_banana = {anchor for anchor, candidate in pairs if anchor in unrelated and candidate in bananas}
    assert len(with_banana) / len(unrelated) < 0.05, f"{len(with_banana)} of {len(unrelated)} lists"


def classes(run: Run, baskets: DataFrame, folder: Path) -> DataFrame:
    """Pairs of these baskets at the root, each once, with their evidence_class."""
    baskets.withColumn("region_id", F.lit("root")).write.parquet(str(folder / "baskets"))
    kept = run.warehouse.spark.read.parquet(str(folder / "baskets"))
    facts, root = run.read(state.VARIANT_FACTS), run.read(silver.REGIONS).where("depth = 0")
    counts = CategoryCounts.of(kept, facts, STANDARD.compatibility)
    compatibility = category_compatibility(counts, STANDARD.compatibility)
    inputs = ChanceInputs(variant_stratum_support(kept), counts.strata, facts, compatibility)
    met = met_pairs(flat_pairs(pair_support(kept, root, shards=2)), inputs, STANDARD)
    met.write.parquet(str(folder / "met"))
    met = run.warehouse.spark.read.parquet(str(folder / "met"))
    return with_evidence_class(met, evidence_thresholds(met, inputs, STANDARD))


def test_shuffled_order_lines_give_one_pair_of_evidence_per_fifty_anchors_at_most(
    shop: tuple[Run, Planted], tmp_path: Path
) -> None:
    run, _ = shop
    dealt = shuffled_baskets(counted(run.read(state.BASKETS)), seed=1)
    found = 2 * classes(run, dealt, tmp_path).where("evidence_class <> 'weak'").count()
    anchors = run.read(state.VARIANT_STRATUM_SUPPORT).count()
    assert found <= anchors / 50, f"{found} of {anchors} anchors"


def test_planted_complements_are_strong_or_likely(shop: tuple[Run, Planted], tmp_path: Path) -> None:
    run, planted = shop
    found = classes(run, counted(run.read(state.BASKETS)), tmp_path)
    number = {row["variant_id"]: row["variant"] for row in run.read(state.VARIANT_IDS).collect()}
    by_pair = {(row["anchor"], row["candidate"]): row["evidence_class"] for row in found.collect()}
    given = zip(*(planted.complements[side].to_pylist() for side in ("anchor_id", "candidate_id")), strict=True)
    told = [by_pair.get(tuple(sorted((number[a], number[c]))), "never met") for a, c in given]
    share = {name: told.count(name) / len(told) for name in sorted(set(told))}
    assert share.get("strong", 0) + share.get("likely", 0) >= 0.9, share
    assert not run.read(gold.EVIDENCE_THRESHOLDS).where("strong_support IS NOT NULL").isEmpty()
