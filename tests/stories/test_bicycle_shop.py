"""AdventureWorks: its complements were planted, so the lists must find them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from chains import published
from sidecart.adapters import adventureworks
from sidecart.settings import Settings

pytestmark = pytest.mark.slow

JULY_2023 = datetime(2023, 7, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def lists(spark: SparkSession, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Names of the root's final lists, by the anchor's name: own-category exclusion is off by default."""
    folder = tmp_path_factory.mktemp("bicycles")
    adventureworks.write_landing(folder / "landing", shared_data / "adventureworks")
    published(spark, folder / "landing", folder / "warehouse", Settings(), JULY_2023)
    rows = spark.sql("SELECT anchor, candidate FROM why WHERE region_id = 'root' ORDER BY anchor_id, rank").collect()
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["anchor"], []).append(row["candidate"])
    return found


def tubes_of(names: list[str]) -> list[str]:
    """The tubes of a list, best first, with their rank."""
    return [name for name in names if "Tube" in name]


@pytest.mark.parametrize("kind", ["Touring", "Mountain", "Road"])
def test_a_tyre_has_its_own_tube_on_top_and_no_other_before_it(lists: dict[str, list[str]], kind: str) -> None:
    tyres = [name for name in lists if f"{kind} Tire" in name and "Tube" not in name]
    assert tyres
    for tyre in tyres:
        assert f"{kind} Tire Tube" in lists[tyre][:3], (tyre, lists[tyre][:3])
        assert tubes_of(lists[tyre])[0] == f"{kind} Tire Tube"


def test_bottle_cage_and_water_bottle_find_each_other(lists: dict[str, list[str]]) -> None:
    bottle = next(name for name in lists if name.startswith("Water Bottle"))
    cages = [name for name in lists if "Bottle Cage" in name]
    assert cages
    assert any(cage in lists[bottle][:3] for cage in cages)
    assert all(bottle in lists[cage][:3] for cage in cages)
