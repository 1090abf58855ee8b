"""A day that dies at any of its writes and is run again is the day that nothing happened to."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from chains import buyer_key
from recounts import KilledError, killed_after, require_same
from sidecart.contracts import runs, silver
from sidecart.contracts.model import Contract, Layer
from sidecart.settings import IngestSettings
from sidecart.storage.run import Run
from sidecart.storage.warehouse import RELEASED, Warehouse
from sidecart_jobs.arguments import CountMode
from sidecart_jobs.ingest_landing import ingest_landing
from sidecart_jobs.update_pairs import update_pairs
from test_increments import SETTINGS, Trade

pytestmark = [pytest.mark.slow, pytest.mark.soak]

_TOLERANT = replace(SETTINGS, ingest=IngestSettings(max_quarantine_share=0.5))
_REFUSED = "o999,1,u1,v1,nowhere,1,2026-01-05 10:00:00,sale,9999\n"
_COUNTED = tuple(contract for contract in RELEASED if contract.layer != Layer.GOLD)


@dataclass
class Evening:
    """A shop with a release, and a day's files that no run has read."""

    spark: SparkSession
    folder: Path
    trade: Trade

    def copied(self, folder: Path) -> Evening:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder, folder)
        return Evening(self.spark, folder, self.trade)

    def run(self, run_id: str | None = None) -> Run:
        """As a process of its own begins or goes on: nothing is known but what is written."""
        return Run.start(Warehouse(self.spark, str(self.folder / "warehouse")), _TOLERANT, self.trade.as_of, run_id)

    def tasks(self) -> list[Callable[[Run], None]]:
        """What is to be done, in order."""
        mode: CountMode = "incremental" if self.trade.day > 1 else "full"
        return [lambda run: ingest_landing(run, self.folder / "landing"), lambda run: update_pairs(run, mode)]


def _work(run: Run, tasks: list[Callable[[Run], None]]) -> Run:
    """Do the tasks; those done are off the list, also where a later one dies."""
    with buyer_key():
        while tasks:
            tasks[0](run)
            del tasks[0]
    return run


@pytest.fixture(scope="module")
def evening(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Evening:
    folder = tmp_path_factory.mktemp("evening")
    evening = Evening(spark, folder, Trade(folder / "landing", random.Random(11)))
    for _ in range(2):
        evening.trade.trade()
        run = _work(evening.run(), evening.tasks())
        run.publish()
    evening.trade.trade()
    with (evening.trade.landing / "orders" / f"day{evening.trade.day}.csv").open("a", encoding="utf-8") as orders:
        orders.write(_REFUSED)
    return evening


@pytest.fixture(scope="module")
def quiet(evening: Evening, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The day as nothing happens to it."""
    story = evening.copied(tmp_path_factory.mktemp("quiet") / "shop")
    return _work(story.run(), story.tasks())


@pytest.mark.parametrize("is_same_run", [True, False], ids=["by the same run", "by another run"])
def test_a_day_that_dies_at_any_write_and_is_run_again_is_the_day(
    evening: Evening, quiet: Run, tmp_path: Path, subtests: pytest.Subtests, *, is_same_run: bool
) -> None:
    assert len(quiet.stages) > 25
    for writes, stage in enumerate(quiet.stages):
        story = evening.copied(tmp_path / "shop")
        dying, tasks = story.run(), story.tasks()
        with killed_after(writes), pytest.raises(KilledError):
            _work(dying, tasks)
        again = story.run(dying.run_id) if is_same_run else story.run()
        _work(again, tasks if is_same_run else story.tasks())
        with subtests.test(f"killed after {writes} writes, about {stage.name}"):
            _require_the_same_day(again, quiet)


def _require_the_same_day(found: Run, expected: Run) -> None:
    for contract in _COUNTED:
        require_same(found.read_or_empty(contract), expected.read_or_empty(contract), contract, without=("run_id",))
    for contract in (runs.BOOKS, silver.QUARANTINE):
        require_same(_of_run(found, contract), _of_run(expected, contract), contract, without=("run_id",))


def _of_run(run: Run, contract: Contract) -> DataFrame:
    return run.read(contract).where(F.col("run_id") == run.run_id)
