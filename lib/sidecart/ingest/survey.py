"""A first look at a file, before Spark: its hash, its rows by an independent count, its header, and where to cut it."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import json
import zlib
from dataclasses import dataclass, field
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from sidecart.contracts.inputs import READABLE
from sidecart.errors import InputError
from sidecart.ingest.blocks import BLOCK_BYTES, count_lines, is_plain, read_block
from sidecart.ingest.columns import ignored_columns, positions_of, require_types
from sidecart.ingest.files import FoundFile, fingerprint, require_known_format
from sidecart.ingest.records import csv_records, json_records, open_text, physical_lines, text_encoding
from sidecart.settings import IngestSettings

_SAMPLE_BYTES = 65_536


@dataclass(frozen=True)
class Chunk:
    """A part of a file that one task reads: bytes from `start` to `end` (text) or one row group (Parquet)."""

    start: int
    end: int
    first_line: int


@dataclass(frozen=True)
class LandingFile:
    """One landing file as it was found, its rows counted without the reader that parses them."""

    input: str
    path: str
    relative: str
    format: str
    bytes: int
    sha256: str
    rows: int
    header: tuple[str, ...]
    chunks: tuple[Chunk, ...]
    ignored: tuple[str, ...]

    @staticmethod
    def of(
        found: FoundFile,
        rows: int,
        header: tuple[str, ...],
        chunks: tuple[Chunk, ...] = (),
        ignored: tuple[str, ...] = (),
    ) -> LandingFile:
        """The found file with what a survey learnt of it."""
        return LandingFile(
            input=found.input,
            path=str(found.path),
            relative=found.relative,
            format=found.format,
            bytes=found.path.stat().st_size,
            sha256=fingerprint(found),
            rows=rows,
            header=header,
            chunks=chunks,
            ignored=ignored,
        )


@dataclass
class _Tally:
    """What the count of a text file has seen so far."""

    end: int
    rows: int = 0
    undecodable: int = 0
    cuts: list[tuple[int, int]] = field(default_factory=list)


def survey(found: FoundFile, settings: IngestSettings) -> LandingFile:
    """The file with its hash, row count, header and chunks.

    Raises InputError for an unknown format, a damaged or too large file, a wrong encoding, and a header the contract
    can't use.
    """
    require_known_format(found)
    try:
        return _survey_parquet(found, settings) if found.format == "parquet" else _survey_text(found, settings)
    except (EOFError, gzip.BadGzipFile, zlib.error, pa.ArrowException) as error:
        raise _damaged(found, error) from None
    except UnicodeError:
        raise _wrong_encoding(found, settings) from None


def _survey_parquet(found: FoundFile, settings: IngestSettings) -> LandingFile:
    file = pq.ParquetFile(found.path, page_checksum_verification=True)
    contract = READABLE[found.input]
    names = tuple(file.schema_arrow.names)
    positions_of(names, contract, found.relative)
    require_types(file.schema_arrow, contract, found.relative)
    if settings.on_broken_file == "quarantine":
        _read_through(file, found)
    groups = [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]
    firsts = itertools.accumulate(groups, initial=1)
    chunks = tuple(Chunk(i, i + 1, first) for i, first in zip(range(len(groups)), firsts, strict=False))
    return LandingFile.of(found, file.metadata.num_rows, names, chunks, ignored_columns(names, contract))


def _read_through(file: pq.ParquetFile, found: FoundFile) -> None:
    """Raise InputError for a page that can't be read: the footer tells nothing of it, a task would stop the run."""
    names = [name for name in READABLE[found.input].column_names if name in file.schema_arrow.names]
    try:
        for _ in file.iter_batches(columns=names):
            pass
    except OSError as error:
        raise _damaged(found, error) from None


def _survey_text(found: FoundFile, settings: IngestSettings) -> LandingFile:
    contract = READABLE[found.input]
    with open_text(str(found.path), settings.encoding) as stream:
        start = _skip_mark(stream, found, settings)
        if found.format == "csv":
            header, start, line = _read_header(stream, start, found, settings)
            ignored = ignored_columns(header, contract)
        else:
            header, line = (), 1
            ignored = ignored_columns(_sample_keys(stream), contract)
        tally = _count(stream, start, line, found, settings)
    if tally.undecodable > settings.max_quarantine_share * tally.rows:
        raise _wrong_encoding(found, settings)
    return LandingFile.of(found, tally.rows, header, _chunks(tally, found, settings), ignored)


