"""Tasks: how a run that a command line asked for ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from builders import Shop
from sidecart.contracts import silver
from sidecart.contracts.runs import RUNS
from sidecart.errors import StorageError
from sidecart.storage.releases import newest_release
from sidecart.storage.run import Run
from sidecart.storage.warehouse import Warehouse
from sidecart_jobs.arguments import run_as_task, task_parser

pytestmark = pytest.mark.slow


def _fails(_: Warehouse) -> None:
    raise StorageError("a file is gone")


def _outcomes(spark: SparkSession, warehouse: Path) -> list[tuple[str, str | None]]:
    return [(row["outcome"], row["reason"]) for row in Warehouse(spark, str(warehouse)).read(RUNS).collect()]


def test_a_published_run_stays_published_where_what_follows_it_fails(spark: SparkSession, warehouse: Path) -> None:
    def releases(run: Run) -> None:
        run.write(silver.REGIONS, Shop(spark).regions("root > oslo"))
        run.publish()

    told = task_parser().parse_args(["--warehouse", str(warehouse)])
    with pytest.raises(SystemExit, match="sidecart: a file is gone"):
        run_as_task(releases, told, then=_fails)
    assert _outcomes(spark, warehouse) == [("published", None)]
    assert newest_release(Warehouse(spark, str(warehouse)))


def test_a_run_that_fails_says_why_and_nothing_follows_it(spark: SparkSession, warehouse: Path) -> None:
    def dies(_: Run) -> None:
        raise StorageError("no disk")

    told = task_parser().parse_args(["--warehouse", str(warehouse)])
    with pytest.raises(SystemExit, match="no disk"):
        run_as_task(dies, told, then=lambda _: pytest.fail("it was done"))
    assert _outcomes(spark, warehouse) == [("failed", "StorageError: no disk")]
    assert newest_release(Warehouse(spark, str(warehouse))) is None
