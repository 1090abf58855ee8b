"""Files that come as a stream: each counts once, whatever was killed when, and none is passed over."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from chains import buyer_key
from sidecart.contracts import runs, silver
from sidecart.errors import InputError
from sidecart.ingest.arrivals import arriving_files
from sidecart.settings import QualitySettings, Settings
from sidecart.storage.run import Run
from sidecart.storage.warehouse import Warehouse
from sidecart_cli.releases import roll_back
from sidecart_jobs.arguments import FileStream
from sidecart_jobs.ingest_stream import ingest_stream, notice_files

pytestmark = pytest.mark.slow

AS_OF = datetime(2026, 3, 31, tzinfo=UTC)
SETTINGS = Settings(quality=QualitySettings(audits="off", scorecard=False))


class Shop:
    """A shop whose orders land a file a day, each of one order named as the file."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.landing = folder / "landing [1]"
        (self.landing / "orders").mkdir(parents=True)
        (self.landing / "catalog.csv").write_text("variant_id\nmilk\nbread\n")
        self.warehouse = Warehouse(spark, str(folder / "warehouse"))
        self.stream = FileStream(str(folder / "checkpoint"), max_files_per_trigger=2)

    def lands(self, *names: str) -> None:
        for name in names:
            lines = "".join(f"{name},{v},1,2026-03-01\n" for v in ("milk", "bread"))
            (self.landing / "orders" / f"{name}.csv").write_text(f"order_id,variant_id,quantity,ordered_at\n{lines}")

    def run(self) -> Run:
        return Run.start(self.warehouse, SETTINGS, AS_OF)

    def notice(self) -> None:
        notice_files(self.run(), self.landing, self.stream)

    def ingest(self) -> Run:
        run = self.run()
        with buyer_key():
            ingest_stream(run, self.landing, self.stream)
        return run

    def forget_last_commit(self) -> None:
        """The checkpoint as a kill before its last commit leaves it."""
        commits = Path(self.stream.checkpoint) / "commits"
        last = max(int(file.name) for file in commits.iterdir() if file.name.isdigit())
        (commits / str(last)).unlink()
        (commits / f".{last}.crc").unlink(missing_ok=True)

    def events(self) -> list[str]:
        return sorted(row["order_id"] for row in self.run().read(silver.ORDER_EVENTS).collect())

    def files(self) -> list[str]:
        read = self.run().read(runs.INGESTED_FILES).where("input = 'orders'")
        return sorted(row["source_file"] for row in read.collect())


@pytest.fixture
def shop(spark: SparkSession, tmp_path: Path) -> Shop:
    return Shop(spark, tmp_path)


def test_a_file_counts_once_wherever_a_run_was_killed(shop: Shop) -> None:
    shop.lands("o1", "o2", "o3")
    shop.ingest().publish()
    assert shop.events() == ["o1", "o1", "o2", "o2", "o3", "o3"]

    shop.lands("o4")
    shop.notice()  # killed before silver
    shop.lands("o5")
    shop.ingest()  # killed before the release
    shop.forget_last_commit()  # and before the checkpoint knew
    shop.ingest().publish()  # killed after the release
    shop.forget_last_commit()
    shop.ingest().publish()
    assert shop.events() == sorted(2 * ["o1", "o2", "o3", "o4", "o5"])
    assert shop.files() == [f"orders/o{n}.csv" for n in range(1, 6)]
    told = shop.run().read(runs.LANDED_FILES)
    assert told.count() == told.select("source_file").distinct().count() == 6

    roll_back(shop.warehouse, _oldest(shop))
    shop.ingest().publish()
    assert shop.events() == sorted(2 * ["o1", "o2", "o3", "o4", "o5"])


def _oldest(shop: Shop) -> str:
    row = shop.warehouse.read(runs.RELEASES).orderBy("release_id").first()
    assert row is not None
    return str(row["release_id"])


def test_no_file_is_passed_over(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.lands("o1")
    shop.ingest().publish()

    # Copied with the time of its making; empty; told of by the checkpoint of a warehouse that is gone.
    shop.lands("o2", "o3")
    os.utime(shop.landing / "orders" / "o2.csv", (1e9, 1e9))
    (shop.landing / "orders" / "none.csv").touch()
    elsewhere = Run.start(Warehouse(shop.warehouse.spark, str(shop.landing.parent / "gone")), SETTINGS, AS_OF)
    notice_files(elsewhere, shop.landing, shop.stream)
    shop.ingest().publish()
    assert shop.events() == sorted(2 * ["o1", "o2", "o3"])
    assert "EMPTY_FILE: orders/none.csv has no rows" in caplog.text

    shop.lands("o4")
    (shop.landing / "orders" / "o4.csv").rename(shop.landing / "orders" / "o1.csv")
    with pytest.raises(InputError, match=r"FILE_CHANGED: orders/o1\.csv"):
        shop.ingest()


def test_files_that_a_release_holds_are_not_opened_again(shop: Shop) -> None:
    shop.lands("o1", "o2")
    shop.ingest().publish()
    told = shop.landing / "orders" / "o1.csv"
    seen = told.stat()
    told.write_bytes(b"x" * seen.st_size)
    os.utime(told, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    shop.lands("o3")
    shop.ingest().publish()
    assert shop.events() == sorted(2 * ["o1", "o2", "o3"])


def test_the_stream_tells_names_sizes_and_times_and_opens_nothing(shop: Shop) -> None:
    shop.lands("o 1%20")
    plan = arriving_files(shop.warehouse.spark, shop.landing)
    assert "content" not in plan.columns
    shop.notice()
    file = shop.landing / "orders" / "o 1%20.csv"
    row = shop.run().read(runs.LANDED_FILES).where("source_file LIKE 'orders%'").first()
    assert row is not None
    assert (row["source_file"], row["bytes"]) == ("orders/o 1%20.csv", file.stat().st_size)
    assert int(row["modified_at"].timestamp() * 1000) == file.stat().st_mtime_ns // 1_000_000
