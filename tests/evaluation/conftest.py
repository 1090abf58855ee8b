"""A tea shop that everybody can count: three held-out baskets, lists of three of its goods."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from builders import Shop

LISTS = "table_name STRING, anchor_id STRING, rank INT, candidate_id STRING, score DOUBLE"


@pytest.fixture
def facts(shop: Shop) -> DataFrame:
    """Tea and coffee are drinks; the scone is new, nobody ever bought it."""
    return shop.facts(
        tea={"category_id": "drinks", "buyers": 1000, "baskets": 3000},
        coffee={"category_id": "drinks", "buyers": 100, "baskets": 200},
        milk={"category_id": "dairy", "buyers": 10, "baskets": 20},
        cake={"category_id": "bakery", "buyers": 2, "baskets": 2},
        scone={"category_id": "bakery"},
        mug={"buyers": 3, "baskets": 3},
    )


def sized(baskets: DataFrame) -> DataFrame:
    """Baskets of regions that had none in training."""
    return baskets.withColumn("region_size", F.lit("region 0"))


def lists_of(shop: Shop, **tables: dict[str, str]) -> DataFrame:
    """Tables of lists: `good={"tea": "milk cake"}` shows milk first and cake second on the page of tea."""
    rows: list[tuple[Any, ...]] = [
        (table, anchor, rank, candidate, 10.0 - rank)
        for table, lists in tables.items()
        for anchor, shown in lists.items()
        for rank, candidate in enumerate(shown.split(), 1)
    ]
    return shop.spark.createDataFrame(rows, LISTS)
