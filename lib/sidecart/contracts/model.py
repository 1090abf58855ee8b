"""What a contract is. Pure Python, so that serving and docs can read contracts without Spark."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Layer(StrEnum):
    """The folder (or name prefix) a table lives in."""

    LANDING = "landing"
    SILVER = "silver"
    STATE = "state"
    GOLD = "gold"
    RUNS = "runs"
    VIEW = "view"


class Kind(StrEnum):
    """How a landing text is parsed and checked."""

    ID = "id"
    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    MONEY = "money"
    CURRENCY = "currency"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    TIMESTAMP = "timestamp"
    DATE = "date"
    MAP = "map"


@dataclass(frozen=True)
class Column:
    """One column: `type` is Spark SQL DDL; the comment travels to the Delta table."""

    name: str
    type: str
    comment: str
    is_required: bool = False


@dataclass(frozen=True)
class InputColumn:
    """One column of a landing file: arrives as text of a `kind`; an optional one may be absent or empty."""

    name: str
    kind: Kind
    comment: str
    is_required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """A condition that every row must meet, as a SQL expression over the table's columns."""

    name: str
    condition: str


@dataclass(frozen=True)
class Contract:
    """A table: what one row is, its key, its columns, how it is clustered and what holds of every row."""

    name: str
    layer: Layer
    one_row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    cluster_by: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    time: str | None = None
    """The column that says of when a row is: rows are changed by looking only into files that hold its days."""
    is_merged: bool = False
    """Whether a day changes some rows: Delta then marks those that are gone beside their file (deletion vectors)."""

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True)
class InputContract:
    """A landing file: what one row is, its key and its columns. Columns not named here are ignored and listed."""

    name: str
    one_row: str
    key: tuple[str, ...]
    columns: tuple[InputColumn, ...]
    is_required: bool = False
    notes: tuple[str, ...] = field(default=())

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def required_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.is_required)


def required(name: str, type_: str, comment: str) -> Column:
    """A column that is never null."""
    return Column(name, type_, comment, is_required=True)
