"""The bicycle shop as landing files."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sidecart.adapters import adventureworks

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def bikes(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("bikes")
    adventureworks.write_landing(target, shared_data / "adventureworks")
    return target


def rows(landing: Path, name: str) -> pa.Table:
    return pq.read_table(landing / name)


def test_sales_and_returns_stand_in_one_input(bikes: Path) -> None:
    statuses = {row["values"]: row["counts"] for row in rows(bikes, "orders")["status"].value_counts().to_pylist()}
    assert statuses == {"sale": 56_046, "return": 1_809}


def test_a_return_names_neither_order_nor_buyer(bikes: Path) -> None:
    orders = rows(bikes, "orders")
    returned = orders.filter(pc.equal(orders["status"], "return"))
    assert returned["order_id"].null_count == returned["buyer_id"].null_count == 1_809
    assert pc.sum(returned["quantity"]).as_py() == -1_828


def test_a_model_is_a_group_of_colours_and_sizes(bikes: Path) -> None:
    catalog = rows(bikes, "catalog")
    assert (catalog.num_rows, len(pc.unique(catalog["group_id"]))) == (293, 119)
    helmet = catalog.filter(pc.equal(catalog["name"], "Sport-100 Helmet, Red")).to_pylist()[0]
    assert helmet["group_id"] == "sport-100"
    assert json.loads(helmet["attributes"]) == {"colour": "Red"}


def test_tyres_and_tubes_share_a_shelf_below_accessories(bikes: Path) -> None:
    catalog = rows(bikes, "catalog").to_pylist()
    assert {row["category_id"] for row in catalog if "Tube" in row["name"]} == {"accessories/tires-and-tubes"}
    tree = {row["category_id"]: row["parent_id"] for row in rows(bikes, "categories").to_pylist()}
    assert len(tree) == 41
    assert tree["accessories/tires-and-tubes"] == "accessories"


def test_territories_hang_below_countries_and_continents(bikes: Path) -> None:
    regions = {row["region_id"]: row["parent_id"] for row in rows(bikes, "regions").to_pylist()}
    assert len(regions) == 3 + 6 + 10
    assert (regions["7"], regions["country-france"], regions["continent-europe"]) == (
        "country-france",
        "continent-europe",
        None,
    )
    assert set(rows(bikes, "orders")["region_id"].to_pylist()) <= set(regions)


def test_every_sale_has_a_price(bikes: Path) -> None:
    assert rows(bikes, "orders")["unit_price"].null_count == 0
