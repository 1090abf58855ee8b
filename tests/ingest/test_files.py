"""Files that fail a run: each with its code, before any row is parsed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidecart.errors import InputError
from sidecart.ingest.files import find_files
from sidecart.ingest.survey import LandingFile, survey
from sidecart.settings import IngestSettings

HEADER = "order_id,variant_id,quantity,ordered_at\n"
LINE = "o1,milk,1,2026-03-01\n"


def _survey_all(landing: Path, settings: IngestSettings | None = None) -> list[LandingFile]:
    found, _ = find_files(landing)
    return [survey(file, settings or IngestSettings()) for files in found.values() for file in files]


def _no_orders(landing: Path) -> None:
    (landing / "orders.csv").unlink()


def _cut_gzip(landing: Path) -> None:
    (landing / "orders.csv").unlink()
    (landing / "orders.csv.gz").write_bytes(gzip.compress((HEADER + LINE * 1000).encode())[:-20])


def _cut_parquet(landing: Path) -> None:
    (landing / "catalog.csv").unlink()
    (landing / "catalog.parquet").write_bytes(b"PAR1 and nothing else")


def _unkept_manifest(landing: Path) -> None:
    manifest = {"files": [{"name": "orders.csv", "bytes": 7}]}
    (landing / "_manifest.json").write_text(json.dumps(manifest))


def _other_content_than_the_manifest(landing: Path) -> None:
    manifest = {"files": [{"name": "orders.csv", "sha256": "0" * 64}]}
    (landing / "_manifest.json").write_text(json.dumps(manifest))


def _manifest_out_of_the_folder(landing: Path) -> None:
    (landing / "_manifest.json").write_text(json.dumps({"files": [{"name": "../secrets.csv"}]}))


def _half_written(landing: Path) -> None:
    (landing / "views" / "_temporary").mkdir(parents=True)


def _link(landing: Path) -> None:
    outside = landing.parent / "elsewhere.csv"
    outside.write_text(HEADER + LINE)
    (landing / "orders.csv").unlink()
    (landing / "orders.csv").symlink_to(outside)


def _linked_folder(landing: Path) -> None:
    outside = landing.parent / "elsewhere"
    outside.mkdir()
    (landing / "views").symlink_to(outside, target_is_directory=True)


def _spreadsheet(landing: Path) -> None:
    (landing / "catalog.xlsx").write_bytes(b"PK")


def _other_encoding(landing: Path) -> None:
    (landing / "catalog.csv").write_bytes("variant_id,name\n1,молоко\n2,хлеб\n".encode("cp1251"))


def _utf_16(landing: Path) -> None:
    (landing / "catalog.csv").write_bytes("variant_id,name\n1,milk\n".encode("utf-16"))


def _column_twice(landing: Path) -> None:
    (landing / "orders.csv").write_text("order_id,order_id,variant_id,quantity,ordered_at\n")


def _no_variant(landing: Path) -> None:
    (landing / "orders.csv").write_text("order_id,quantity,ordered_at\no1,1,2026-03-01\n")


def _semicolons(landing: Path) -> None:
    (landing / "orders.csv").write_text(HEADER.replace(",", ";"))


def _capitals(landing: Path) -> None:
    (landing / "orders.csv").write_text("order_id,variant_id,quantity,ordered_at,Buyer_ID\n")


def _ids_as_floats(landing: Path) -> None:
    (landing / "catalog.csv").unlink()
    pq.write_table(pa.table({"variant_id": [1.0, 2.0]}), landing / "catalog.parquet")


FAULTS: list[tuple[str, Callable[[Path], None]]] = [
    ("INPUT_MISSING", _no_orders),
    ("FILE_DAMAGED", _cut_gzip),
    ("FILE_DAMAGED", _cut_parquet),
    ("FILE_INCOMPLETE", _unkept_manifest),
    ("FILE_INCOMPLETE", _other_content_than_the_manifest),
    ("FILE_INCOMPLETE", _half_written),
    ("PATH_OUTSIDE", _manifest_out_of_the_folder),
    ("PATH_OUTSIDE", _link),
    ("PATH_OUTSIDE", _linked_folder),
    ("FORMAT_UNKNOWN", _spreadsheet),
    ("ENCODING", _other_encoding),
    ("ENCODING", _utf_16),
    ("HEADER_DUPLICATE", _column_twice),
    ("COLUMN_MISSING", _no_variant),
    ("COLUMN_MISSING", _semicolons),
    ("COLUMN_CASE", _capitals),
    ("TYPE_CHANGED", _ids_as_floats),
]


@pytest.mark.parametrize(("code", "spoil"), FAULTS, ids=[spoil.__name__.strip("_") for _, spoil in FAULTS])
def test_a_spoiled_folder_fails_the_run_by_name(shop: Path, code: str, spoil: Callable[[Path], None]) -> None:
    spoil(shop)
    with pytest.raises(InputError) as error:
        _survey_all(shop)
    assert error.value.code == code


def test_a_good_folder_passes(shop: Path) -> None:
    assert {file.relative: file.rows for file in _survey_all(shop)} == {"catalog.csv": 2, "orders.csv": 2}


def test_a_bomb_is_stopped_while_it_unpacks(shop: Path) -> None:
    (shop / "orders.csv").unlink()
    (shop / "orders.csv.gz").write_bytes(gzip.compress((HEADER + LINE * 100_000).encode()))
    with pytest.raises(InputError) as error:
        _survey_all(shop, IngestSettings(max_file_bytes=100_000))
    assert error.value.code == "FILE_TOO_LARGE"


def test_a_declared_encoding_is_read(shop: Path) -> None:
    for name in ("catalog.csv", "orders.csv"):
        (shop / name).write_bytes((shop / name).read_text().encode("utf-16"))
    assert [file.rows for file in _survey_all(shop, IngestSettings(encoding="utf-16"))] == [2, 2]


def test_marks_of_a_finished_job_are_no_files(shop: Path) -> None:
    (shop / "views").mkdir()
    (shop / "views" / "_SUCCESS").touch()
    (shop / "views" / ".part-0.csv.crc").touch()
    assert [file.input for file in _survey_all(shop)] == ["orders", "catalog"]


def test_a_file_of_no_input_is_named(shop: Path) -> None:
    (shop / "order.csv").write_text(HEADER)
    _, warnings = find_files(shop)
    assert warnings[0].startswith("INPUT_UNKNOWN: order.csv")


def test_columns_in_another_order_and_unknown_ones_are_fine(shop: Path) -> None:
    (shop / "orders.csv").write_text("ordered_at,shelf,quantity,variant_id,order_id\n2026-03-01,7,1,milk,o1\n")
    assert [file.ignored for file in _survey_all(shop)] == [("shelf",), ()]


def test_a_kept_manifest_passes(shop: Path) -> None:
    size = (shop / "orders.csv").stat().st_size
    (shop / "_manifest.json").write_text(json.dumps({"files": [{"name": "orders.csv", "bytes": size}]}))
    assert len(_survey_all(shop)) == 2
