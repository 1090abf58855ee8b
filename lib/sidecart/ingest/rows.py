"""Records to rows: the fields of a CSV or JSON record as texts by column, or the code of what is wrong. No Spark.

The buyer's field is masked in the raw text here, before any row leaves the file.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from sidecart.ingest.buyers import HASHED_COLUMNS, MASK
from sidecart.ingest.records import Record

_MARK = "\ufeff"
_SHOWN = 2_000
_CODED = re.compile(r"[^\W_]")


class Row(NamedTuple):
    """One row: its first line, its raw text, its fields in the order of the columns, and what is wrong with it."""

    line: int
    raw: str
    fields: Sequence[str | None]
    fault: str | None = None
    column: str | None = None


class _Number(str):
    """A number as it stands in JSON, digits unchanged."""

    __slots__ = ()


def csv_rows(
    records: Iterator[Record], positions: Sequence[int], width: int, masked: Sequence[int], encoding: str
) -> Iterator[Row]:
    """Rows of CSV records. `positions`: where each wanted column stands (-1: nowhere) in rows of `width` fields;
    `masked`: positions of buyers and visits.
    """
    nothing: tuple[None, ...] = (None,) * len(positions)
    csv.field_size_limit(2**31 - 1)
    for record in records:
        text, fault = _decoded(record, encoding)
        has_quotes = '"' in text
        fields = _quoted_fields(text) if has_quotes and not fault else text.split(",")
        if fault or len(fields) != width:
            yield Row(record.line, _blinded(text) if masked else _shown(text), nothing, fault or "FIELD_COUNT")
            continue
        wanted = [fields[i] if i >= 0 else None for i in positions]
        raw = text
        if masked:
            for i in masked:
                fields[i] = fields[i] and MASK
            raw = _joined(fields) if has_quotes else ",".join(fields)
        yield Row(record.line, _shown(raw), wanted)


def _quoted_fields(text: str) -> list[str]:
    return next(csv.reader([text]), [])


def _joined(fields: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()


def json_rows(
    records: Iterator[Record], columns: Sequence[str], maps: frozenset[str], encoding: str, *, has_comma: bool
) -> Iterator[Row]:
    """Rows of JSON lines. `maps`: columns that may hold an object; `has_comma`: numbers are read with a comma."""
    nothing: tuple[None, ...] = (None,) * len(columns)
    masked = [name for name in HASHED_COLUMNS if name in columns]
    cases = {name.lower(): name for name in columns}
    for record in records:
        text, fault = _decoded(record, encoding)
        found, fault, column = (None, fault, None) if fault else _object(text, columns, cases, maps)
        if found is None or fault:
            yield Row(record.line, _blinded(text) if masked else _shown(text), nothing, fault, column)
            continue
        raw = _masked_json(text, found, masked) if masked else text
        yield Row(record.line, _shown(raw), [_as_text(found.get(name), has_comma=has_comma) for name in columns])


def _object(
    text: str, columns: Sequence[str], cases: dict[str, str], maps: frozenset[str]
) -> tuple[dict[str, Any] | None, str | None, str | None]:
    """The line's object, or the code and column of what is wrong with it."""
    try:
        found = _parsed(text)
        for name, value in found.items():
            _check_value(name, value, columns, cases, maps)
    except _BadLineError as error:
        return None, error.code, error.column if error.column in columns else None
    return found, None, None


class _BadLineError(Exception):
    """A line that can't be used: the code, and the column where one is at fault."""

    def __init__(self, code: str, column: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.column = column


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = json.loads(
            text, object_pairs_hook=_unique, parse_float=_Number, parse_int=_Number, parse_constant=_Number
        )
    except RecursionError:
        raise _BadLineError("ROW_TOO_LARGE") from None
    except ValueError:
        raise _BadLineError("JSON_INVALID") from None
    if not isinstance(found, dict):
        raise _BadLineError("JSON_NOT_OBJECT")
    return found


def _check_value(name: str, value: Any, columns: Sequence[str], cases: dict[str, str], maps: frozenset[str]) -> None:
    if name not in columns and name.lower() in cases:
        raise _BadLineError("JSON_KEY_CASE", cases[name.lower()])
    if isinstance(value, list | dict) and name in columns and name not in maps:
        raise _BadLineError("JSON_VALUE", name)
    if isinstance(value, str) and not value.isascii() and not _is_unicode(value):
        raise _BadLineError("BAD_ENCODING", name)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _BadLineError("JSON_DUP_KEY", next(name for name in names if names.count(name) > 1))
    return found


def _is_unicode(text: str) -> bool:
    """Whether the text can be written as UTF-8; half of a surrogate pair can't."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _as_text(value: Any, *, has_comma: bool) -> str | None:
    if value is None or type(value) is str:
        return value
    if isinstance(value, _Number):
        return value.replace(".", ",") if has_comma else str(value)
    return "true" if value is True else "false" if value is False else json.dumps(value, sort_keys=True)


def _masked_json(text: str, found: dict[str, Any], masked: Sequence[str]) -> str:
    """The line with its buyers masked; where that can't be done in place, with every letter and digit masked."""
    for name in masked:
        if found.get(name) is None:
            continue
        text, times = _VALUES[name].subn(rf'\g<1>"{MASK}"', text)
        if times != 1:
            return _blinded(text)
    return text


_VALUES = {name: re.compile(rf'("{name}"\s*:\s*)(?:"(?:[^"\\]|\\.)*"|[^\s,}}\]]+)') for name in HASHED_COLUMNS}


def _decoded(record: Record, encoding: str) -> tuple[str, str | None]:
    """The record's text without its line end, and the code of what is wrong with it."""
    try:
        text = record.content.decode(encoding)
    except UnicodeDecodeError:
        return record.content.decode(encoding, "replace").rstrip("\r\n"), record.fault or "BAD_ENCODING"
    text = text.rstrip("\r\n")
    return text, record.fault or ("BOM_INSIDE" if _MARK in text else None)


def _blinded(text: str) -> str:
    """The text's shape: its buyer field can't be told from the rest, so every letter and digit becomes x."""
    return _CODED.sub("x", _shown(text))


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


RowReader = Callable[[Iterator[Record]], Iterator[Row]]
