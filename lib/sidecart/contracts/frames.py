"""Contracts as Spark sees them: schemas, and the one way a stage's result takes its contract's shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from sidecart.contracts import gold, runs, silver, state
from sidecart.contracts.model import Contract
from sidecart.errors import ContractError

TABLES: dict[str, Contract] = {
    contract.name: contract for layer in (silver, state, gold, runs) for contract in layer.TABLES
}


Keep = Callable[[str, DataFrame], DataFrame]
"""Writes a frame under a name for the length of a run and gives it back as read."""


class Tables(Protocol):
    """Where tables are read from: a release, or a run that has not published yet."""

    def read(self, contract: Contract) -> DataFrame:
        """The table's rows."""


_TYPES: dict[str, T.DataType] = {
    "STRING": T.StringType(),
    "INT": T.IntegerType(),
    "BIGINT": T.LongType(),
    "DOUBLE": T.DoubleType(),
    "BOOLEAN": T.BooleanType(),
    "TIMESTAMP": T.TimestampType(),
    "DATE": T.DateType(),
    "DECIMAL(18,4)": T.DecimalType(18, 4),
    "DECIMAL(18,6)": T.DecimalType(18, 6),
    "ARRAY<INT>": T.ArrayType(T.IntegerType()),
    "ARRAY<STRING>": T.ArrayType(T.StringType()),
    state.PAIR_GROUPS: T.ArrayType(
        T.StructType()
        .add("pair_buyers", T.IntegerType())
        .add("pair_baskets", T.IntegerType())
        .add("candidates", T.ArrayType(T.IntegerType()))
    ),
    "MAP<STRING,STRING>": T.MapType(T.StringType(), T.StringType()),
}


def schema(contract: Contract) -> T.StructType:
    """The contract's columns as a Spark schema, in order, required ones not nullable."""
    return T.StructType([T.StructField(c.name, _TYPES[c.type], not c.is_required) for c in contract.columns])


def conform(frame: DataFrame, contract: Contract) -> DataFrame:
    """The frame with exactly the contract's columns, in its order and types; others are dropped.

    Raises ContractError where a column is missing.
    """
    missing = [name for name in contract.column_names if name not in frame.columns]
    if missing:
        raise ContractError(f"{contract.name}: no column {', '.join(missing)} in a frame of {', '.join(frame.columns)}")
    return frame.select(*(F.col(c.name).cast(_TYPES[c.type]).alias(c.name) for c in contract.columns))


def commented(frame: DataFrame, contract: Contract) -> DataFrame:
    """The frame conformed, with the contract's comments on its columns, so that DESCRIBE shows them."""
    shaped = conform(frame, contract)
    return shaped.select(*(F.col(c.name).alias(c.name, metadata={"comment": c.comment}) for c in contract.columns))


def rows(spark: SparkSession, contract: Contract, values: Sequence[dict[str, Any]]) -> DataFrame:
    """A frame of the contract from plain rows; columns left out are null."""
    return spark.createDataFrame([tuple(v.get(n) for n in contract.column_names) for v in values], schema(contract))
