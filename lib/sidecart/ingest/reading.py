"""Landing files to one frame of raw text rows, each with its file and line, read in Arrow batches by tasks."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from sidecart.contracts.inputs import READABLE
from sidecart.contracts.model import InputContract, Kind
from sidecart.ingest.blocks import BLOCK_BYTES, is_plain, joined, plain_columns, read_block
from sidecart.ingest.buyers import HASHED_COLUMNS, BuyerKey
from sidecart.ingest.columns import positions_of
from sidecart.ingest.delta import delta_rows, numbered
from sidecart.ingest.records import csv_records, json_records, open_text, physical_lines, text_encoding
from sidecart.ingest.rows import Row, csv_rows, json_rows
from sidecart.ingest.survey import LandingFile
from sidecart.ingest.texts import as_texts
from sidecart.ingest.washing import Batch, raw_schema, washed
from sidecart.settings import IngestSettings

_BATCH_ROWS = 16_384


@dataclass(frozen=True)
class _Reader:
    """What a task needs to read its chunks; plain values, so that it travels."""

    contract: InputContract
    key: BuyerKey
    encoding: str
    comma: bool
    max_row_bytes: int


def raw_rows(
    spark: SparkSession, input_name: str, files: Sequence[LandingFile], settings: IngestSettings, key: BuyerKey
) -> DataFrame:
    """Raw rows of an input's files: source_file, source_line, raw, the contract's columns as text, fault_code,
    fault_column. Buyers are hashed and masked in `raw`, which is null for Parquet and Delta.
    """
    contract = READABLE[input_name]
    reader = _Reader(contract, key, settings.encoding, settings.decimal_comma, settings.max_row_bytes)
    chunks = [(json.dumps(_task(file, chunk)),) for file in files for chunk in file.chunks]
    frame = spark.createDataFrame(chunks, T.StructType([T.StructField("chunk", T.StringType())]))
    result = frame.mapInArrow(partial(_read_chunks, reader), spark_schema(contract))
    for file in files:
        if file.format == "delta":
            wash = partial(_wash_delta, reader)
            cleaned = delta_rows(spark, file, contract).mapInArrow(wash, spark_schema(contract))
            result = result.unionByName(numbered(cleaned, contract))
    return result


def names_any(files: Sequence[LandingFile], column: str, settings: IngestSettings, key: BuyerKey) -> bool:
    """Whether any row of the files (Delta left out) has a value in the column; stops at the first."""
    for file in files:
        contract = READABLE[file.input]
        reader = _Reader(contract, key, settings.encoding, settings.decimal_comma, settings.max_row_bytes)
        tasks = pa.RecordBatch.from_pydict({"chunk": [json.dumps(_task(file, chunk)) for chunk in file.chunks]})
        if any(part.column(column).null_count < part.num_rows for part in _read_chunks(reader, iter([tasks]))):
            return True
    return False


def spark_schema(contract: InputContract) -> T.StructType:
    """`raw_schema` as Spark sees it."""
    types = {pa.string(): T.StringType(), pa.int64(): T.LongType()}
    return T.StructType([T.StructField(f.name, types[f.type]) for f in raw_schema(contract)])


def _task(file: LandingFile, chunk: Any) -> dict[str, Any]:
    return {
        "path": file.path,
        "relative": file.relative,
        "format": file.format,
        "header": file.header,
        **asdict(chunk),
    }


def _read_chunks(reader: _Reader, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for text in batch.column(0).to_pylist():
            task = json.loads(text)
            parts = _parquet_batches(reader, task) if task["format"] == "parquet" else _text_batches(reader, task)
            for part in parts:
                yield washed(part, reader.contract, reader.key)


def _text_batches(reader: _Reader, task: dict[str, Any]) -> Iterator[Batch]:
    """The chunk's rows: plain CSV blocks all at once, and from the first block that is not plain row by row."""
    start, line = task["start"], task["first_line"]
    if task["format"] == "csv":
        with open_text(task["path"], reader.encoding, start) as stream:
            while start < task["end"]:
                block = read_block(stream, min(BLOCK_BYTES, task["end"] - start))
                batch = _plain_batch(reader, task, block, line)
                if batch is None:
                    break
                yield batch
                start, line = start + len(block), line + len(batch.source_line)
    with open_text(task["path"], reader.encoding, start) as stream:
        lines = physical_lines(stream, start, line, reader.max_row_bytes)
        inside = itertools.takewhile(lambda part: part.start < task["end"], lines)
        rows = _csv(reader, inside, task) if task["format"] == "csv" else _json(reader, inside)
        while part := list(itertools.islice(rows, _BATCH_ROWS)):
            yield _batch(part, reader.contract, task["relative"])


