"""Columns of landing files against their contract: matched by name, with types that their kind can have."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.types as at

from sidecart.contracts.model import InputContract, Kind
from sidecart.errors import InputError


def positions_of(names: Sequence[str], contract: InputContract, file: str) -> dict[str, int]:
    """Where each column of the contract stands among the names; absent optional ones are left out.

    Raises InputError for a name given twice, a required column that is missing and a name that differs by case only.
    """
    twice = sorted({name for name in names if name in contract.column_names and names.count(name) > 1})
    if twice:
        raise InputError("HEADER_DUPLICATE", f"{file}: {', '.join(twice)} stands twice in the header; rename one")
    by_case = {name.lower(): name for name in names if name not in contract.column_names}
    for column in contract.column_names:
        if column not in names and column in by_case:
            raise InputError("COLUMN_CASE", f"{file}: write {column}, not {by_case[column]}")
    missing = [name for name in contract.required_names if name not in names]
    if missing:
        hint = "; is it separated by commas?" if len(names) == 1 else ""
        raise InputError("COLUMN_MISSING", f"{file}: no column {', '.join(missing)} in {', '.join(names)[:300]}{hint}")
    return {name: names.index(name) for name in contract.column_names if name in names}


def ignored_columns(names: Sequence[str], contract: InputContract) -> tuple[str, ...]:
    """The names that the contract does not have."""
    return tuple(name for name in names if name not in contract.column_names)


def require_types(schema: pa.Schema, contract: InputContract, file: str) -> None:
    """Raises InputError where a column's type is none that its kind can have; text can be everything."""
    for column in contract.columns:
        if column.name not in schema.names:
            continue
        type_ = schema.field(column.name).type
        value_type = type_.value_type if at.is_dictionary(type_) else type_
        if not (_is_text(value_type) or _ALLOWED[column.kind](value_type)):
            raise InputError(
                "TYPE_CHANGED",
                f"{file}: {column.name} is {type_}, which can't be {column.kind.value}; write it as text",
            )


def _is_text(type_: pa.DataType) -> bool:
    return bool(at.is_string(type_)) or at.is_large_string(type_) or at.is_string_view(type_) or at.is_null(type_)


def _is_number(type_: pa.DataType) -> bool:
    return bool(at.is_integer(type_)) or at.is_floating(type_) or at.is_decimal(type_)


def _never(_: pa.DataType) -> bool:
    return False


_ALLOWED: dict[Kind, Callable[[pa.DataType], bool]] = {
    Kind.ID: at.is_integer,
    Kind.TEXT: at.is_integer,
    Kind.INTEGER: at.is_integer,
    Kind.NUMBER: _is_number,
    Kind.MONEY: _is_number,
    Kind.CURRENCY: _never,
    Kind.BOOLEAN: at.is_boolean,
    Kind.CHOICE: _never,
    Kind.TIMESTAMP: lambda type_: at.is_timestamp(type_) or at.is_date(type_) or at.is_integer(type_),
    Kind.DATE: at.is_date,
    Kind.MAP: lambda type_: at.is_map(type_) or at.is_struct(type_),
}
