"""Do this Spark and this Delta work together? Pairs that install well have failed after the first checkpoint.

One table with a checkpoint at every commit lives through what sidecart asks of Delta; a fresh process then reads,
restores and vacuums it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

_AFTERWARDS = """
import sys
from sidecart.storage.session import build_session

table = f"delta.`{sys.argv[1]}`"
spark = build_session("afterwards", "local[1]", driver_memory="512m")
spark.sql(f"RESTORE TABLE {table} TO VERSION AS OF 2")
spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
spark.sql(f"VACUUM {table} RETAIN 0 HOURS")
print("rows", sorted(tuple(row) for row in spark.table(table).collect()))
"""


@pytest.fixture(scope="module")
def stock(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A table of three goods, after an ALTER, a CHECK and a second insert; versions 0 to 4."""
    table = f"delta.`{tmp_path_factory.mktemp('platform') / 'stock'}`"
    spark.sql(
        f"CREATE TABLE {table} (variant STRING NOT NULL COMMENT 'what is sold', pieces INT) USING delta "
        "CLUSTER BY (variant) TBLPROPERTIES ('delta.checkpointInterval' = '1', 'delta.enableChangeDataFeed' = 'true', "
        "'delta.enableDeletionVectors' = 'false')"
    )
    spark.sql(f"INSERT INTO {table} VALUES ('milk', 3), ('bread', 2)")
    spark.sql(f"ALTER TABLE {table} ADD COLUMN (shelf STRING COMMENT 'where it stands')")
    spark.sql(f"ALTER TABLE {table} ADD CONSTRAINT some_pieces CHECK (pieces >= 0)")
    spark.sql(f"INSERT INTO {table} VALUES ('soap', 1, 'A7')")
    return table


def _rows(frame: DataFrame) -> list[tuple[object, ...]]:
    return sorted(tuple(row) for row in frame.collect())


def test_every_commit_left_a_checkpoint(stock: str) -> None:
    log = Path(stock.removeprefix("delta.`").removesuffix("`")) / "_delta_log"
    assert len(list(log.glob("*.checkpoint*.parquet"))) >= 4


def test_a_row_that_breaks_a_check_is_refused(spark: SparkSession, stock: str) -> None:
    with pytest.raises(Exception, match="some_pieces"):  # Delta throws it past PySpark's own error classes
        spark.sql(f"INSERT INTO {stock} VALUES ('salt', -1, NULL)")


def test_a_merge_changes_adds_and_its_change_feed_says_so(spark: SparkSession, stock: str) -> None:
    spark.sql(
        f"MERGE INTO {stock} AS old USING "
        "(SELECT * FROM VALUES ('milk', 5), ('tea', 4) AS new(variant, pieces)) AS new "
        "ON old.variant = new.variant WHEN MATCHED THEN UPDATE SET pieces = new.pieces "
        "WHEN NOT MATCHED THEN INSERT (variant, pieces) VALUES (new.variant, new.pieces)"
    )
    path = stock.removeprefix("delta.`").removesuffix("`")
    feed = spark.read.format("delta").option("readChangeFeed", "true").option("startingVersion", 5).load(path)
    assert _rows(feed.select("variant", "pieces", "_change_type")) == [
        ("milk", 3, "update_preimage"),
        ("milk", 5, "update_postimage"),
        ("tea", 4, "insert"),
    ]


def test_compaction_keeps_rows_clustering_and_comments(spark: SparkSession, stock: str) -> None:
    before = _rows(spark.table(stock))
    spark.sql(f"OPTIMIZE {stock} FULL")
    detail = spark.sql(f"DESCRIBE DETAIL {stock}").first()
    assert detail is not None
    assert detail["clusteringColumns"] == ["variant"]
    assert _rows(spark.table(stock)) == before
    assert spark.table(stock).schema["variant"].metadata["comment"] == "what is sold"


def test_another_process_restores_vacuums_and_reads(spark: SparkSession, stock: str) -> None:
    path = stock.removeprefix("delta.`").removesuffix("`")
    spark.sql(f"INSERT INTO {stock} VALUES ('rice', 9, NULL)")
    told = subprocess.run(
        [sys.executable, "-c", _AFTERWARDS, path], check=False, capture_output=True, text=True, timeout=180
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout == "rows [('bread', 2, None), ('milk', 3, None)]\n"