def _plain_batch(reader: _Reader, task: dict[str, Any], block: bytes, line: int) -> Batch | None:
    """The block as one batch, or None where its lines are not all rows of the header's width."""
    encoding = text_encoding(reader.encoding)
    if not is_plain(block, is_csv=True, encoding=encoding, max_row_bytes=reader.max_row_bytes):
        return None
    columns = plain_columns(block, len(task["header"]), encoding)
    if columns is None:
        return None
    found = positions_of(task["header"], reader.contract, task["relative"])
    rows = len(columns[0])
    nothing = pa.nulls(rows, pa.string())
    return Batch(
        source_file=pa.repeat(pa.scalar(task["relative"]), rows),
        source_line=pa.array(range(line, line + rows), pa.int64()),
        raw=joined(columns, [found[name] for name in HASHED_COLUMNS if name in found]),
        texts={name: columns[found[name]] if name in found else nothing for name in reader.contract.column_names},
        fault=nothing,
        column=nothing,
    )


def _csv(reader: _Reader, lines: Iterator[Any], task: dict[str, Any]) -> Iterator[Row]:
    found = positions_of(task["header"], reader.contract, task["relative"])
    positions = [found.get(name, -1) for name in reader.contract.column_names]
    masked = [found[name] for name in HASHED_COLUMNS if name in found]
    records = csv_records(lines, reader.max_row_bytes)
    return csv_rows(records, positions, len(task["header"]), masked, text_encoding(reader.encoding))


def _json(reader: _Reader, lines: Iterator[Any]) -> Iterator[Row]:
    maps = frozenset(column.name for column in reader.contract.columns if column.kind == Kind.MAP)
    encoding = text_encoding(reader.encoding)
    return json_rows(json_records(lines), reader.contract.column_names, maps, encoding, has_comma=reader.comma)


def _batch(rows: list[Row], contract: InputContract, relative: str) -> Batch:
    columns = list(zip(*(row.fields for row in rows), strict=True))
    return Batch(
        source_file=pa.repeat(pa.scalar(relative), len(rows)),
        source_line=pa.array([row.line for row in rows], pa.int64()),
        raw=pa.array([row.raw for row in rows], pa.string()),
        texts={name: pa.array(texts, pa.string()) for name, texts in zip(contract.column_names, columns, strict=True)},
        fault=pa.array([row.fault for row in rows], pa.string()),
        column=pa.array([row.column for row in rows], pa.string()),
    )


def _parquet_batches(reader: _Reader, task: dict[str, Any]) -> Iterator[Batch]:
    """Row group `start` of the file, cast to text column by column; no Python per row."""
    file = pq.ParquetFile(task["path"], page_checksum_verification=True)
    names = [name for name in reader.contract.column_names if name in task["header"]]
    line = task["first_line"]
    for part in file.iter_batches(_BATCH_ROWS, row_groups=[task["start"]], columns=names, use_threads=False):
        yield _typed_batch(part, reader, task["relative"], pa.array(range(line, line + part.num_rows), pa.int64()))
        line += part.num_rows


def _typed_batch(part: pa.RecordBatch, reader: _Reader, relative: str, lines: pa.Array) -> Batch:
    nothing = pa.nulls(part.num_rows, pa.string())
    present = {name: as_texts(part.column(name), has_comma=reader.comma) for name in part.schema.names}
    return Batch(
        source_file=pa.repeat(pa.scalar(relative), part.num_rows),
        source_line=lines,
        raw=nothing,
        texts={name: present.get(name, nothing) for name in reader.contract.column_names},
        fault=nothing,
        column=nothing,
    )


def _wash_delta(reader: _Reader, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for part in batches:
        batch = _typed_batch(part, reader, "", pc.cast(part.column("source_line"), pa.int64()))
        batch.source_file = part.column("source_file")
        yield washed(batch, reader.contract, reader.key)
