"""Pairs that borrow from their groups, against counting variants only and groups only, on held-out baskets.

`python benchmarks/bench_variants.py [fashion | online_retail] [--seed N] [--days N] [--settings FILE]`. The newest
orders are held out; sidecart ingests and counts the others and lends. Per (held-out basket, anchor in it) a list of ten
by c'/n_i/(n_j + 30)^.5, one variant per group, is judged against the basket's other variants of other groups: NDCG@10.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
from pyspark.sql import DataFrame

from sidecart.adapters import online_retail
from sidecart.attribute_lift import attribute_lift
from sidecart.contracts import state
from sidecart.generator.settings import small
from sidecart.generator.shop import write_shop
from sidecart.group_support import GroupEvidence, backed_off_pairs
from sidecart.ingest.buyers import KEY_VARIABLE
from sidecart.pairs import flat_pairs
from sidecart.settings import Settings
from sidecart.settings_files import load_settings
from sidecart.storage.run import Run
from sidecart.storage.session import build_session
from sidecart.storage.warehouse import Warehouse
from sidecart_jobs.count_history import count_history
from sidecart_jobs.ingest_landing import ingest_landing

FOLDER = Path(__file__).resolve().parents[1] / ".cache" / "bench_variants"

_CUT = """
SELECT coalesce(max(ordered_at) - to_days({days}), quantile_disc(ordered_at, 0.8)),
    date_trunc('day', max(ordered_at)) + INTERVAL 1 DAY
FROM read_parquet('{landing}/orders/*.parquet') WHERE status = 'sale'
"""
_HISTORY = """
COPY (SELECT * FROM read_parquet('{landing}/orders/*.parquet') WHERE ordered_at < TIMESTAMPTZ '{cut}')
TO '{history}/orders/part-0.parquet'
"""
_FACTS = """
CREATE TABLE facts AS SELECT variant, variant_id, group_id, buyers, sum(buyers) OVER of_group AS group_buyers,
    count(*) OVER of_group > 1 AS has_siblings
