"""What a run found, printed for people: lists, the same lists by raw counts, what was left out, where to look next."""

from __future__ import annotations

import textwrap
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sidecart_cli.reading import analysts_session
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.views import register_views
from sidecart.storage.warehouse import Warehouse

_SHOWN = 5


def show(warehouse: Path, anchors: dict[str, str]) -> None:
    """Print the tour of a warehouse's newest release; `anchors` are labels and variant ids."""
    spark = analysts_session()
    register_views(ReleaseReader(Warehouse(spark, str(warehouse))))
    regions = _two_regions(spark)
    lists = _lists(spark, regions, list(anchors.values()))
    raw = _raw_lists(spark, list(anchors.values()))
    for label, anchor in anchors.items():
        for region, title in regions.items():
            _print_list(label, title, lists.get((region, anchor), []), raw.get(anchor, []))
    _print_extremes(spark)
    _print_next(warehouse)


def _two_regions(spark: SparkSession) -> dict[str, str]:
    """The root, and the region with most baskets below it."""
    found = spark.sql(
        "SELECT region_id, r.name, s.baskets FROM regions r LEFT JOIN region_support s USING (region_id)"
        " ORDER BY r.depth > 0, s.baskets DESC NULLS LAST, region_id LIMIT 2"
    ).collect()
    return {row["region_id"]: f"{row['name']} ({row['baskets'] or 0:,} baskets)" for row in found}


def _lists(spark: SparkSession, regions: dict[str, str], anchors: list[str]) -> dict[tuple[str, str], list[str]]:
    """(region, anchor) to lines of the final list."""
    shown = (
        spark.table("why")
        .where(F.col("region_id").isin(*regions) & F.col("anchor_id").isin(anchors) & (F.col("rank") <= _SHOWN))
        .orderBy("region_id", "anchor_id", "rank")
    )
    lists: dict[tuple[str, str], list[str]] = {}
    for row in shown.collect():
        lists.setdefault((row["region_id"], row["anchor_id"]), []).append(f"{row['candidate']}  ({row['because']})")
    return lists


def _raw_lists(spark: SparkSession, anchors: list[str]) -> dict[str, list[str]]:
    """anchor to what most buyers had with it, whole shop, without popularity normalisation."""
    root = spark.table("regions").where("depth = 0").select("region_id")
    met = spark.table("pairs").where(F.col("anchor_id").isin(anchors)).join(root, "region_id", "left_semi")
    named = met.join(spark.table("catalog").select(F.col("variant_id").alias("candidate_id"), "name"), "candidate_id")
    lists: dict[str, list[str]] = {}
    for row in _first_by_count(named).collect():
        lists.setdefault(row["anchor_id"], []).append(f"{row['name']}  ({row['pair_buyers']:,} buyers)")
    return lists


def _first_by_count(named: DataFrame) -> DataFrame:
    from pyspark.sql import Window

    order = Window.partitionBy("anchor_id").orderBy(F.col("pair_buyers").desc(), "candidate_id")
    ranked = named.withColumn("place", F.row_number().over(order)).where(F.col("place") <= _SHOWN)
    return ranked.orderBy("anchor_id", "place")


def _print_list(label: str, region: str, lines: list[str], raw: list[str]) -> None:
    print(f"\n{label}, {region}")
    for rank, line in enumerate(lines, 1):
        print(textwrap.shorten(f"  {rank}. {line}", 200, placeholder=" …"))
    if not lines:
        print("  no list")
    print("  by raw counts it would be: " + "; ".join(raw))


def _print_extremes(spark: SparkSession) -> None:
    left_out = spark.sql(
        "SELECT reason_code, count(*) AS buyers, sum(share_of_pair_events) AS share FROM extremes GROUP BY 1 ORDER BY 1"
    ).collect()
    print("\nLeft out of every count (table buyer_activity, view extremes):")
    for row in left_out:
        what = "all their baskets" if row["reason_code"] == "EXTREME_USER" else "only baskets above the cap"
        print(
            f"  {row['reason_code']}: {row['buyers']:,} buyers, {what}; {row['share']:.1%} of all pair events are theirs"
        )


def _print_next(warehouse: Path) -> None:
    print(f"\nThe tables are in {warehouse}. Where to look next:")
    print(f"  .venv/bin/sidecart sql --warehouse {warehouse}   a SQL prompt; SELECT * FROM dictionary explains it all")
    print(f"  .venv/bin/sidecart export shortlists_resolved lists.parquet --warehouse {warehouse}")
