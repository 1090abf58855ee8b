"""Texts of a batch made clean: NFC, trimmed, empty is null, ids checked, buyers hashed, attributes one JSON form.

Works on Arrow arrays, so that CSV, JSON lines, Parquet and Delta share one set of rules.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sidecart.contracts.model import InputContract, Kind
from sidecart.ingest.buyers import HASHED_COLUMNS, BuyerKey, hashed, is_personal

_MAX_ID_BYTES = 256
_MAX_REGION_BYTES = 128
_RESERVED = "__HIVE_DEFAULT_PARTITION__"
_CONTROL = r"\p{Cc}"
_REPLACEMENT = "\ufffd"


@dataclass
class Batch:
    """Texts by column of one contract's rows, where they came from, and the first fault of each row."""

    source_file: pa.Array
    source_line: pa.Array
    raw: pa.Array
    texts: dict[str, pa.Array]
    fault: pa.Array
    column: pa.Array

    def blame(self, is_bad: pa.Array, code: str, column: str) -> None:
        """Gives the code to bad rows that have none yet."""
        if not pc.any(is_bad).as_py():
            return
        is_first = pc.and_(is_bad, pc.is_null(self.fault))
        self.fault = pc.if_else(is_first, code, self.fault)
        self.column = pc.if_else(is_first, column, self.column)


def raw_schema(contract: InputContract) -> pa.Schema:
    """The columns of raw rows: origin, raw text, the contract's columns as text, and the first fault."""
    texts = [(name, pa.string()) for name in contract.column_names]
    ends = [("fault_code", pa.string()), ("fault_column", pa.string())]
    return pa.schema([("source_file", pa.string()), ("source_line", pa.int64()), ("raw", pa.string()), *texts, *ends])


def washed(batch: Batch, contract: InputContract, key: BuyerKey | None) -> pa.RecordBatch:
    """The batch as raw rows, with the faults that a text alone shows. A row at fault keeps its other texts."""
    for column in contract.columns:
        texts = _clean(batch.texts[column.name])
        if column.kind == Kind.ID:
            _check_id(batch, texts, column.name)
        if column.kind == Kind.MAP:
            texts, is_bad = _canonical_maps(texts)
            batch.blame(is_bad, "MAP_INVALID", column.name)
        if column.name in HASHED_COLUMNS and key is not None:
            batch.blame(is_personal(texts), "PII_RAW", column.name)
            texts = hashed(texts, key)
        batch.texts[column.name] = texts
    ordered = [batch.texts[name] for name in contract.column_names]
    arrays = [batch.source_file, batch.source_line, batch.raw, *ordered, batch.fault, batch.column]
    return pa.RecordBatch.from_arrays(arrays, schema=raw_schema(contract))


def _clean(texts: pa.Array) -> pa.Array:
    if texts.null_count == len(texts):
        return texts
    if not pc.all(pc.string_is_ascii(texts)).as_py():
        texts = pc.utf8_normalize(texts, form="NFC")
    texts = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def _check_id(batch: Batch, texts: pa.Array, column: str) -> None:
    if texts.null_count == len(texts):
        return
    limit = _MAX_REGION_BYTES if column == "region_id" else _MAX_ID_BYTES
    batch.blame(pc.greater(pc.binary_length(texts), limit).fill_null(False), "ID_TOO_LONG", column)
    batch.blame(pc.match_substring_regex(texts, _CONTROL).fill_null(False), "ID_BAD_CHARS", column)
    batch.blame(pc.match_substring(texts, _REPLACEMENT).fill_null(False), "BAD_ENCODING", column)
    if column == "region_id":
        batch.blame(pc.equal(texts, _RESERVED).fill_null(False), "ID_RESERVED", column)


def _canonical_maps(texts: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Each JSON object as an object of texts with sorted keys, and whether it was none."""
    encoded = texts.dictionary_encode()
    forms = [_canonical_map(text) for text in encoded.dictionary.to_pylist()]
    valid = pa.array(forms, pa.string()).take(encoded.indices)
    return valid, pc.and_(pc.is_valid(texts), pc.is_null(valid))


def _canonical_map(text: str | None) -> str | None:
    try:
        found = json.loads(text or "", object_pairs_hook=_texts_of, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return None
    return json.dumps(found, sort_keys=True, ensure_ascii=False) if isinstance(found, dict) else None


def _texts_of(pairs: list[tuple[str, Any]]) -> dict[str, str]:
    found = {name.strip(): _plain(value) for name, value in pairs if value is not None and value != ""}
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("one key twice")
    return found


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise ValueError("attributes are texts")  # noqa: TRY004 one kind of error for all bad JSON
    value.encode("utf-8")
    return value.strip()
