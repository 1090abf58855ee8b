"""History in pieces: whatever their order, before or after live days, the counts are those of one ingest of all."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from chains import buyer_key
from recounts import COUNTED, require_same
from sidecart.contracts import silver
from sidecart.errors import InputError, SettingsError
from sidecart.storage.run import Run
from sidecart.storage.warehouse import Warehouse
from sidecart_jobs.import_history import ingest_history
from sidecart_jobs.ingest_landing import ingest_landing
from sidecart_jobs.update_pairs import update_pairs
from test_increments import SETTINGS, Trade

pytestmark = pytest.mark.slow

COMPARED = (silver.ORDER_LINES, silver.UNMATCHED_RETURNS, silver.VIEWS, silver.OFFERS, *COUNTED)


class Past:
    """A shop of four days, cut into live files and three pieces of history that overlap."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark, self.folder = spark, folder
        self.trade = Trade(folder / "all", random.Random(5))
        for _ in range(4):
            self.trade.trade()
        self._piece("live", 3, 4)
        # Day 2 is told twice, and day 3 by live files too.
        for name, days in (("first", (1,)), ("second", (2, 3)), ("third", (2,))):
            self._piece(name, *days)
        for name in ("catalog.csv", "categories.csv", "regions.csv"):
            shutil.copy(folder / "all" / name, folder / "live" / name)
        shutil.copy(folder / "all" / "catalog.csv", folder / "first" / "catalog.csv")

    def _piece(self, name: str, *days: int) -> None:
        for input_ in ("orders", "views"):
            (self.folder / name / input_).mkdir(parents=True)
            for day in days:
                told = (self.folder / "all" / input_ / f"day{day}.csv").read_bytes()
                # Other bytes, so that rows are known and not the file alone.
                (self.folder / name / input_ / f"day{day}.csv").write_bytes(told + b"\n" * len(name))

    def counted(self, *names: str) -> Run:
        """The run that read the pieces last, one run each."""
        warehouse = Warehouse(self.spark, str(self.folder / f"warehouse-{'-'.join(names)}"))
        for name in names:
            run = Run.start(warehouse, SETTINGS, self.trade.as_of)
            with buyer_key():
                if name in ("live", "all"):
                    ingest_landing(run, self.folder / name)
                else:
                    ingest_history(run, self.folder / name)
            update_pairs(run)
            run.publish()
        return run


def test_history_in_pieces_and_in_any_order_counts_as_one_ingest_of_all(spark: SparkSession, tmp_path: Path) -> None:
    past = Past(spark, tmp_path)
    whole = past.counted("all")
    for order in (("first", "live", "second", "third"), ("live", "third", "second", "first", "second")):
        run = past.counted(*order)
        for contract in COMPARED:
            require_same(run.read(contract), whole.read(contract), contract)
    assert run.read(silver.TOUCHED_ORDERS).isEmpty()  # the second piece, handed over again
    named = run.read(silver.ORDER_EVENTS).select("source_file").distinct().collect()
    assert "history/first/orders/day1.csv" in {row["source_file"] for row in named}


def test_a_shop_without_a_catalogue_or_a_name_is_told_what_to_do(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    run = Run.start(Warehouse(spark, str(tmp_path / "warehouse")), SETTINGS, Trade(tmp_path, random.Random(1)).as_of)
    with pytest.raises(InputError, match=r"INPUT_MISSING: .*put catalog\.csv into it, or do `sidecart run`"):
        ingest_history(run, tmp_path / "old")
    with pytest.raises(SettingsError, match="--name"):
        ingest_history(run, tmp_path / "old", "../live")
