"""Counting on Spark's own cluster: what is counted does not depend on where, in how many parts, or on what dies."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from cluster_count import content
from sidecart.pairs import pair_support
from standalone_cluster import Cluster, standalone_cluster

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "cluster_count.py"
LIB = Path(__file__).resolve().parents[1] / "lib"
SHARES = (2, 3, 5, 7, 11, 13)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60,000 baskets of seven out of 900 variants, of 5,000 buyers in three regions, as files."""
    folder = tmp_path_factory.mktemp("count")
    numbers = range(60_000)
    variants = [
        sorted({(n * share + share * share) % (150 * (1 + share % 6)) for share in (1, *SHARES)}) for n in numbers
    ]
    table = {
        "buyer_key": pa.array([f"u{n * 7 % 5_000}" for n in numbers]),
        "region_id": pa.array([("root", "north", "oslo")[n % 3] for n in numbers]),
        "variants": pa.array(variants, pa.list_(pa.int32())),
    }
    pq.write_table(pa.table(table), folder / "baskets.parquet", row_group_size=10_000)
    paths = [["root"], ["root", "north"], ["root", "north", "oslo"]]
    pq.write_table(pa.table({"region_id": [p[-1] for p in paths], "path": paths}), folder / "regions.parquet")
    return folder


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library as the zip that workers are given."""
    return Path(shutil.make_archive(str(tmp_path_factory.mktemp("packed") / "sidecart"), "zip", LIB))


def _local(spark: SparkSession, folder: Path) -> dict[str, object]:
    baskets, regions = (spark.read.parquet(str(folder / f"{name}.parquet")) for name in ("baskets", "regions"))
    return content(pair_support(baskets, regions, shards=2))


class Killer(threading.Thread):
    """Kills an executor while the second count is on its way."""

    def __init__(self, cluster: Cluster, counted: Path) -> None:
        super().__init__(daemon=True)
        self.cluster, self.counted = cluster, counted
        self.killed = 0
        self.is_over = threading.Event()

    def run(self) -> None:
        while not self.killed and not self.is_over.wait(0.2):
            running = self.cluster.executors() if _lines(self.counted) else []
            if running:
                time.sleep(1.0)
                running[0].kill()
                self.killed += 1


def _lines(counted: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in counted.read_text().splitlines()] if counted.is_file() else []


@pytest.fixture(scope="module")
def counted(folder: Path, packages: Path) -> Iterator[tuple[list[dict[str, Any]], int]]:
    """Two counts on two executors, one of which is killed during the second; and how many were."""
    with standalone_cluster(folder / "cluster") as cluster:
        killer = Killer(cluster, folder / "out" / "counted.json")
        killer.start()
        code = cluster.submit(SCRIPT, [str(folder), str(folder / "out"), "--partitions", "3", "16"], packages)
        killer.is_over.set()
        killer.join()
        assert code == 0, (folder / "cluster" / "submit.log").read_text()[-2_000:]
        assert "Lost executor" in (folder / "cluster" / "submit.log").read_text()
        yield _lines(folder / "out" / "counted.json"), killer.killed


@pytest.mark.slow
def test_a_cluster_that_loses_an_executor_counts_what_one_machine_counts(
    spark: SparkSession, folder: Path, counted: tuple[list[dict[str, Any]], int]
) -> None:
    counts, killed = counted
    expected = _local(spark, folder)
    assert killed == 1
    assert expected["rows"] == 2_000
    assert [{"rows": count["rows"], "hash": count["hash"]} for count in counts] == [expected, expected]
