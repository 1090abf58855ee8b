"""Runs of the whole chain for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from builders import configured
from sidecart.ingest.buyers import KEY_VARIABLE
from sidecart.settings import Settings
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.run import Run
from sidecart.storage.views import register_views
from sidecart.storage.warehouse import Warehouse
from sidecart_jobs.run_chain import run_chain

A_KEY = "a key for tests, long enough"


@contextmanager
def buyer_key() -> Iterator[None]:
    """The environment of a shop that has its key."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_VARIABLE, A_KEY)
        yield


def published(spark: SparkSession, landing: Path, warehouse: Path | str, settings: Settings, as_of: datetime) -> Run:
    """Run the chain on a landing folder and register the release's views in the session."""
    run = Run.start(Warehouse(spark, str(warehouse)), settings, as_of)
    with buyer_key():
        run_chain(run, landing)
    register_views(ReleaseReader(run.warehouse))
    return run


_AS_LARGE_SHOPS_RUN = {
    "spark.sql.codegen.wholeStage": "true",
    "spark.sql.codegen.factoryMode": "FALLBACK",
    "spark.sql.adaptive.enabled": "true",
}


def compiled_plans(spark: SparkSession) -> AbstractContextManager[None]:
    """The session as a large shop's: plans are compiled and adapt, which tests go without else."""
    return configured(spark, _AS_LARGE_SHOPS_RUN)


@contextmanager
def analysts_limits(spark: SparkSession) -> Iterator[None]:
    """The session as analysts' commands leave it, and after that as tests know it."""
    partitions = spark.conf.get("spark.sql.shuffle.partitions")
    try:
        yield
    finally:
        spark.conf.unset("spark.sql.runSQLOnFiles")
        spark.conf.set("spark.sql.shuffle.partitions", partitions or "2")


def base_of(run: Run) -> str:
    """The base path of the run's warehouse."""
    return str(getattr(run.warehouse.location, "base"))  # noqa: B009
