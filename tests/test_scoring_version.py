"""The scoring version: what scores are made with is found by one run and kept by the runs after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from builders import told
from chains import buyer_key
from sidecart.contracts import gold, state
from sidecart.errors import StorageError
from sidecart.settings import ScoringSettings, Settings
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.run import Run
from sidecart.storage.warehouse import Warehouse
from sidecart_jobs.refresh_parameters import refresh_parameters
from sidecart_jobs.run_chain import run_chain
from sidecart_jobs.scoring_version import TABLES, why_refreshed
from test_chain import AS_OF, NOT_LOOKED_AT, SMALL_SHOP, write_shop

pytestmark = pytest.mark.slow

SHOP = replace(SMALL_SHOP, quality=NOT_LOOKED_AT)


@pytest.fixture(scope="module")
def first(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """The corner shop's first release, and its landing folder."""
    folder = tmp_path_factory.mktemp("corner-shop")
    (folder / "landing").mkdir()
    write_shop(folder / "landing")
    run = Run.start(Warehouse(spark, str(folder / "warehouse")), SHOP, AS_OF)
    with buyer_key():
        run_chain(run, folder / "landing")
    return run, folder / "landing"


def _after(first: Run, days: int, settings: Settings = SHOP) -> Run:
    return Run.start(first.warehouse, settings, first.as_of + timedelta(days=days))


def _version(run: Run) -> list[str]:
    """The release that found each table of the version."""
    released = ReleaseReader(run.warehouse)
    return sorted({row for contract in TABLES for row in told(released.read(contract), "release_id")})


def test_a_version_holds_for_a_week_and_while_settings_of_scores_are_the_same(first: tuple[Run, Path]) -> None:
    run, released = first[0], ReleaseReader(first[0].warehouse)
    assert why_refreshed(_after(run, 6), released) is None
    assert why_refreshed(_after(run, 7), released) == f"those of {run.release_id} are 7 days old"
    daily = replace(SHOP, scoring=ScoringSettings(refresh_days=0))
    told_of = "settings of scoring are not those of the newest release"
    assert why_refreshed(_after(run, 0, daily), released) == told_of


def test_a_shop_that_grew_by_more_than_a_tenth_finds_its_parameters_anew(first: tuple[Run, Path]) -> None:
    # 31 guests bought something.
    run, released = _after(first[0], 1), ReleaseReader(first[0].warehouse)
    for buyers, expected in (
        (34, None),
        (35, f"the shop has 35 buyers, those of {first[0].release_id} were found on 31"),
    ):
        grown = released.read(state.REGION_SUPPORT).withColumn("buyers", F.lit(buyers))
        run.write(state.REGION_SUPPORT, grown.withColumn("baskets", F.lit(buyers)))
        assert why_refreshed(run, released) == expected
    run.rewind()


def test_a_run_keeps_the_version_and_a_refresh_makes_a_new_one(first: tuple[Run, Path]) -> None:
    run, landing = first
    # Categories are unknown here, and a pair of such needs two buyers.
    rows = "".join(f"{order},{v},1,2026-03-01 10:00:00\n" for order in ("n1", "n2") for v in ("jam", "soap"))
    (landing / "orders").mkdir()
    (landing / "orders" / "march.csv").write_text(f"order_id,variant_id,quantity,ordered_at\n{rows}", encoding="utf-8")
    next_day = _after(run, 1)
    with buyer_key():
        run_chain(next_day, landing)
    released = ReleaseReader(run.warehouse)
    assert _version(run) == [run.release_id]
    # Lists are the day's, by the parameters of the day before.
    met = released.read(gold.SHORTLISTS).where("anchor_id = 'soap' AND source = 'orders'")
    assert told(met, "candidate_id", "pair_buyers", "release_id") == [("jam", 2, next_day.release_id)]

    lists = told(released.read(gold.SHORTLISTS), "region_id", "anchor_id", "rank", "candidate_id", "score_key")
    refreshed = _after(run, 2)
    refresh_parameters(refreshed)
    assert _version(run) == [refreshed.release_id]
    of_new = ReleaseReader(run.warehouse).read(gold.SHORTLISTS)
    assert told(of_new, "region_id", "anchor_id", "rank", "candidate_id", "score_key") == lists


def test_there_is_nothing_to_refresh_before_the_first_release(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"nothing was released in .* yet: `sidecart run`"):
        refresh_parameters(Run.start(Warehouse(spark, str(tmp_path / "new")), SHOP, AS_OF))
