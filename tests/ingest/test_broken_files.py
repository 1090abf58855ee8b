"""Broken files of orders and views: they stop the run, or are left out, named and read again when they come whole."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession

from ingest.conftest import Read, rows_of
from sidecart.contracts.frames import conform
from sidecart.contracts.runs import BOOKS
from sidecart.errors import InputError
from sidecart.ingest.books import books
from sidecart.ingest.landing import KnownTables, Silver
from sidecart.settings import IngestSettings, Settings

HEADER = "order_id,variant_id,quantity,ordered_at\n"
LEAVING_OUT = Settings(ingest=IngestSettings(on_broken_file="quarantine"))


def _cut_gzip(order: str) -> bytes:
    """A file of one order that lost its end on the way."""
    return gzip.compress((HEADER + f"{order},milk,1,2026-03-02\n").encode())[:-6]


def _damaged_parquet(path: Path) -> None:
    """A file of which one byte within a page is another; its footer is whole."""
    rows = {
        "order_id": ["o7"] * 400,
        "variant_id": ["milk"] * 400,
        "quantity": [1] * 400,
        "ordered_at": ["2026-03-02"] * 400,
    }
    pq.write_table(pa.table(rows), path, compression="none", use_dictionary=False, write_page_checksum=True)
    content = bytearray(path.read_bytes())
    content[content.index(b"o7") + 500] ^= 0xFF
    path.write_bytes(content)


def _books(spark: SparkSession, taken: Silver) -> dict[str, tuple[int, ...]]:
    frame = books(spark, taken.files, taken.entered, "run-1", taken.left_out)
    return {row["input"]: tuple(row)[2:] for row in conform(frame, BOOKS).collect()}


def _together(*parts: DataFrame) -> DataFrame:
    return parts[0] if len(parts) == 1 else parts[0].unionByName(_together(*parts[1:]))


@pytest.fixture
def orders(shop: Path) -> Path:
    """The shop's folder of orders, with one good file."""
    folder = shop / "orders"
    folder.mkdir()
    (shop / "orders.csv").rename(folder / "good.csv")
    return folder


def test_broken_files_are_left_out_by_name_and_the_good_ones_are_read(
    spark: SparkSession, shop: Path, orders: Path, read: Read
) -> None:
    (orders / "cut.csv.gz").write_bytes(_cut_gzip("o2"))
    (orders / "headless.csv").write_text("o3,milk,1,2026-03-02,Ursula-17\n")
    (orders / "notes.txt").write_text("call the supplier\n")
    (orders / "foreign.csv").write_bytes((HEADER + "o4,молоко,1,2026-03-02\n").encode("cp1251"))
    _damaged_parquet(orders / "flipped.parquet")
    (shop / "views.csv").write_text("variant_id\nmilk\n")
    taken = read(shop, LEAVING_OUT)

    assert rows_of(taken.order_events_new, "order_id", "variant_id") == [("o1", "bread"), ("o1", "milk")]
    assert rows_of(taken.quarantine, "source_file", "source_line", "reason_code") == [
        ("orders/cut.csv.gz", 0, "FILE_DAMAGED"),
        ("orders/flipped.parquet", 0, "FILE_DAMAGED"),
        ("orders/foreign.csv", 0, "ENCODING"),
        ("orders/headless.csv", 0, "COLUMN_MISSING"),
        ("orders/notes.txt", 0, "FORMAT_UNKNOWN"),
        ("views.csv", 0, "COLUMN_MISSING"),
    ]
    # Two good rows and five files as a row each; a header that is none may be a buyer's row.
    assert _books(spark, taken) == {
        "orders": (7, 2, 0, 5, 0),
        "catalog": (2, 2, 0, 0, 0),
        "views": (1, 0, 0, 1, 0),
    }
    told = [warning for warning in taken.warnings if warning.startswith("FILE_LEFT_OUT")]
    assert len(told) == 6
    assert "Ursula" not in str(taken.quarantine.collect()) + str(told)


def test_a_broken_file_is_told_once_and_read_when_it_comes_whole(shop: Path, orders: Path, read: Read) -> None:
    (orders / "day2.csv.gz").write_bytes(_cut_gzip("o2"))
    first = read(shop, LEAVING_OUT)
    none = KnownTables.none(first.views_new.sparkSession)
    known = KnownTables(first.ingested_files_new, first.order_events_new, first.views_new, none.erased_buyers)
    again = read(shop, LEAVING_OUT, known)
    assert again.quarantine.isEmpty()
    assert [file.input for file in again.files] == ["catalog"]

    (orders / "day2.csv.gz").write_bytes(gzip.compress((HEADER + "o2,milk,1,2026-03-02\n").encode()))
    (orders / "good.csv").write_text(HEADER + "o9,milk,1,2026-03-02\n")
    (orders / "same.csv.gz").write_bytes(_cut_gzip("o2"))
    whole = read(shop, LEAVING_OUT, known)
    assert rows_of(whole.order_events_new, "order_id", "source_file") == [("o2", "orders/day2.csv.gz")]
    assert rows_of(whole.quarantine, "source_file", "reason_code") == [
        ("orders/good.csv", "FILE_CHANGED"),
        ("orders/same.csv.gz", "FILE_DAMAGED"),
    ]


def test_without_the_setting_a_broken_file_stops_the_run(shop: Path, orders: Path, read: Read) -> None:
    (orders / "day2.csv.gz").write_bytes(_cut_gzip("o2"))
    with pytest.raises(InputError, match=r"FILE_DAMAGED: orders/day2\.csv\.gz"):
        read(shop)


def test_what_says_how_things_are_now_is_never_left_out(shop: Path, orders: Path, read: Read) -> None:
    assert orders.is_dir()
    (shop / "catalog.csv").write_text("name\nMilk\n")
    with pytest.raises(InputError, match=r"COLUMN_MISSING: catalog\.csv"):
        read(shop, LEAVING_OUT)
    (shop / "catalog.csv").unlink()
    with pytest.raises(InputError, match="INPUT_MISSING"):
        read(shop, LEAVING_OUT)
