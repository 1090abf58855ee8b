"""What a generated landing folder promises: equal runs, balanced counts, rows that fit together."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest

from sidecart.contracts.inputs import INPUTS
from sidecart.generator import Planted, tiny, write_shop

Shop = tuple[Path, Planted]


def rows(landing: Path, name: str) -> pa.Table:
    return pq.read_table(landing / name)


def content_hash(orders: pa.Table) -> str:
    text = "\n".join("|".join(map(str, row.values())) for row in orders.to_pylist())
    return hashlib.sha256(text.encode()).hexdigest()


def test_one_seed_makes_one_shop_on_every_machine(tiny_shop: Shop) -> None:
    landing, _ = tiny_shop
    assert content_hash(rows(landing, "orders"))[:16] == "db94b60395c38730"


def test_another_seed_makes_another_shop(tiny_shop: Shop, tmp_path: Path) -> None:
    write_shop(tmp_path, tiny(seed=2))
    assert content_hash(rows(tmp_path, "orders")) != content_hash(rows(tiny_shop[0], "orders"))


def test_writing_it_again_changes_no_byte(tiny_shop: Shop, tmp_path: Path) -> None:
    write_shop(tmp_path, tiny())
    for file in sorted(tiny_shop[0].rglob("*.*")):
        assert (tmp_path / file.relative_to(tiny_shop[0])).read_bytes() == file.read_bytes()


def test_a_smaller_shop_in_the_same_folder_leaves_nothing_of_the_larger(tmp_path: Path) -> None:
    write_shop(tmp_path, tiny())
    write_shop(tmp_path, replace(tiny(), regions=2, views_per_line=0.0))
    assert len(list((tmp_path / "offers").glob("*.parquet"))) == 2
    assert list((tmp_path / "views").iterdir()) == []


def test_every_row_is_on_the_list_of_what_was_written(tiny_shop: Shop) -> None:
    landing, planted = tiny_shop
    assert planted.rows == {name: rows(landing, name).num_rows for name in INPUTS}
    assert sum(planted.statuses.values()) == planted.rows["orders"]
    assert all(planted.statuses[status] > 0 for status in ("sale", "cancel", "return", "unlinked"))


def test_a_return_names_a_line_that_was_sold_unless_it_names_no_order(tiny_shop: Shop) -> None:
    orders = rows(tiny_shop[0], "orders").to_pylist()
    sold = {(row["order_id"], row["line_no"]): row for row in orders if row["status"] == "sale"}
    back = [row for row in orders if row["status"] != "sale"]
    linked = [row for row in back if row["order_id"]]
    assert all(sold[row["order_id"], row["line_no"]]["variant_id"] == row["variant_id"] for row in linked)
    assert all(row["ordered_at"] > sold[row["order_id"], row["line_no"]]["ordered_at"] for row in linked)
    assert all(row["quantity"] < 0 for row in back)
    assert sum(row["order_id"] is None for row in back) == tiny_shop[1].statuses["unlinked"]


def test_no_file_knows_the_future(tiny_shop: Shop) -> None:
    landing, planted = tiny_shop
    assert pc.max(rows(landing, "orders")["ordered_at"]).as_py() < planted.as_of
    assert pc.max(rows(landing, "views")["viewed_at"]).as_py() < planted.as_of
    assert pc.max(rows(landing, "catalog")["listed_at"]).as_py() <= planted.as_of


def test_only_goods_of_the_catalogue_are_sold_and_only_where_they_are_kept(tiny_shop: Shop) -> None:
    landing, _ = tiny_shop
    known = set(rows(landing, "catalog")["variant_id"].to_pylist())
    regions = set(rows(landing, "regions")["region_id"].to_pylist())
    for name in ("orders", "views", "offers"):
        assert set(rows(landing, name)["variant_id"].to_pylist()) <= known
        assert set(rows(landing, name)["region_id"].to_pylist()) <= regions


def test_every_category_and_region_hangs_on_the_tree(tiny_shop: Shop) -> None:
    landing, _ = tiny_shop
    for name, key in (("categories", "category_id"), ("regions", "region_id")):
        tree = rows(landing, name)
        assert set(tree["parent_id"].to_pylist()) - {None} <= set(tree[key].to_pylist())
        assert len(set(tree[key].to_pylist())) == tree.num_rows
    assert set(rows(landing, "catalog")["category_id"].to_pylist()) <= set(
        rows(landing, "categories")["category_id"].to_pylist()
    )


def test_complements_are_of_other_groups_and_compatible_shelves(tiny_shop: Shop) -> None:
    landing, planted = tiny_shop
    goods = {row["variant_id"]: row for row in rows(landing, "catalog").to_pylist()}
    related = {(row["category_id"], row["complement_id"]) for row in planted.related.to_pylist()}
    assert planted.complements.num_rows == 24
    for row in planted.complements.to_pylist():
        anchor, candidate = goods[row["anchor_id"]], goods[row["candidate_id"]]
        assert anchor["group_id"] != candidate["group_id"]
        assert (anchor["category_id"][:8], candidate["category_id"][:8]) in related


def test_a_green_bag_calls_for_green_shoes(tiny_shop: Shop) -> None:
    landing, planted = tiny_shop
    colours = {
        row["variant_id"]: json.loads(row["attributes"]).get("colour") for row in rows(landing, "catalog").to_pylist()
    }
    matches = planted.colour_matches.to_pylist()
    assert "green" in {row["colour"] for row in matches}
    assert all(colours[row["anchor_id"]] == colours[row["candidate_id"]] == row["colour"] for row in matches)


def test_what_was_planted_can_be_read_back(tiny_shop: Shop) -> None:
    landing, planted = tiny_shop
    facts = json.loads((landing / "_planted" / "planted.json").read_text())
    assert facts["as_of"] == "2026-07-01T00:00:00+00:00"
    assert facts["rows"] == planted.rows
    assert pq.read_table(landing / "_planted" / "complements.parquet").equals(planted.complements)
    assert "_planted" not in INPUTS


def test_a_shop_without_regions_names_none(tmp_path: Path) -> None:
    planted = write_shop(tmp_path, replace(tiny(), regions=0))
    assert "regions" not in planted.rows
    orders = rows(tmp_path, "orders")
    assert orders["region_id"].null_count == orders.num_rows


def test_a_shop_can_keep_three_levels_of_regions(tmp_path: Path) -> None:
    write_shop(tmp_path, replace(tiny(), region_levels=3))
    parents = {row["region_id"]: row["parent_id"] for row in rows(tmp_path, "regions").to_pylist()}
    assert parents["r0001"] == "area-1"
    assert parents["area-1"] == "country-1"
    assert parents["country-1"] is None


def test_csv_holds_what_parquet_holds(tiny_shop: Shop, tmp_path: Path) -> None:
    write_shop(tmp_path, tiny(), "csv")
    catalog = pcsv.read_csv(tmp_path / "catalog" / "part-00000.csv").to_pylist()
    assert [row["attributes"] for row in catalog] == rows(tiny_shop[0], "catalog")["attributes"].to_pylist()
    texts = pcsv.ConvertOptions(
        column_types={"order_id": pa.string(), "line_no": pa.string()}, strings_can_be_null=True
    )
    orders = pcsv.read_csv(tmp_path / "orders" / "part-00000.csv", convert_options=texts)
    for name in ("order_id", "buyer_id", "variant_id", "quantity", "status"):
        assert orders[name].to_pylist() == rows(tiny_shop[0], "orders")[name].to_pylist()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_chunks(tmp_path: Path) -> None:
    planted = write_shop(tmp_path, replace(tiny(), orders=150_000, buyers=10_000))
    files = sorted((tmp_path / "orders").glob("*.parquet"))
    assert [pq.read_metadata(file).num_rows > 400_000 for file in files] == [True, True, True]
    assert planted.rows["orders"] == sum(pq.read_metadata(file).num_rows for file in files)
