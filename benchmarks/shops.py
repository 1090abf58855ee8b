"""Shops to count: generated ones and Complete Journey, as lines/*.parquet (basket, variant, buyer_key, region_id), the
same lines as baskets.parquet (buyer_key, region_id, variants ascending), and regions.parquet (region_id, path).
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from sidecart.adapters import complete_journey
from sidecart.generator.settings import bench
from sidecart.generator.shop import write_shop
from sidecart.settings import BasketSettings

ROOT = Path(__file__).resolve().parents[1]
COMPLETE_JOURNEY = "complete_journey"
ROOT_REGION = "root"

_LINES = """
CREATE TEMP TABLE sold AS SELECT order_id, variant_id, buyer_id, region_id
FROM read_parquet('{landing}/orders/*.parquet') WHERE order_id IS NOT NULL AND status = 'sale';
CREATE TEMP TABLE ids AS SELECT variant_id, row_number() OVER (ORDER BY variant_id)::INT AS variant
FROM (SELECT DISTINCT variant_id FROM sold);
CREATE TEMP TABLE baskets AS SELECT order_id, row_number() OVER (ORDER BY order_id) AS basket,
       coalesce(buyer, 'guest:' || order_id) AS buyer_key, region_id
FROM (
    SELECT order_id, any_value(buyer_id) AS buyer, any_value(region_id) AS region_id FROM sold
    GROUP BY order_id HAVING count(DISTINCT variant_id) <= {cap}
);
COPY (
    SELECT DISTINCT basket, variant, buyer_key, region_id FROM sold JOIN ids USING (variant_id)
    JOIN (SELECT order_id, basket, buyer_key FROM baskets) USING (order_id) ORDER BY basket, variant
) TO '{folder}/lines' (FORMAT parquet, PER_THREAD_OUTPUT);
COPY (
    SELECT any_value(buyer_key) AS buyer_key, any_value(region_id) AS region_id,
           list(variant ORDER BY variant) AS variants
    FROM '{folder}/lines/*.parquet' GROUP BY basket
) TO '{folder}/baskets.parquet';
COPY (
    WITH RECURSIVE tree AS (
        SELECT '{root}' AS region_id, ['{root}'] AS path
        UNION ALL
        SELECT r.region_id, list_append(tree.path, r.region_id)
        FROM read_parquet('{landing}/regions/*.parquet') r JOIN tree ON coalesce(r.parent_id, '{root}') = tree.region_id
        WHERE r.region_id <> '{root}'
    ) SELECT * FROM tree
) TO '{folder}/regions.parquet'
"""
"""Guests are buyers of their own; a basket above the cap leaves every statistic, as it does in the chain."""


def shop(name: str, folder: Path) -> Path:
    """The folder of a shop, made where it is not there yet: a number of lines, or COMPLETE_JOURNEY."""
    here = folder / name
    if (here / "regions.parquet").is_file():
        return here
    shutil.rmtree(here, ignore_errors=True)
    here.mkdir(parents=True)
    landing = here / "landing"
    if name == COMPLETE_JOURNEY:
        complete_journey.write_landing(landing)
    else:
        write_shop(landing, bench(int(name)))
    cap = BasketSettings().max_basket_variants
    engine = duckdb.connect()
    engine.execute(f"SET temp_directory = '{here}/spilt'")
    engine.execute("SET memory_limit = '8GB'")
    engine.execute(_LINES.format(landing=landing, folder=here, cap=cap, root=ROOT_REGION))
    shutil.rmtree(landing)
    return here
