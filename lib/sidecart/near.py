"""Near: rows of long tables by a few keys, so that only files that may hold them are opened.

A join prunes no files; literals do, by the statistics of each file. So the keys are told as literals first: the
smallest ones each (late orders and returns name a few old ones), the others as the stretch from one to the largest.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_SINGLES = 16


def near(rows: DataFrame, keys: DataFrame, key: str) -> DataFrame:
    """The rows whose `key` is among `keys` (a column of that name; null is nowhere)."""
    return among(rows, keys, key).join(keys.select(key), key, "left_semi")


def among(rows: DataFrame, keys: DataFrame, key: str) -> DataFrame:
    """The rows whose `key` may be among `keys`: those of one are there, with others that stand near it."""
    wanted = keys.select(key).where(F.col(key).isNotNull())
    largest = wanted.agg(F.max(key).alias(key)).where(F.col(key).isNotNull())
    told = wanted.orderBy(key).limit(_SINGLES).unionByName(largest).collect()
    if not told:
        return rows.where(F.lit(False))
    *singles, last, largest_one = sorted(row[key] for row in told)
    stretch = F.col(key).between(F.lit(last), F.lit(largest_one))
    return rows.where(reduce(Column.__or__, (F.col(key) == F.lit(single) for single in singles), stretch))
