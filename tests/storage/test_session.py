"""The session that everything runs in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.errors import AnalysisException, ArithmeticException
from pyspark.sql import SparkSession

from sidecart.errors import StorageError
from sidecart.storage.session import BRIEF_SETTINGS, SAFETY_SETTINGS, build_session, options_for


def test_a_session_that_is_already_there_is_used(spark: SparkSession) -> None:
    assert build_session("another", master="local[7]") is spark


def test_the_safety_settings_are_in_force(spark: SparkSession) -> None:
    assert {key: spark.conf.get(key) for key in SAFETY_SETTINGS} == SAFETY_SETTINGS


def test_times_are_utc_whatever_the_machine_says(spark: SparkSession) -> None:
    day = spark.sql("SELECT string(timestamp_seconds(0)) AS at").first()
    assert day is not None
    assert day["at"] == "1970-01-01 00:00:00"


def test_a_division_by_zero_is_an_error_and_not_a_gap(spark: SparkSession) -> None:
    with pytest.raises(ArithmeticException, match="DIVIDE_BY_ZERO"):
        spark.sql("SELECT 1 / 0").collect()


def test_an_analyst_names_tables_and_not_files(spark: SparkSession, tmp_path: Path) -> None:
    spark.range(3).write.parquet(str(tmp_path / "numbers"))
    query = f"SELECT * FROM parquet.`{tmp_path / 'numbers'}`"
    assert len(spark.sql(query).collect()) == 3
    try:
        build_session("analysts", for_analysts=True)
        with pytest.raises(AnalysisException):
            spark.sql(query)
    finally:
        spark.conf.unset("spark.sql.runSQLOnFiles")


def test_a_flipped_byte_in_a_table_is_an_error_and_not_a_wrong_sum(spark: SparkSession, tmp_path: Path) -> None:
    folder = tmp_path / "sums"
    spark.range(1000).selectExpr("id * 7919 % 1000003 AS amount").coalesce(1).write.option(
        "compression", "uncompressed"
    ).option("parquet.enable.dictionary", "false").parquet(str(folder))
    (part,) = folder.glob("part-*.parquet")
    content = bytearray(part.read_bytes())
    content[len(content) // 3] ^= 0x01
    part.write_bytes(content)
    (folder / f".{part.name}.crc").unlink()
    with pytest.raises(Exception, match=r"(?i)checksum|crc"):
        spark.read.parquet(str(folder)).selectExpr("sum(amount)").collect()


def test_a_folder_without_deltas_jars_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDECART_JARS", str(tmp_path))
    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: None)
    with pytest.raises(StorageError, match="holds no delta-spark jar"):
        build_session("closed network")


def test_a_small_shop_gets_a_brief_session_and_a_large_one_does_not(tmp_path: Path) -> None:
    landing, silver = tmp_path / "landing", tmp_path / "warehouse" / "silver"
    landing.mkdir()
    (landing / "orders.csv").write_bytes(b"x" * 5_000_000)
    assert options_for(landing, silver) == BRIEF_SETTINGS
    silver.mkdir(parents=True)
    (silver / "part.parquet").write_bytes(b"x" * 5_000_000)
    assert options_for(landing, silver) == {}


def test_python_workers_do_not_look_into_archives(spark: SparkSession) -> None:
    def paths(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import sys

        for _ in batches:
            yield pa.RecordBatch.from_arrays([pa.array(sys.path)], names=["entry"])

    entries = [row["entry"] for row in spark.range(1).mapInArrow(paths, "entry string").collect()]
    assert entries
    assert [entry for entry in entries if entry.endswith((".zip", ".jar"))] == []
