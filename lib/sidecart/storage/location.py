"""Where a shop's tables are: under a base path, or in a schema of a catalogue. The one resolver of names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from delta.tables import DeltaTable, DeltaTableBuilder
from pyspark.sql import DataFrame, DataFrameReader, DataFrameWriter, SparkSession
from pyspark.sql.streaming.query import StreamingQuery
from pyspark.sql.streaming.readwriter import DataStreamWriter

from sidecart.contracts.model import Contract
from sidecart.errors import StorageError

_SCHEMA_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$")
_BAD_IN_PATH = re.compile(r"[`;\x00-\x1f]|(^|/)\.\.(/|$)")


class Location(Protocol):
    """How a contract's name becomes a table."""

    def exists(self, spark: SparkSession, contract: Contract) -> bool: ...

    def table(self, spark: SparkSession, contract: Contract) -> DeltaTable: ...

    def place(self, builder: DeltaTableBuilder, contract: Contract) -> DeltaTableBuilder: ...

    def load(self, reader: DataFrameReader, contract: Contract) -> DataFrame: ...

    def save(self, writer: DataFrameWriter, contract: Contract) -> None: ...

    def stream(self, writer: DataStreamWriter, contract: Contract) -> StreamingQuery: ...


@dataclass(frozen=True)
class PathLocation:
    """Tables as folders `base/layer/table`."""

    base: str

    def __post_init__(self) -> None:
        if _BAD_IN_PATH.search(self.base):
            raise StorageError(f"warehouse path {self.base!r}: no '..', back-quote, semicolon or control characters")

    def path(self, contract: Contract) -> str:
        return f"{self.base.rstrip('/')}/{contract.layer}/{contract.name}"

    def exists(self, spark: SparkSession, contract: Contract) -> bool:
        return DeltaTable.isDeltaTable(spark, self.path(contract))

    def table(self, spark: SparkSession, contract: Contract) -> DeltaTable:
        return DeltaTable.forPath(spark, self.path(contract))

    def place(self, builder: DeltaTableBuilder, contract: Contract) -> DeltaTableBuilder:
        return builder.location(self.path(contract))

    def load(self, reader: DataFrameReader, contract: Contract) -> DataFrame:
        return reader.load(self.path(contract))

    def save(self, writer: DataFrameWriter, contract: Contract) -> None:
        writer.save(self.path(contract))

    def stream(self, writer: DataStreamWriter, contract: Contract) -> StreamingQuery:
        return writer.start(self.path(contract))


@dataclass(frozen=True)
class SchemaLocation:
    """Tables of a schema, as `schema` or `catalog.schema`."""

    schema: str

    def __post_init__(self) -> None:
        if not _SCHEMA_NAME.match(self.schema):
            raise StorageError(f"schema {self.schema!r}: use schema or catalog.schema, letters, digits and underscore")

    def name(self, contract: Contract) -> str:
        return f"{self.schema}.{contract.name}"

    def exists(self, spark: SparkSession, contract: Contract) -> bool:
        return spark.catalog.tableExists(self.name(contract))

    def table(self, spark: SparkSession, contract: Contract) -> DeltaTable:
        return DeltaTable.forName(spark, self.name(contract))

    def place(self, builder: DeltaTableBuilder, contract: Contract) -> DeltaTableBuilder:
        return builder.tableName(self.name(contract))

    def load(self, reader: DataFrameReader, contract: Contract) -> DataFrame:
        return reader.table(self.name(contract))

    def save(self, writer: DataFrameWriter, contract: Contract) -> None:
        writer.saveAsTable(self.name(contract))

    def stream(self, writer: DataStreamWriter, contract: Contract) -> StreamingQuery:
        return writer.toTable(self.name(contract))


def location_of(warehouse: str) -> Location:
    """A location from what a user typed: `schema:NAME` for a schema, anything else is a base path."""
    kind, _, name = warehouse.partition(":")
    if kind == "schema":
        return SchemaLocation(name)
    return PathLocation(warehouse if "://" in warehouse else str(Path(warehouse).resolve()))


def local_folder(location: Location) -> Path | None:
    """The base folder of tables on this machine; None for a schema's tables and other file systems."""
    if isinstance(location, PathLocation) and "://" not in location.base:
        return Path(location.base)
    return None


def local_path(location: Location, contract: Contract) -> Path:
    """The table's folder on this machine; StorageError where the tables are elsewhere."""
    if isinstance(location, PathLocation) and local_folder(location):
        return Path(location.path(contract))
    raise StorageError(f"{location}: only tables in a folder of this machine can be purged; docs/erasure.md says how")
