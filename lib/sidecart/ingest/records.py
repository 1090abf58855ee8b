"""Text to records: where rows begin and end, with exact physical line numbers. Pure Python, no Spark.

A record that opens a quote and never closes it is given up at its first line, and reading goes on at
the next, so that one stray quote costs one row and not the file.
"""

from __future__ import annotations

import gzip
import io
import re
from collections import deque
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

_END = rb"(?=,|\r?\n?\Z)"
_FIELD = rb'(?:"(?:[^"]|"")*+"|[^",\r\n][^,\r\n]*+|)' + _END
_WHOLE = re.compile(_FIELD + rb"(?:," + _FIELD + rb")*+\r?\n?")
_OPENS = re.compile(rb"(?:" + _FIELD + rb',)*?"(?:[^"]|"")*+')
_INSIDE = re.compile(rb'(?:[^"]|"")*+')
_CLOSES = re.compile(rb'(?:[^"]|"")*+"' + _END + rb"(?:," + _FIELD + rb")*+\r?\n?")
_REOPENS = re.compile(rb'(?:[^"]|"")*+"(?:,' + _FIELD + rb')*?,"(?:[^"]|"")*+')


class Record(NamedTuple):
    """One record: the physical line and byte it begins on, the byte behind it, its content, what is wrong with it."""

    line: int
    start: int
    end: int
    content: bytes
    fault: str | None = None


def open_text(path: str, encoding: str, start: int = 0) -> io.BufferedReader:
    """The file's bytes from `start` on, decompressed where it ends in .gz; UTF-16 comes as UTF-8."""
    stream: Any = gzip.open(path, "rb") if path.endswith(".gz") else Path(path).open("rb")  # noqa: SIM115
    if encoding != "utf-16":
        stream.seek(start)
        return cast(io.BufferedReader, stream)
    reader = io.BufferedReader(cast(io.RawIOBase, _Utf8(stream)))
    reader.read(start)
    return cast(io.BufferedReader, reader)


def text_encoding(encoding: str) -> str:
    """The encoding of what `open_text` gives."""
    return "utf-8" if encoding == "utf-16" else encoding


class _Utf8(io.RawIOBase):
    """UTF-16 bytes read as UTF-8."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._text = io.TextIOWrapper(stream, encoding="utf-16", newline="")
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, target: bytearray) -> int:  # type: ignore[override]
        if not self._rest:
            self._rest = self._text.read(1 << 16).encode("utf-8", "surrogatepass")
        part, self._rest = self._rest[: len(target)], self._rest[len(target) :]
        target[: len(part)] = part
        return len(part)


def physical_lines(stream: IO[bytes], start: int, line: int, limit: int) -> Iterator[Record]:
    """Each line of the stream as a record; one above the limit is cut to it and at fault ROW_TOO_LARGE."""
    for content in iter(partial(stream.readline, limit), b""):
        end = start + len(content)
        fault = None
        if len(content) >= limit and not content.endswith(b"\n"):
            fault = "ROW_TOO_LARGE"
            for more in iter(partial(stream.readline, limit), b""):
                end += len(more)
                if more.endswith(b"\n"):
                    break
        yield Record(line, start, end, content, fault)
        line, start = line + 1, end


def json_records(lines: Iterator[Record]) -> Iterator[Record]:
    """One record per line that is not blank."""
    return (line for line in lines if line.fault or line.content.strip())


def csv_records(lines: Iterator[Record], limit: int) -> Iterator[Record]:
    """One record per row that is not blank; quoted fields may hold line ends (RFC 4180)."""
    waiting: deque[Record] = deque()
    while True:
        first = waiting.popleft() if waiting else next(lines, None)
        if first is None:
            return
        if first.fault or b'"' not in first.content or _WHOLE.fullmatch(first.content):
            if first.fault or first.content.strip():
                yield first
            continue
        yield _continued(first, lines, waiting, limit)


def _continued(first: Record, lines: Iterator[Record], waiting: deque[Record], limit: int) -> Record:
    """The record that begins with an open quote; lines it did not need go back to `waiting`."""
    taken: list[Record] = []
    size = len(first.content)
    is_open = _OPENS.fullmatch(first.content) is not None
    while is_open and size <= limit:
        line = waiting.popleft() if waiting else next(lines, None)
        if line is None:
            break
        taken.append(line)
        size += len(line.content)
        if line.fault:
            break
        if b'"' not in line.content or _INSIDE.fullmatch(line.content) or _REOPENS.fullmatch(line.content):
            continue
        if _CLOSES.fullmatch(line.content):
            content = first.content + b"".join(part.content for part in taken)
            return Record(first.line, first.start, line.end, content, "ROW_TOO_LARGE" if size > limit else None)
        is_open = False
    waiting.extendleft(reversed(taken))
    return Record(first.line, first.start, first.end, first.content, "UNCLOSED_QUOTE")