FROM read_parquet('{folder}/facts/*.parquet') WHERE buyers > 0 WINDOW of_group AS (PARTITION BY group_id)
"""
_TARGETS = """
CREATE TABLE held AS SELECT order_id, unnest(variants) AS variant FROM (
    SELECT order_id, list(DISTINCT variant) AS variants FROM read_parquet('{landing}/orders/*.parquet')
    JOIN facts USING (variant_id)
    WHERE status = 'sale' AND order_id IS NOT NULL AND ordered_at >= TIMESTAMPTZ '{cut}'
    GROUP BY order_id HAVING len(variants) <= 100
);
CREATE TABLE targets AS SELECT order_id, a.variant AS anchor, b.variant AS candidate, c.has_siblings
FROM held a JOIN held b USING (order_id) JOIN facts f ON f.variant = a.variant JOIN facts c ON c.variant = b.variant
WHERE f.group_id <> c.group_id;
"""
_SCORED = {
    "back-off": """
        SELECT anchor, candidate, group_id, effective_support / (buyers + 30) ^ .5 AS score, group_rank AS place
        FROM read_parquet('{folder}/backed_off/*.parquet') JOIN facts ON variant = candidate""",
    "variants only": """
        SELECT anchor, candidate, c.group_id, pair_buyers / (c.buyers + 30) ^ .5 AS score, 1 AS place
        FROM read_parquet('{folder}/pairs/*.parquet') JOIN facts a ON a.variant = anchor
        JOIN facts c ON c.variant = candidate WHERE a.group_id <> c.group_id""",
    "groups only": """
        SELECT f.variant AS anchor, standing.variant AS candidate, met.group_id,
            support / (standing.group_buyers + 30) ^ .5 AS score, 1 AS place
        FROM (
            SELECT a.group_id AS anchor_group_id, b.group_id, sum(pair_buyers) AS support
            FROM read_parquet('{folder}/pairs/*.parquet') JOIN facts a ON a.variant = anchor
            JOIN facts b ON b.variant = candidate WHERE a.group_id <> b.group_id GROUP BY ALL
        ) met JOIN facts f ON f.group_id = anchor_group_id JOIN (
            FROM facts QUALIFY row_number() OVER (PARTITION BY group_id ORDER BY buyers DESC, variant) = 1
        ) standing ON standing.group_id = met.group_id""",
}
_NDCG = """
WITH best AS (
    SELECT s.* FROM ({scored}) s JOIN facts ON variant = candidate WHERE {wanted}
    QUALIFY row_number() OVER (PARTITION BY anchor, s.group_id ORDER BY place, score DESC, candidate) = 1
), lists AS (
    SELECT *, row_number() OVER (PARTITION BY anchor ORDER BY score DESC, candidate) AS rank FROM best
    QUALIFY rank <= 10
), judged AS (
    SELECT order_id, anchor, count(*) AS targets, coalesce(sum(1 / log2(rank + 1)), 0) AS gain
    FROM targets LEFT JOIN lists USING (anchor, candidate) WHERE {wanted} GROUP BY order_id, anchor
)
SELECT avg(gain / list_sum([1 / log2(place + 1) FOR place IN range(1, least(targets, 10) + 1)])), count(*) FROM judged
"""


def main() -> int:
    """0 always: the numbers are for people."""
    told = _arguments()
    settings = load_settings(told.settings)
    shutil.rmtree(FOLDER, ignore_errors=True)
    landing, history = FOLDER / "landing", FOLDER / "history"
    _write_landing(told, landing)
    engine = duckdb.connect()
    engine.execute("SET TimeZone = 'UTC'; SET memory_limit = '2GB'")
    days = told.days if told.shop == "online_retail" else "NULL"
    cut, as_of = engine.execute(_CUT.format(landing=landing, days=days)).fetchall()[0]
    shutil.copytree(landing, history, ignore=shutil.ignore_patterns("orders"))
    (history / "orders").mkdir()
    engine.execute(_HISTORY.format(landing=landing, history=history, cut=cut))
    _lend(history, settings, as_of)
    engine.execute(_FACTS.format(folder=FOLDER))
    engine.execute(_TARGETS.format(landing=landing, cut=cut))
    for wanted, name in (("true", "all targets"), ("has_siblings", "targets in groups of several variants")):
        _say(engine, wanted, name)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("shop", nargs="?", choices=("fashion", "online_retail"), default="fashion")
    parser.add_argument("--seed", type=int, default=1, help="which generated fashion shop; a fifth of it is held out")
    parser.add_argument("--days", type=int, default=28, help="newest days of Online Retail to hold out")
    parser.add_argument("--settings", type=Path, help="a shop's TOML file")
    return parser.parse_args()


def _write_landing(told: argparse.Namespace, landing: Path) -> None:
    if told.shop == "online_retail":
        online_retail.write_landing(landing)
    else:
        write_shop(landing, replace(small("fashion", told.seed), views_per_line=0.0))


def _lend(history: Path, settings: Settings, as_of: datetime) -> None:
    """Run sidecart's stages on history and leave facts, pairs and backed-off pairs as Parquet."""
    os.environ.setdefault(KEY_VARIABLE, "a key for the benchmark")
    spark = build_session("bench", driver_memory="3g")
    run = Run.start(Warehouse(spark, str(FOLDER / "warehouse")), settings, as_of)
    ingest_landing(run, history)
    count_history(run)
    facts, group_pairs = run.read(state.VARIANT_FACTS), run.read(state.GROUP_PAIR_SUPPORT)
    pairs = flat_pairs(run.read(state.PAIR_SUPPORT).where(f"region_id = '{settings.shop.root_region}'"))
    _keep("facts", facts)
    _keep("pairs", pairs)
    lifts = _keep("lifts", attribute_lift(pairs, group_pairs, facts, settings))
    for row in lifts.where("category_a = '*'").orderBy("attribute").collect():
        print(f"{row['attribute']}: agreeing {row['lift_same']:.2f}, differing {row['lift_other']:.2f}")
    _keep("backed_off", backed_off_pairs(pairs, GroupEvidence(group_pairs, lifts, facts), settings))
    spark.stop()


def _keep(name: str, frame: DataFrame) -> DataFrame:
    frame.write.parquet(str(FOLDER / name))
    return frame.sparkSession.read.parquet(str(FOLDER / name))


def _say(engine: duckdb.DuckDBPyConnection, wanted: str, name: str) -> None:
    found = {}
    lists = 0
    for who, scored in _SCORED.items():
        query = _NDCG.format(scored=scored.format(folder=FOLDER), wanted=wanted)
        found[who], lists = engine.execute(query).fetchall()[0]
    print(f"NDCG@10 of {lists:,} lists, {name}")
    for who, ndcg in found.items():
        print(f"  {who:<14} {ndcg:.4f}   back-off is {found['back-off'] / ndcg - 1:+.1%}")


if __name__ == "__main__":
    sys.exit(main())
