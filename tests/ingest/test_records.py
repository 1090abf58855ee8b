"""Where rows begin and end in a text file."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecart.ingest.files import find_files
from sidecart.ingest.records import Record, csv_records, physical_lines
from sidecart.ingest.survey import LandingFile, survey
from sidecart.settings import IngestSettings


def _records(content: bytes, limit: int = 1000) -> list[Record]:
    return list(csv_records(physical_lines(io.BytesIO(content), 0, 1, limit), limit))


def _shown(content: bytes, limit: int = 1000) -> list[tuple[int, bytes, str | None]]:
    return [(record.line, record.content, record.fault) for record in _records(content, limit)]


def test_a_quoted_field_may_hold_a_line_end() -> None:
    assert _shown(b'1,"x\ny"\n2,z\n') == [(1, b'1,"x\ny"\n', None), (3, b"2,z\n", None)]


def test_a_doubled_quote_is_a_quote() -> None:
    assert _shown(b'"a ""b"" c",1\n') == [(1, b'"a ""b"" c",1\n', None)]


def test_inches_in_an_unquoted_field_are_no_quote() -> None:
    assert _shown(b'5" pipe,1\nx,2\n') == [(1, b'5" pipe,1\n', None), (2, b"x,2\n", None)]


def test_a_quote_that_is_never_closed_costs_one_row() -> None:
    assert _shown(b'1,"x\n2,y\n3,z\n') == [
        (1, b'1,"x\n', "UNCLOSED_QUOTE"),
        (2, b"2,y\n", None),
        (3, b"3,z\n", None),
    ]


def test_a_quote_closed_inside_a_field_costs_one_row() -> None:
    assert _shown(b'"a"b,1\nc,2\n') == [(1, b'"a"b,1\n', "UNCLOSED_QUOTE"), (2, b"c,2\n", None)]


def test_blank_lines_are_no_rows_but_count_as_lines() -> None:
    assert _shown(b"a,1\n\n  \r\nb,2\n") == [(1, b"a,1\n", None), (4, b"b,2\n", None)]


def test_an_endless_row_is_cut_and_the_next_one_read() -> None:
    assert _shown(b"a" * 50 + b"\nb\n", limit=10) == [(1, b"a" * 10, "ROW_TOO_LARGE"), (2, b"b\n", None)]


@given(st.lists(st.sampled_from([b"a", b'"', b",", b"\n", b"\r\n", b'""', b" "]), max_size=40).map(b"".join))
def test_every_byte_of_a_file_is_in_one_record_or_in_a_blank_line(content: bytes) -> None:
    at = 0
    for record in _records(content):
        assert content[at : record.start].strip() == b""
        assert content[record.start : record.end] == record.content
        at = record.end
    assert content[at:].strip() == b""


@given(st.lists(st.sampled_from([b"a,b\n", b'"x\ny",b\n', b"\n", b'"open,b\n', b'"a ""q""",c\r\n']), max_size=30))
def test_the_survey_counts_the_rows_that_are_read(tmp_path: Path, lines: list[bytes]) -> None:
    content = b"".join(lines)
    file = _surveyed(tmp_path, b"variant_id,name\n" + content)
    assert file.rows == len(_records(content))


def _surveyed(folder: Path, content: bytes, settings: IngestSettings | None = None) -> LandingFile:
    (folder / "catalog.csv").write_bytes(content)
    (folder / "orders.csv").write_text("order_id\n")
    found, _ = find_files(folder)
    return survey(found["catalog"][0], settings or IngestSettings())


def test_a_large_file_is_cut_where_rows_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecart.ingest.survey.BLOCK_BYTES", 20)
    content = b'variant_id,name\n1,"a\nb"\n2,c\n3,"a long enough name"\n4,d\n'
    file = _surveyed(tmp_path, content)
    assert [(content[chunk.start : chunk.start + 2], chunk.first_line) for chunk in file.chunks] == [
        (b"1,", 2),
        (b"4,", 6),
    ]
    assert [chunk.end for chunk in file.chunks][-1] == len(content)
