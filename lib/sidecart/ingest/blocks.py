"""Blocks of text files in which every line is a row: they are counted, and parsed, all at once."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from sidecart.ingest.buyers import MASK

BLOCK_BYTES = 16 * 2**20
_LONGEST_LINE = 64 * 2**20
_NEWLINE = 10
_BLANK_STARTS = (b"\n", b"\r\n", b" ", b"\t", b"\f", b"\v")
_MARK = "\ufeff".encode()
_NUL = b"\0"


def read_block(stream: io.BufferedReader, size: int = BLOCK_BYTES) -> bytes:
    """The next `size` bytes of the stream and the rest of their last line; empty at the end."""
    block = stream.read(size)
    return block if not block or block.endswith(b"\n") else block + stream.readline(_LONGEST_LINE)


def count_lines(block: bytes) -> int:
    """Lines of a block, the last one with or without its line end."""
    return block.count(b"\n") + (not block.endswith(b"\n"))


def is_plain(block: bytes, *, is_csv: bool, encoding: str, max_row_bytes: int) -> bool:
    """Whether every line of the block is a row: no quotes in CSV, no blank or over-long line, all of it decodable."""
    if (is_csv and b'"' in block) or _MARK in block or block.startswith(_BLANK_STARTS):
        return False
    if any(b"\n" + start in block for start in _BLANK_STARTS):
        return False
    ends = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == _NEWLINE)
    if np.diff(ends, prepend=-1, append=len(block)).max() >= max_row_bytes:
        return False
    try:
        block.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def plain_columns(block: bytes, width: int, encoding: str) -> list[pa.Array] | None:
    """The columns of a plain CSV block as texts, or None where its rows are not all `width` fields wide."""
    if _NUL in block or block.count(b"\r") != block.count(b"\r\n"):
        return None
    data = block if encoding == "utf-8" else block.decode(encoding).encode("utf-8")
    names = [str(i) for i in range(width)]
    try:
        table = pcsv.read_csv(
            pa.BufferReader(data),
            read_options=pcsv.ReadOptions(column_names=names, use_threads=False, block_size=len(data) + 1),
            parse_options=pcsv.ParseOptions(quote_char=False, ignore_empty_lines=False),
            convert_options=pcsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=False,
                quoted_strings_can_be_null=False,
            ),
        ).combine_chunks()
    except pa.ArrowInvalid:
        return None
    if table.num_rows != count_lines(block):
        return None
    return [_one(column) for column in table.columns]


def joined(columns: list[pa.Array], masked: list[int]) -> pa.Array:
    """The rows as they stood in the file, the masked columns shown as ***."""
    shown = [_masked(column) if i in masked else column for i, column in enumerate(columns)]
    return pc.binary_join_element_wise(*shown, ",")


def _masked(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(column, ""), "", MASK)


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
