"""What a run found, printed for people: lists, the same lists by raw counts, what was left out, where to look next."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from sidecart.storage.releases import ReleaseReader
from sidecart.storage.views import register_views
from sidecart.storage.warehouse import Warehouse
from sidecart_cli import extremes
from sidecart_cli.reading import analysts_session

_SHOWN = 5
_PLACES = 2


def show(warehouse: Path, anchors: dict[str, str]) -> None:
    """Print the tour of a warehouse's newest release; `anchors` are labels and variant ids."""
    spark = analysts_session()
    register_views(ReleaseReader(Warehouse(spark, str(warehouse))))
    places = _places(spark, list(anchors.values()))
    with ThreadPoolExecutor() as pool:
        shown = pool.submit(_lists, spark, places)
        counted = pool.submit(_raw_lists, spark, list(anchors.values()))
        left_out = pool.submit(extremes.left_out, spark)
    lists, raw = shown.result(), counted.result()
    for label, anchor in anchors.items():
        for region, title in places[anchor].items():
            _print_list(label, title, lists.get((region, anchor), []))
        print("  by raw counts, whole shop, it would be: " + "; ".join(raw.get(anchor, [])))
    print("\n" + "\n".join(left_out.result()))
    _print_next(warehouse)


def _places(spark: SparkSession, anchors: list[str]) -> dict[str, dict[str, str]]:
    """Anchor to the root and the region with most baskets that sells it: region ids and titles."""
    found = spark.sql(
        "SELECT variant_id, region_id, r.name, s.baskets, r.depth FROM offers"
        " JOIN regions r USING (region_id) JOIN region_support s USING (region_id)"
    ).where(F.col("variant_id").isin(anchors))
    root = spark.sql(
        "SELECT region_id, r.name, baskets FROM regions r JOIN region_support USING (region_id) WHERE depth = 0"
    ).first()
    places: dict[str, dict[str, str]] = {anchor: {} for anchor in anchors}
    if root:
        places = {anchor: {root["region_id"]: _title(root)} for anchor in anchors}
    for row in found.where("depth > 0").orderBy(F.col("baskets").desc(), "region_id").collect():
        if len(places[row["variant_id"]]) < _PLACES:
            places[row["variant_id"]][row["region_id"]] = _title(row)
    return places


def _title(region: Row) -> str:
    return f"{region['name']} ({region['baskets']:,} baskets)"


def _lists(spark: SparkSession, places: dict[str, dict[str, str]]) -> dict[tuple[str, str], list[str]]:
    """(region, anchor) to lines of the final list."""
    regions = {region for of_anchor in places.values() for region in of_anchor}
    shown = (
        spark.table("why")
        .where(F.col("region_id").isin(regions) & F.col("anchor_id").isin(*places) & (F.col("rank") <= _SHOWN))
        .orderBy("region_id", "anchor_id", "rank")
    )
    lists: dict[tuple[str, str], list[str]] = {}
    for row in shown.collect():
        line = f"{row['candidate']} [{row['candidate_id']}]: {row['because']}"
        lists.setdefault((row["region_id"], row["anchor_id"]), []).append(line)
    return lists


def _raw_lists(spark: SparkSession, anchors: list[str]) -> dict[str, list[str]]:
    """Anchor to what most buyers had with it, whole shop, without popularity normalisation."""
    root = spark.table("regions").where("depth = 0").select("region_id")
    met = spark.table("pairs").where(F.col("anchor_id").isin(anchors)).join(root, "region_id", "left_semi")
    named = met.join(spark.table("catalog").select(F.col("variant_id").alias("candidate_id"), "name"), "candidate_id")
    lists: dict[str, list[str]] = {}
    for row in _first_by_count(named).collect():
        lists.setdefault(row["anchor_id"], []).append(f"{row['name']} ({row['pair_buyers']:,})")
    return lists


def _first_by_count(named: DataFrame) -> DataFrame:
    from pyspark.sql import Window

    order = Window.partitionBy("anchor_id").orderBy(F.col("pair_buyers").desc(), "candidate_id")
    ranked = named.withColumn("place", F.row_number().over(order)).where(F.col("place") <= _SHOWN)
    return ranked.orderBy("anchor_id", "place")


def _print_list(label: str, region: str, lines: list[str]) -> None:
    print(f"\n{label}, {region}")
    for rank, line in enumerate(lines, 1):
        print(f"  {rank}. {line}")
    if not lines:
        print("  no candidate passed")


def _print_next(warehouse: Path) -> None:
    print(f"\nThe tables are in {warehouse}. Where to look next:")
    print(f"  .venv/bin/sidecart sql --warehouse {warehouse}   a SQL prompt; its view dictionary explains every column")
    print(f"  .venv/bin/sidecart export shortlists_resolved lists.parquet --warehouse {warehouse}")
