"""Purging: one release is left, in files and logs, and work goes on from it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import pytest
from pyspark.sql import SparkSession

from builders import NOON, frame_of, told
from sidecart.contracts import silver
from sidecart.errors import StorageError
from sidecart.settings import Settings
from sidecart.storage.releases import ReleaseReader, newest_release
from sidecart.storage.run import Run
from sidecart.storage.warehouse import Warehouse
from sidecart_jobs.purge_traces import purge_traces

pytestmark = pytest.mark.slow

HELD = silver.HELD_VARIANTS


def _released(warehouse: Warehouse, number: int, *variants: str) -> None:
    run = Run.start(warehouse, Settings(), NOON, f"run-{number}")
    run.write(HELD, frame_of(warehouse.spark, HELD, *({"variant_id": variant} for variant in variants)))
    run.publish()


def test_a_purge_leaves_the_newest_release_and_runs_go_on_from_it(spark: SparkSession, warehouse: Path) -> None:
    tables = Warehouse(spark, str(warehouse))
    _released(tables, 1, "an-old-one", "milk")
    _released(tables, 2, "milk")
    Run.start(tables, Settings(), NOON, "run-3").write(HELD, frame_of(spark, HELD, {"variant_id": "unreleased"}))
    left = purge_traces(tables, datetime.now(UTC))
    assert newest_release(tables) == left
    assert told(ReleaseReader(tables).read(HELD), "variant_id") == ["milk"]
    data = sorted((warehouse / "silver" / "held_variants").glob("*.parquet"))
    logs = sorted(file.name for file in (warehouse / "silver" / "held_variants" / "_delta_log").glob("*.json"))
    assert (len(data), len(logs)) == (1, 2)

    later = Warehouse(spark, str(warehouse))
    assert later.rewind(ReleaseReader(later).versions) == ()
    # Ids of releases sort by time.
    _released(later, 99999999, "milk", "bread")
    assert told(ReleaseReader(later, "release-99999999").read(HELD), "variant_id") == ["bread", "milk"]
    assert told(ReleaseReader(later, left).read(HELD), "variant_id") == ["milk"]


def test_a_purge_that_was_killed_before_it_deleted_is_ended_by_another(spark: SparkSession, warehouse: Path) -> None:
    tables = Warehouse(spark, str(warehouse))
    _released(tables, 1, "an-old-one")
    _released(tables, 2, "milk")
    for step in ("republish", "delete_old_versions"):
        killed = patch(f"sidecart_jobs.purge_traces.{step}", side_effect=KeyboardInterrupt)
        with killed, pytest.raises(KeyboardInterrupt):
            purge_traces(Warehouse(spark, str(warehouse)), datetime.now(UTC))
        assert told(ReleaseReader(Warehouse(spark, str(warehouse))).read(HELD), "variant_id") == ["milk"]
    purge_traces(Warehouse(spark, str(warehouse)), datetime.now(UTC))
    assert told(ReleaseReader(Warehouse(spark, str(warehouse))).read(HELD), "variant_id") == ["milk"]
    assert len(list((warehouse / "silver" / "held_variants").glob("*.parquet"))) == 1


def test_without_a_release_there_is_nothing_to_purge_down_to(spark: SparkSession, warehouse: Path) -> None:
    with pytest.raises(StorageError, match="a purge needs a release"):
        purge_traces(Warehouse(spark, str(warehouse)), datetime.now(UTC))
