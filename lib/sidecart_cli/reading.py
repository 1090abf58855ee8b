"""A session for people who read: the tables and views of one release under their names."""

from __future__ import annotations

import argparse

from pyspark.sql import SparkSession

from sidecart.storage.releases import ReleaseReader
from sidecart.storage.session import build_session
from sidecart.storage.views import register_views
from sidecart.storage.warehouse import Warehouse


def analysts_session() -> SparkSession:
    """A session that reads tables by name only."""
    return build_session("sidecart sql", driver_memory="4g", shuffle_partitions=8, for_analysts=True)


def registered(spark: SparkSession, told: argparse.Namespace) -> tuple[str, ...]:
    """Register the release that `told.warehouse` and `told.release` name; the names of tables and views."""
    return register_views(ReleaseReader(Warehouse(spark, told.warehouse), told.release))
