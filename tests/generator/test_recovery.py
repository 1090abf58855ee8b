"""What was planted can be found again: the standard score, by brute force in another engine."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from sidecart.generator import Planted

Shop = tuple[Path, Planted]

FACTS = """
CREATE TABLE goods AS
SELECT variant_id AS variant, group_id AS grp, regexp_replace(category_id, '-t[0-9]+$', '') AS shelf
FROM '{landing}/catalog/*.parquet';
CREATE TABLE items AS SELECT DISTINCT order_id, coalesce(buyer_id, 'guest ' || order_id) AS buyer, variant_id AS variant
FROM '{landing}/orders/*.parquet' WHERE status = 'sale'
AND order_id NOT IN (FROM '{landing}/_planted/extreme_orders.parquet')
AND coalesce(buyer_id, 'guest') NOT IN (FROM '{landing}/_planted/extreme_buyers.parquet');
CREATE TABLE support AS SELECT variant, count(DISTINCT buyer) AS n FROM items GROUP BY ALL;
CREATE TABLE pairs AS SELECT a.variant AS anchor, b.variant AS candidate, count(DISTINCT a.buyer) AS c
FROM items AS a JOIN items AS b ON a.order_id = b.order_id AND a.variant <> b.variant GROUP BY ALL;
CREATE TABLE sizes AS SELECT order_id, count(*) AS k, least(count(*), 41) // 6 AS stratum FROM items GROUP BY ALL;
CREATE TABLE strata AS SELECT stratum, count(*) AS baskets, avg(k) AS k FROM sizes GROUP BY ALL;
CREATE TABLE held AS SELECT DISTINCT order_id, shelf, stratum
FROM items JOIN goods USING (variant) JOIN sizes USING (order_id);
CREATE TABLE shelves AS SELECT shelf, stratum, count(*) AS n FROM held GROUP BY ALL;
CREATE TABLE observed AS SELECT a.shelf AS one, b.shelf AS other, count(*) AS o
FROM held AS a JOIN held AS b USING (order_id) WHERE a.shelf <> b.shelf GROUP BY ALL;
CREATE TABLE lifts AS SELECT a.shelf AS one, b.shelf AS other,
(coalesce(any_value(o), 0) + 20) / (sum(a.n * b.n / baskets * (1 - 1 / k)) + 20) AS lift
FROM shelves AS a JOIN shelves AS b ON a.stratum = b.stratum AND a.shelf <> b.shelf
JOIN strata ON strata.stratum = a.stratum
LEFT JOIN observed ON observed.one = a.shelf AND observed.other = b.shelf GROUP BY a.shelf, b.shelf;
"""

TOP_10 = """
WITH scored AS (
    SELECT p.anchor, p.candidate, gb.grp AS grp, ga.shelf AS anchor_shelf,
    p.c / a.n / pow(b.n + 30, $exponent) * sqrt(coalesce(lift, 1)) AS score
    FROM pairs AS p JOIN support AS a ON a.variant = p.anchor JOIN support AS b ON b.variant = p.candidate
    JOIN goods AS ga ON ga.variant = p.anchor JOIN goods AS gb ON gb.variant = p.candidate
    LEFT JOIN lifts ON one = ga.shelf AND other = gb.shelf
    WHERE ga.grp <> gb.grp AND p.c >= ceil(pow(greatest(1, 1.15 / coalesce(lift, 1)), 4))
), one_per_group AS (
    FROM scored QUALIFY row_number() OVER (PARTITION BY anchor, grp ORDER BY score DESC, candidate) = 1
)
FROM one_per_group QUALIFY row_number() OVER (PARTITION BY anchor ORDER BY score DESC, candidate) <= 10
"""


def lists(shop: Shop, exponent: float) -> duckdb.DuckDBPyConnection:
    """A session with the table `shown`: the ten best candidates of every anchor."""
    session = duckdb.connect()
    session.execute(FACTS.format(landing=shop[0]))
    session.execute(f"CREATE TABLE shown AS {TOP_10}", {"exponent": exponent})
    return session


def share_found(session: duckdb.DuckDBPyConnection, truth: Path) -> float:
    query = f"""
        SELECT avg((shown.candidate IS NOT NULL)::INT) FROM '{truth}' AS truth
        LEFT JOIN shown ON shown.anchor = anchor_id AND shown.candidate = candidate_id
    """
    return float(session.execute(query).fetchall()[0][0])


def banana_share(session: duckdb.DuckDBPyConnection, planted: Path) -> float:
    """Share of lists with a banana among those whose shelf has nothing to do with any banana's."""
    query = f"""
        WITH bananas AS (
            SELECT variant, shelf FROM goods JOIN '{planted}/bananas.parquet' ON variant_id = variant
        ), related AS (
            SELECT category_id AS one, complement_id AS other FROM '{planted}/related.parquet'
            UNION SELECT complement_id, category_id FROM '{planted}/related.parquet'
            UNION SELECT shelf, shelf FROM goods
        ), slots AS (
            SELECT anchor, bananas.variant AS banana
            FROM (SELECT DISTINCT anchor, anchor_shelf FROM shown) AS listed, bananas
            WHERE NOT EXISTS (FROM related WHERE one = anchor_shelf AND other = bananas.shelf)
        ), lists AS (
            SELECT slots.anchor, max((shown.candidate IS NOT NULL)::INT) AS has_banana FROM slots
            LEFT JOIN shown ON shown.anchor = slots.anchor AND shown.candidate = banana GROUP BY ALL
        )
        SELECT avg(has_banana) FROM lists
    """
    return float(session.execute(query).fetchall()[0][0])


@pytest.mark.parametrize("segment", ["small_grocery", "small_fashion"])
def test_planted_complements_stand_in_the_top_ten_of_the_standard_profile(
    segment: str, request: pytest.FixtureRequest
) -> None:
    shop: Shop = request.getfixturevalue(segment)
    with lists(shop, 0.5) as session:
        assert share_found(session, shop[1].folder / "complements.parquet") >= 0.95
        assert share_found(session, shop[1].folder / "colour_matches.parquet") >= 0.95


def test_bananas_hardly_appear_in_unrelated_lists_of_the_banana_profile(small_grocery: Shop) -> None:
    with lists(small_grocery, 0.7) as session:
        assert banana_share(session, small_grocery[1].folder) < 0.05


def test_without_popularity_reduction_bananas_are_everywhere(small_grocery: Shop) -> None:
    with lists(small_grocery, 0.0) as session:
        assert banana_share(session, small_grocery[1].folder) > 0.5
