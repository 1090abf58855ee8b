"""The grocery chain of the demo, as landing files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sidecart.adapters import complete_journey
from sidecart.errors import InputError
from sidecart.settings_files import load_settings


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("landing")
    complete_journey.write_landing(target)
    return target


def rows(landing: Path, name: str) -> pa.Table:
    return pq.read_table(landing / name)


def test_no_order_line_is_lost_or_changed_into_another(landing: Path) -> None:
    orders = rows(landing, "orders")
    assert orders.num_rows == 1_469_307
    assert pc.sum(orders["quantity"]).as_py() == 152_923_108
    assert len(pc.unique(orders["order_id"])) == 155_848
    assert len(pc.unique(orders["buyer_id"])) == 2_469
    assert orders.group_by(["order_id", "line_no"]).aggregate([]).num_rows == 1_469_307


def test_lines_of_a_basket_are_numbered_from_one(landing: Path) -> None:
    orders = rows(landing, "orders")
    basket = orders.filter(pc.equal(orders["order_id"], "31198705046"))
    assert basket["line_no"].to_pylist() == [str(number) for number in range(1, basket.num_rows + 1)]


def test_weeks_end_at_midnight_in_new_york_so_times_are_utc(landing: Path) -> None:
    times = rows(landing, "orders")["ordered_at"]
    assert pc.min(times).as_py() == datetime(2017, 1, 1, 11, 53, 26, tzinfo=UTC)
    local = pc.strftime(pc.max(times).cast(pa.timestamp("s", "America/New_York")), format="%Y-%m-%d %H:%M:%S")
    assert local.as_py() == "2017-12-31 23:01:20"


def test_a_line_without_quantity_has_no_price(landing: Path) -> None:
    orders = rows(landing, "orders")
    free = orders.filter(pc.equal(orders["quantity"], 0))
    assert free.num_rows == 8_869
    assert free["unit_price"].null_count == 8_869


def test_goods_that_the_catalogue_lacks_stay_in_the_orders(landing: Path) -> None:
    known = rows(landing, "catalog")["variant_id"]
    sold = rows(landing, "orders")["variant_id"]
    unknown = sold.filter(pc.invert(pc.is_in(sold, known.combine_chunks())))
    assert len(unknown) == 4_836
    assert len(pc.unique(unknown)) == 17


def test_every_product_stands_in_a_category_of_the_tree(landing: Path) -> None:
    tree = rows(landing, "categories")
    ids = tree["category_id"].to_pylist()
    assert len(ids) == len(set(ids))
    assert set(rows(landing, "catalog")["category_id"].to_pylist()) <= set(ids)
    assert set(tree["parent_id"].to_pylist()) - {None} <= set(ids)
    assert pc.max(pc.binary_length(tree["category_id"])).as_py() <= 256


def test_a_product_reads_like_a_product(landing: Path) -> None:
    catalog = rows(landing, "catalog")
    bananas = catalog.filter(pc.equal(catalog["variant_id"], "1082185")).to_pylist()[0]
    assert bananas["name"] == "Bananas, 40 lb"
    assert bananas["category_id"] == "produce/tropical-fruit/bananas"
    assert bananas["attributes"] == '{"brand_tier": "National", "package_size": "40 LB"}'


def test_beer_is_denied_everywhere_and_allowed_again_beside_wine(landing: Path) -> None:
    rules = rows(landing, "rules").to_pylist()
    beer = [rule for rule in rules if rule["candidate_value"] == "grocery/beers-ales"]
    assert [(rule["action"], rule["priority"]) for rule in beer if rule["anchor_by"] == "any"] == [("deny", 0)]
    allowed = {rule["anchor_value"] for rule in beer if rule["action"] == "allow"}
    assert {"grocery/domestic-wine", "grocery/imported-wine", "spirits/liquor"} <= allowed
    assert not any("pasta" in anchor or "cigar" in anchor for anchor in allowed)


def test_petrol_is_kept_apart_wherever_the_tree_hides_it(landing: Path) -> None:
    rules = rows(landing, "rules").to_pylist()
    fuel = {rule["candidate_value"] for rule in rules if rule["rule_id"].startswith("fuel-")}
    assert fuel == {
        "fuel/fuel",
        "fuel/coupon-misc-items/gasoline-reg-unleaded",
        "miscellaneous/coupon-misc-items/gasoline-reg-unleaded",
    }


def test_every_store_is_a_region_under_the_root(landing: Path) -> None:
    regions = rows(landing, "regions")
    assert regions.num_rows == 457
    assert regions["parent_id"].null_count == 457


def test_well_known_anchors_are_found_by_what_sells() -> None:
    anchors = complete_journey.well_known_anchors()
    assert list(anchors) == list(complete_journey.WELL_KNOWN)
    assert anchors["bananas"] == "1082185"


def test_a_folder_without_the_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="INPUT_MISSING"):
        complete_journey.write_landing(tmp_path / "landing", tmp_path)


def test_the_demo_shop_keeps_new_york_time() -> None:
    settings = load_settings(Path(__file__).parents[2] / "conf" / "demo.toml")
    assert (settings.preset, settings.shop.timezone, settings.shop.currency) == ("grocery", "America/New_York", "USD")