def _chunks(tally: _Tally, found: FoundFile, settings: IngestSettings) -> tuple[Chunk, ...]:
    """The file cut at row starts; compressed and UTF-16 files can't be entered in the middle and stay whole."""
    is_whole = found.path.name.endswith(".gz") or settings.encoding == "utf-16"
    cuts = tally.cuts[:1] if is_whole else tally.cuts
    ends = [*(start for start, _ in cuts[1:]), tally.end][: len(cuts)]
    return tuple(Chunk(start, end, line) for (start, line), end in zip(cuts, ends, strict=True) if end > start)


def _skip_mark(stream: io.BufferedReader, found: FoundFile, settings: IngestSettings) -> int:
    """Reads over a byte order mark at the start and returns its length; one of another encoding is an error."""
    head = stream.peek(3)[:3]
    has_mark = head == codecs.BOM_UTF8
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or (has_mark and settings.encoding[:3] != "utf"):
        raise _wrong_encoding(found, settings)
    return len(stream.read(3)) if has_mark else 0


def _read_header(
    stream: io.BufferedReader, start: int, found: FoundFile, settings: IngestSettings
) -> tuple[tuple[str, ...], int, int]:
    """The column names, the offset behind them and the next line's number; empty for a file without any row."""
    lines = physical_lines(stream, start, 1, settings.max_row_bytes)
    first = next((line for line in lines if line.content.strip()), None)
    if first is None:
        return (), start, 1
    text = first.content.decode(text_encoding(settings.encoding))
    if "\0" in text:
        raise _wrong_encoding(found, settings)
    names = tuple(name.strip() for name in next(csv.reader([text.rstrip("\r\n")])))
    positions_of(names, READABLE[found.input], found.relative)
    return names, first.end, first.line + 1


def _sample_keys(stream: io.BufferedReader) -> tuple[str, ...]:
    """The keys of the first JSON lines, as far as they can be read."""
    keys: dict[str, None] = {}
    for line in stream.peek(_SAMPLE_BYTES).splitlines()[:-1]:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        keys.update(dict.fromkeys(row if isinstance(row, dict) else ()))
    return tuple(keys)


def _count(stream: io.BufferedReader, start: int, line: int, found: FoundFile, settings: IngestSettings) -> _Tally:
    """Rows, end and cuts of what is left of the stream: by the block where each line is a row, else row by row."""
    tally = _Tally(end=start)
    look_for = partial(
        is_plain,
        is_csv=found.format == "csv",
        encoding=text_encoding(settings.encoding),
        max_row_bytes=settings.max_row_bytes,
    )
    while block := read_block(stream):
        if not look_for(block):
            _count_records(tally, line, found, settings)
            break
        _check_size(tally.end + len(block), found, settings)
        tally.cuts.append((tally.end, line))
        tally.rows += count_lines(block)
        tally.end += len(block)
        line += count_lines(block)
    return tally


def _count_records(tally: _Tally, line: int, found: FoundFile, settings: IngestSettings) -> None:
    """Counts from the tally's end on row by row, where lines and rows may differ."""
    encoding = text_encoding(settings.encoding)
    limit = settings.max_row_bytes
    cut_at = -BLOCK_BYTES
    with open_text(str(found.path), settings.encoding, tally.end) as stream:
        lines = physical_lines(stream, tally.end, line, limit)
        for record in csv_records(lines, limit) if found.format == "csv" else json_records(lines):
            if record.start - cut_at >= BLOCK_BYTES:
                tally.cuts.append((record.start, record.line))
                cut_at = record.start
            tally.rows += 1
            tally.undecodable += not _is_decodable(record.content, encoding)
            tally.end = record.end
            _check_size(tally.end, found, settings)


def _is_decodable(content: bytes, encoding: str) -> bool:
    if content.isascii():
        return True
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _check_size(size: int, found: FoundFile, settings: IngestSettings) -> None:
    if size > settings.max_file_bytes:
        raise InputError(
            "FILE_TOO_LARGE", f"{found.relative}: above ingest.max_file_bytes = {settings.max_file_bytes}; split it"
        )


def _damaged(found: FoundFile, error: Exception) -> InputError:
    return InputError("FILE_DAMAGED", f"{found.relative}: can't be read to its end; copy it again ({error})")


def _wrong_encoding(found: FoundFile, settings: IngestSettings) -> InputError:
    return InputError(
        "ENCODING", f"{found.relative}: is not {settings.encoding}; set ingest.encoding or export it as UTF-8"
    )
