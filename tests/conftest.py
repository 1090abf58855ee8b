"""What every test may ask for: one Spark session a process, a landing folder, the shared data."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from pyspark.sql import SparkSession

from builders import Shop
from sidecart.storage.session import BRIEF_SETTINGS, build_session

# Spark hands timestamps to Python in the machine's zone; typed-in expectations are UTC.
os.environ["TZ"] = "UTC"
time.tzset()

_SLOW_BY_NATURE = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile("here", deadline=None, suppress_health_check=_SLOW_BY_NATURE)
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=_SLOW_BY_NATURE)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests at length only where asked for (`make soak`). Files with slow tests come first, so that the processes that
    share the files end together.
    """
    if "soak" not in config.getoption("markexpr"):
        at_length = [item for item in items if item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=at_length)
        items[:] = [item for item in items if item not in at_length]
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The one session of a process of tests: two cores, two shuffle partitions, tables in a temporary folder."""
    folder = tmp_path_factory.mktemp("spark")
    options = BRIEF_SETTINGS | {
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.local.dir": str(folder / "local"),
    }
    session = build_session("tests", "local[2]", driver_memory="4g", shuffle_partitions=2, options=options)
    yield session
    session.stop()


@pytest.fixture
def shop(spark: SparkSession) -> Shop:
    """A small shop in words, to be filled by the test."""
    return Shop(spark)


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    """An empty landing folder."""
    folder = tmp_path / "landing"
    folder.mkdir()
    return folder


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """The path of a warehouse that is not there yet."""
    return tmp_path / "warehouse"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets: SIDECART_DATA or ../shared/data; without it the test says that it was skipped."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SIDECART_DATA") or default)
    if not folder.is_dir():
        pytest.skip(f"the shared data is absent ({folder}); name its folder in SIDECART_DATA")
    return folder
