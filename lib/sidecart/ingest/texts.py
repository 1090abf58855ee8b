"""Typed Arrow columns as the texts a CSV file would hold, so that one set of rules parses both."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as at


def as_texts(values: pa.Array, *, has_comma: bool) -> pa.Array:
    """The column as texts; numbers get a decimal comma where the shop declares one, times keep their offset."""
    type_ = values.type
    if at.is_dictionary(type_):
        return as_texts(values.dictionary_decode(), has_comma=has_comma)
    if at.is_map(type_) or at.is_struct(type_):
        return pa.array([_object(value) for value in values.to_pylist()], pa.string())
    if at.is_timestamp(type_) and type_.tz is not None:
        values = pc.cast(values, pa.timestamp(type_.unit, "UTC"))
    texts = pc.cast(values, pa.string())
    is_number = at.is_floating(type_) or at.is_decimal(type_)
    return pc.replace_substring(texts, ".", ",") if has_comma and is_number else texts


def _object(value: object) -> str | None:
    return None if value is None else json.dumps(dict(value), default=str, sort_keys=True)  # type: ignore[call-overload]
