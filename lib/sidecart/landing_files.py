"""Landing folders: one folder per input, filled with Parquet or CSV parts that follow the input contracts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from sidecart.contracts.inputs import INPUTS
from sidecart.contracts.model import Kind
from sidecart.errors import ContractError, InputError

Format = Literal["parquet", "csv"]

ARROW_TYPES = {
    Kind.ID: pa.string(),
    Kind.TEXT: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.NUMBER: pa.int64(),
    Kind.MONEY: pa.decimal128(18, 4),
    Kind.CURRENCY: pa.string(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.CHOICE: pa.string(),
    Kind.TIMESTAMP: pa.timestamp("us", "UTC"),
    Kind.DATE: pa.date32(),
    Kind.MAP: pa.string(),
}
"""What each kind is in a Parquet part. Quantities are whole here; maps are JSON texts, as in CSV."""


def write_input(target: Path, name: str, rows: pa.Table, fmt: Format = "parquet", part: int = 0) -> int:
    """Write `rows` as one part of input `name` below `target`; the number of rows written.

    Columns are matched by name and cast to the contract's kinds. A part appears whole or not at all.
    Raises ContractError for a column that the contract lacks, or a required one that is missing.
    """
    typed = _conform(name, rows)
    folder = target / name
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"part-{part:05d}.{fmt}"
    unfinished = folder / f".{final.name}.unfinished"
    if fmt == "csv":
        pcsv.write_csv(_as_text(typed), unfinished)
    else:
        pq.write_table(typed, unfinished, compression="zstd")
    unfinished.replace(final)
    return int(typed.num_rows)


def clear_parts(target: Path) -> None:
    """Remove the parts that an earlier `write_input` left in `target`; nothing else is touched."""
    for name in INPUTS:
        for old in sorted((target / name).glob("part-[0-9][0-9][0-9][0-9][0-9].*")):
            if old.suffix in {".parquet", ".csv"}:
                old.unlink()


def json_texts(rows: Iterable[Mapping[str, str | None]]) -> list[str]:
    """Each mapping as a JSON object of texts, keys sorted, empty values left out."""
    return [
        json.dumps({key: text for key, text in row.items() if text}, ensure_ascii=False, sort_keys=True) for row in rows
    ]


def source_file(folder: Path, name: str) -> Path:
    """The file `name` of a data set, or InputError that says where it was looked for."""
    found = folder / name
    if not found.is_file():
        raise InputError("INPUT_MISSING", f"{found} is not there; give the folder that holds {name}")
    return found


def _conform(name: str, rows: pa.Table) -> pa.Table:
    contract = INPUTS[name]
    kinds = {column.name: column.kind for column in contract.columns}
    unknown = [column for column in rows.column_names if column not in kinds]
    missing = [column for column in contract.required_names if column not in rows.column_names]
    if unknown or missing:
        raise ContractError(f"{name}: columns unknown {unknown}, missing {missing}")
    fields = [
        pa.field(column, rows.schema.field(column).type if kinds[column] is Kind.NUMBER else ARROW_TYPES[kinds[column]])
        for column in rows.column_names
    ]
    return rows.replace_schema_metadata(None).cast(pa.schema(fields))


def _as_text(rows: pa.Table) -> pa.Table:
    texts = {
        field.name: _iso(rows.column(field.name)) if pa.types.is_timestamp(field.type) else rows.column(field.name)
        for field in rows.schema
    }
    return pa.table({name: column.cast(pa.string()) for name, column in texts.items()})


def _iso(times: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.strftime(times.cast(pa.timestamp("s", "UTC"), safe=False), format="%Y-%m-%dT%H:%M:%SZ")
