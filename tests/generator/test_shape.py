"""The generated shops look like real ones: what was asked for is what one measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from sidecart.generator import Planted

Shop = tuple[Path, Planted]


def ask(shop: Shop, query: str) -> Any:
    """One value from the shop's landing files; `sales` leaves out extreme buyers and orders."""
    landing, _ = shop
    with duckdb.connect() as session:
        for name in ("orders", "catalog", "regions", "offers", "views"):
            session.execute(f"CREATE VIEW {name} AS FROM '{landing}/{name}/*.parquet'")
        for name in ("bananas", "extreme_buyers", "extreme_orders", "colour_matches"):
            session.execute(f"CREATE VIEW {name} AS FROM '{landing}/_planted/{name}.parquet'")
        session.execute("""
            CREATE VIEW sales AS FROM orders WHERE status = 'sale'
            AND order_id NOT IN (FROM extreme_orders)
            AND coalesce(buyer_id, 'guest') NOT IN (FROM extreme_buyers)
        """)
        session.execute("CREATE VIEW sizes AS SELECT order_id, count(*) AS lines FROM sales GROUP BY ALL")
        row = session.execute(query).fetchone()
    assert row is not None
    return row[0]


MEAN = "SELECT avg(lines) FROM sizes"
P99 = "SELECT quantile_cont(lines, 0.99) FROM sizes"
TOP_SHARE = """
    SELECT max(baskets) / (SELECT count(*) FROM sizes)
    FROM (SELECT count(*) AS baskets FROM sales GROUP BY variant_id)
"""
TAIL = """
    SELECT avg((coalesce(baskets, 0) < 5)::INT) FROM catalog
    LEFT JOIN (SELECT variant_id, count(*) AS baskets FROM sales GROUP BY ALL) USING (variant_id)
"""
GUESTS = "SELECT count(DISTINCT order_id) FILTER (buyer_id IS NULL) / count(DISTINCT order_id) FROM sales"
CANCELLED = "SELECT count(*) FILTER (status = 'cancel') / count(*) FILTER (status = 'sale') FROM orders"


def test_grocery_baskets_hold_eight_or_nine_things_and_some_hold_forty(small_grocery: Shop) -> None:
    assert ask(small_grocery, MEAN) == pytest.approx(8.5, rel=0.05)
    assert ask(small_grocery, P99) == pytest.approx(45, rel=0.15)


def test_fashion_baskets_hold_two_or_three_things(small_fashion: Shop) -> None:
    assert ask(small_fashion, MEAN) == pytest.approx(2.5, rel=0.06)
    assert ask(small_fashion, P99) == pytest.approx(9, abs=2)


def test_the_top_product_is_in_every_ninth_grocery_basket(small_grocery: Shop) -> None:
    assert ask(small_grocery, TOP_SHARE) == pytest.approx(0.11, abs=0.02)


def test_no_fashion_product_is_in_much_more_than_one_basket_of_a_hundred(small_fashion: Shop) -> None:
    assert ask(small_fashion, TOP_SHARE) == pytest.approx(0.01, abs=0.005)


def test_a_third_to_three_fifths_of_variants_are_in_fewer_than_five_baskets(
    small_grocery: Shop, small_fashion: Shop
) -> None:
    assert 0.34 <= ask(small_grocery, TAIL) <= 0.61
    assert 0.34 <= ask(small_fashion, TAIL) <= 0.61


def test_seven_orders_of_a_hundred_are_from_guests(small_grocery: Shop) -> None:
    assert ask(small_grocery, GUESTS) == pytest.approx(0.07, abs=0.01)


def test_two_lines_of_a_hundred_are_cancelled(small_grocery: Shop) -> None:
    assert ask(small_grocery, CANCELLED) == pytest.approx(0.02, abs=0.003)


def test_fashion_comes_back(small_fashion: Shop) -> None:
    returned = "SELECT count(*) FILTER (status = 'return') / count(*) FILTER (status = 'sale') FROM orders"
    assert ask(small_fashion, returned) == pytest.approx(0.10, abs=0.02)


def test_fifteen_fashion_orders_of_a_hundred_hold_two_variants_of_one_product(small_fashion: Shop) -> None:
    siblings = """
        WITH groups AS (
            SELECT order_id, group_id, count(*) AS held FROM sales JOIN catalog USING (variant_id) GROUP BY ALL
        )
        SELECT avg((most > 1)::INT) FROM (SELECT max(held) AS most FROM groups GROUP BY order_id)
    """
    assert ask(small_fashion, siblings) == pytest.approx(0.16, abs=0.03)


def test_things_bought_together_share_a_colour_more_often_than_chance(small_fashion: Shop) -> None:
    lift = """
        WITH coloured AS (
            SELECT order_id, group_id, attributes ->> '$.colour' AS colour FROM sales JOIN catalog USING (variant_id)
            WHERE variant_id NOT IN (SELECT anchor_id FROM colour_matches UNION SELECT candidate_id FROM colour_matches)
        ), pairs AS (
            SELECT a.colour AS one, b.colour AS other FROM coloured AS a JOIN coloured AS b USING (order_id)
            WHERE a.group_id <> b.group_id
        ), shares AS (SELECT count(*) / sum(count(*)) OVER () AS share FROM pairs GROUP BY one)
        SELECT avg((one = other)::INT) / (SELECT sum(share * share) FROM shares) FROM pairs
    """
    assert ask(small_fashion, lift) == pytest.approx(1.26, abs=0.08)


def test_several_regions_have_five_hundred_baskets_and_some_have_not(small_grocery: Shop) -> None:
    large = """
        SELECT count(*) FROM (SELECT region_id FROM sales GROUP BY 1 HAVING count(DISTINCT order_id) >= 500)
    """
    assert 5 <= ask(small_grocery, large) < 12


def test_the_poorest_region_offers_less_than_the_richest(small_grocery: Shop) -> None:
    offered = "SELECT count(*) / (SELECT count(*) FROM catalog) FROM offers WHERE region_id = '{}'"
    assert ask(small_grocery, offered.format("r0001")) == pytest.approx(0.92, abs=0.04)
    assert ask(small_grocery, offered.format("r0012")) == pytest.approx(0.58, abs=0.04)


def test_extreme_orders_hold_hundreds_of_lines(small_grocery: Shop) -> None:
    lines = """
        SELECT min(held) FROM (
            SELECT count(*) AS held FROM orders SEMI JOIN extreme_orders USING (order_id) GROUP BY order_id
        )
    """
    assert ask(small_grocery, lines) > 250


def test_a_shop_of_millions_of_lines_keeps_its_shape() -> None:
    from sidecart.generator.assortment import goods_of
    from sidecart.generator.settings import bench

    settings = bench(20_000_000)
    goods = goods_of(settings)
    assert settings.orders == 2_352_941
    assert (goods.expected < 4.5).mean() == pytest.approx(0.47, abs=0.08)
