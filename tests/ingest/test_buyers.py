"""Buyers as keyed hashes."""

from __future__ import annotations

import stat
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from sidecart.errors import InputError
from sidecart.ingest.buyers import BuyerKey, find_buyer_key, hashed, is_personal, make_buyer_key
from sidecart.ingest.files import find_files
from sidecart.ingest.reading import raw_rows
from sidecart.ingest.survey import survey
from sidecart.settings import IngestSettings

SECRET = "a secret of a test"  # noqa: S105


def test_a_buyer_is_a_keyed_hash() -> None:
    # printf ann | openssl dgst -sha256 -hmac "a secret of a test"
    assert BuyerKey(SECRET.encode()).hash("ann") == "b15bee65562abd8b3d2b3ae5be1d7586"


def test_guests_stay_guests_and_equal_buyers_stay_equal() -> None:
    first, guest, again = hashed(pa.array(["ann", None, "ann"]), BuyerKey(SECRET.encode())).to_pylist()
    assert guest is None
    assert first == again


@pytest.mark.parametrize(
    "identifier", ["ann@example.org", "+49 151 2345678", "0151 234 5678", "(555) 123-4567", "555-123-4567"]
)
def test_addresses_and_telephone_numbers_are_personal(identifier: str) -> None:
    assert is_personal(pa.array([identifier])).to_pylist() == [True]


@pytest.mark.parametrize("identifier", ["ann", "0042", "4711", "C-2024-00012", "9b2e@shop", "20240301-17"])
def test_customer_numbers_are_not(identifier: str) -> None:
    assert is_personal(pa.array([identifier])).to_pylist() == [False]


def test_a_made_key_is_kept_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    made = make_buyer_key(tmp_path / "own" / "buyer.key")
    assert make_buyer_key(tmp_path / "own" / "buyer.key") == made
    assert stat.S_IMODE((tmp_path / "own" / "buyer.key").stat().st_mode) == 0o600


def test_the_environment_names_the_key_or_its_file(tmp_path: Path) -> None:
    made = make_buyer_key(tmp_path / "buyer.key")
    assert find_buyer_key(environment={"SIDECART_BUYER_KEY_FILE": str(tmp_path / "buyer.key")}) == made
    assert find_buyer_key(environment={"SIDECART_BUYER_KEY": SECRET}) == BuyerKey(SECRET.encode())


def test_without_a_usable_key_the_remedy_is_named(tmp_path: Path) -> None:
    open_to_all = tmp_path / "open.key"
    open_to_all.write_text("0123456789abcdef0123456789abcdef")
    open_to_all.chmod(0o644)
    for code, variables in (
        ("BUYER_KEY_MISSING", {}),
        ("BUYER_KEY_MISSING", {"SIDECART_BUYER_KEY_FILE": str(tmp_path / "none.key")}),
        ("BUYER_KEY_SHORT", {"SIDECART_BUYER_KEY": "short"}),
        ("BUYER_KEY_EXPOSED", {"SIDECART_BUYER_KEY_FILE": str(open_to_all)}),
    ):
        with pytest.raises(InputError) as error:
            find_buyer_key(environment=variables)
        assert error.value.code == code


def test_the_key_shows_in_no_plan(spark: SparkSession, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found, _ = find_files(shop)
    key = BuyerKey(SECRET.encode())
    files = [survey(found["orders"][0], IngestSettings())]
    raw_rows(spark, "orders", files, IngestSettings(), key).explain(mode="extended")
    shown = capsys.readouterr().out
    assert "MapInArrow" in shown
    assert SECRET not in shown + repr(key)
