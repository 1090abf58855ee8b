"""Near: rows by a few keys, whatever the keys, and no more files than may hold them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from builders import frame_of, told
from sidecart.contracts import state
from sidecart.near import among, near
from sidecart.storage.warehouse import Warehouse

ORDERS = [f"o{number:04}" for number in range(400)]


@pytest.fixture(scope="module")
def baskets(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DataFrame:
    """Four hundred orders in eight files, as days leave them."""
    tables = Warehouse(spark, str(tmp_path_factory.mktemp("near")))
    for day in range(8):
        rows = ({"order_id": order, "variants": [1]} for order in ORDERS[day * 50 : day * 50 + 50])
        tables.write(state.BASKETS, frame_of(spark, state.BASKETS, *rows).coalesce(1), f"run-{day}", "append")
    return tables.read(state.BASKETS)


def _keys(spark: SparkSession, *orders: str | None) -> DataFrame:
    return spark.createDataFrame([(order,) for order in orders], "order_id string")


@settings(max_examples=8, deadline=None)
@given(orders=st.lists(st.sampled_from([*ORDERS, "a", "o0399a", "z", None]), max_size=60))
def test_every_row_of_a_key_is_found_and_no_other(baskets: DataFrame, orders: list[str | None]) -> None:
    found = told(near(baskets, _keys(baskets.sparkSession, *orders), "order_id"), "order_id")
    assert found == sorted({order for order in orders if order} & set(ORDERS))


def test_a_day_and_a_few_old_orders_open_their_files_alone(baskets: DataFrame) -> None:
    keys = _keys(baskets.sparkSession, "o0007", "o0008", "o0120", *ORDERS[360:])
    opened = among(baskets, keys, "order_id").inputFiles()
    assert len(baskets.inputFiles()) == 8
    assert len(opened) == 3


def test_keys_that_are_all_null_find_nothing(baskets: DataFrame) -> None:
    assert near(baskets, _keys(baskets.sparkSession, None), "order_id").isEmpty()
