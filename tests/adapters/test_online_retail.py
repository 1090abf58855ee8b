"""The gift wholesaler as landing files: its dirt comes through as it is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sidecart.adapters import online_retail
from sidecart.errors import InputError

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def gifts(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("gifts")
    online_retail.write_landing(target, shared_data / "online_retail")
    return target


def rows(landing: Path, name: str) -> pa.Table:
    return pq.read_table(landing / name)


def test_every_line_comes_through_with_its_status(gifts: Path) -> None:
    statuses = {row["values"]: row["counts"] for row in rows(gifts, "orders")["status"].value_counts().to_pylist()}
    assert statuses == {"sale": 802_607, "cancel": 15_724, "adjust": 5_312}


def test_a_cancellation_is_an_order_of_its_own_with_a_negative_quantity(gifts: Path) -> None:
    orders = rows(gifts, "orders")
    cancelled = orders.filter(pc.equal(orders["status"], "cancel"))
    assert pc.all(pc.starts_with(cancelled["order_id"], "C")).as_py()
    assert pc.sum(pc.less(cancelled["quantity"], 0)).as_py() == 15_723


def test_only_cancellations_are_negative(gifts: Path) -> None:
    orders = rows(gifts, "orders")
    negative = orders.filter(pc.less(orders["quantity"], 0))
    assert pc.unique(negative["status"]).to_pylist() == ["cancel"]


def test_guests_stay_guests(gifts: Path) -> None:
    assert rows(gifts, "orders")["buyer_id"].null_count == 188_859


def test_repeated_lines_are_kept_for_ingest_to_drop(gifts: Path) -> None:
    orders = rows(gifts, "orders")
    assert "line_no" not in orders.column_names
    distinct = orders.group_by(orders.column_names).aggregate([]).num_rows
    assert orders.num_rows - distinct == 9_028


def test_postage_is_no_product(gifts: Path) -> None:
    known = rows(gifts, "catalog")["variant_id"]
    assert len(known) == len(pc.unique(known)) == 5_070
    assert "POST" not in known.to_pylist()
    sold = rows(gifts, "orders")["variant_id"]
    assert pc.sum(pc.invert(pc.is_in(sold, known.combine_chunks()))).as_py() == 4_988


def test_letters_at_the_end_make_variants_of_one_group(gifts: Path) -> None:
    catalog = rows(gifts, "catalog")
    parasols = catalog.filter(pc.equal(catalog["group_id"], "15044"))
    assert sorted(parasols["variant_id"].to_pylist()) == ["15044A", "15044B", "15044C", "15044D"]


def test_countries_are_regions_with_plain_ids(gifts: Path) -> None:
    regions = {row["region_id"]: row["name"] for row in rows(gifts, "regions").to_pylist()}
    assert len(regions) == 43
    assert regions["united-kingdom"] == "United Kingdom"
    assert set(rows(gifts, "orders")["region_id"].to_pylist()) == set(regions)


def test_categories_are_those_that_were_derived(gifts: Path) -> None:
    categories = rows(gifts, "categories")["category_id"].to_pylist()
    assert len(categories) == 100
    assert set(rows(gifts, "catalog")["category_id"].to_pylist()) - {None} == set(categories)


def test_summer_orders_are_an_hour_off_greenwich(gifts: Path) -> None:
    times = rows(gifts, "orders")["ordered_at"]
    assert pc.min(times).as_py() == datetime(2009, 12, 1, 7, 45, tzinfo=UTC)
    assert pc.max(times).as_py() == datetime(2011, 8, 31, 16, 45, tzinfo=UTC)


def test_without_a_folder_the_message_says_how_to_name_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIDECART_DATA", raising=False)
    with pytest.raises(InputError, match="SIDECART_DATA"):
        online_retail.write_landing(tmp_path)
