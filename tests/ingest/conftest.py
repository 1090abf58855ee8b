"""A landing folder read as a run reads it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from sidecart.ingest.buyers import BuyerKey
from sidecart.ingest.landing import KnownTables, Reading, Silver, read_landing
from sidecart.ingest.look import Folder
from sidecart.settings import Settings

AS_OF = datetime(2026, 3, 31, 12, tzinfo=UTC)

Read = Callable[..., Silver]


@pytest.fixture(scope="session")
def read(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Read:
    """`read(landing, settings, known)`: the landing folder as silver, at noon of 31 March 2026."""

    def read_folder(landing: Path, settings: Settings | None = None, known: KnownTables | None = None) -> Silver:
        kept = tmp_path_factory.mktemp("kept")

        def keep(name: str, frame: DataFrame) -> DataFrame:
            frame.write.parquet(str(kept / name))
            return spark.read.schema(frame.schema).parquet(str(kept / name))

        key = BuyerKey(b"a key for tests")
        reading = Reading(spark, Folder(landing), settings or Settings(), AS_OF, key, "run-1", keep)
        return read_landing(reading, known or KnownTables.none(spark))

    return read_folder


@pytest.fixture
def shop(landing: Path) -> Path:
    """A landing folder with the least that a shop can hand over."""
    (landing / "catalog.csv").write_text("variant_id\nmilk\nbread\n")
    (landing / "orders.csv").write_text(
        "order_id,variant_id,quantity,ordered_at\no1,milk,1,2026-03-01\no1,bread,2,2026-03-01\n"
    )
    return landing


def rows_of(frame: DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """The frame's rows as sorted tuples of the columns."""
    return sorted((tuple(row) for row in frame.select(*columns).collect()), key=repr)
