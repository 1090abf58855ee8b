"""Landing parts: the contract's columns, whole files, Parquet or CSV."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidecart.errors import ContractError
from sidecart.landing_files import clear_parts, json_texts, write_input


def test_a_csv_part_reads_like_a_spreadsheet_export(tmp_path: Path) -> None:
    rows = pa.table(
        {
            "variant_id": ["007"],
            "name": ['Glass, 20" tall'],
            "attributes": json_texts([{"size": "L", "colour": "green", "fit": None}]),
            "listed_at": [datetime(2026, 3, 1, 9, 30, tzinfo=UTC)],
        }
    )
    assert write_input(tmp_path, "catalog", rows, "csv") == 1
    header, line = (tmp_path / "catalog" / "part-00000.csv").read_text().splitlines()
    assert header == '"variant_id","name","attributes","listed_at"'
    expected = '007,"Glass, 20"" tall","{""colour"": ""green"", ""size"": ""L""}",2026-03-01T09:30:00Z'
    assert line.replace('"007"', "007").replace('"2026-03-01T09:30:00Z"', "2026-03-01T09:30:00Z") == expected


def test_a_misspelt_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="colour"):
        write_input(tmp_path, "catalog", pa.table({"variant_id": ["1"], "colour": ["red"]}))


def test_a_part_without_its_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="variant_id"):
        write_input(tmp_path, "catalog", pa.table({"name": ["milk"]}))


def test_the_same_rows_make_the_same_bytes(tmp_path: Path) -> None:
    rows = pa.table({"variant_id": ["milk", "bread"]})
    write_input(tmp_path / "a", "catalog", rows)
    write_input(tmp_path / "b", "catalog", rows)
    first, second = (tmp_path / side / "catalog" / "part-00000.parquet" for side in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_clearing_takes_old_parts_and_leaves_what_people_put_there(tmp_path: Path) -> None:
    write_input(tmp_path, "catalog", pa.table({"variant_id": ["milk"]}), part=3)
    (tmp_path / "catalog" / "by-hand.csv").write_text("variant_id\nbread\n")
    clear_parts(tmp_path)
    assert [file.name for file in (tmp_path / "catalog").iterdir()] == ["by-hand.csv"]


def test_money_keeps_four_decimals_and_times_their_zone(tmp_path: Path) -> None:
    orders = pa.table(
        {"variant_id": ["1"], "quantity": [2], "unit_price": [0.3333], "ordered_at": [datetime(2026, 1, 1, tzinfo=UTC)]}
    )
    write_input(tmp_path, "orders", orders)
    schema = pq.read_schema(tmp_path / "orders" / "part-00000.parquet")
    assert schema.field("unit_price").type == pa.decimal128(18, 4)
    assert schema.field("ordered_at").type == pa.timestamp("us", "UTC")
