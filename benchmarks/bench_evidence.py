"""How many pairs the evidence classes hold for real and for shuffled order lines of a released warehouse.

`python benchmarks/bench_evidence.py [--warehouse PATH] [--seeds N …] [--unit buyers|baskets]`, after `make demo`.
The warehouse is only read. Pairs are counted in both directions, as lists have them.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sidecart.baskets import counted
from sidecart.chance import shuffled_baskets
from sidecart.compatibility import CategoryCounts, category_compatibility
from sidecart.contracts import gold, silver, state
from sidecart.contracts.model import Contract
from sidecart.evidence import (
    ChanceInputs,
    evidence_thresholds,
    met_pairs,
    variant_stratum_support,
    with_evidence_class,
)
from sidecart.pairs import flat_pairs, pair_support
from sidecart.settings import Settings
from sidecart.settings_files import load_settings
from sidecart.storage.location import location_of
from sidecart.storage.releases import release_versions
from sidecart.storage.session import build_session
from sidecart.storage.warehouse import Warehouse

CACHE = Path(__file__).resolve().parents[1] / ".cache"


class Told(NamedTuple):
    """What to measure."""

    warehouse: Warehouse
    settings: Settings
    folder: str

    def read(self, contract: Contract) -> DataFrame:
        return self.warehouse.read(contract, release_versions(self.warehouse)[contract.name])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warehouse", default=str(CACHE / "demo" / "warehouse"))
    parser.add_argument(
        "--scratch",
        default=str(CACHE / "bench" / "evidence"),
        help="folder for the counted pairs; made, and left there",
    )
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--unit", choices=["buyers", "baskets"], default="buyers")
    told = parser.parse_args()
    if not Path(told.warehouse).is_dir():
        print(f"bench_evidence: no warehouse {told.warehouse}; `make demo` makes one")
        return
    spark = build_session("bench_evidence", "local[2]", driver_memory="4g", shuffle_partitions=4)
    general = load_settings(None)
    settings = replace(general, scoring=replace(general.scoring, support_unit=told.unit))
    shop = Told(Warehouse(spark, location_of(told.warehouse)), settings, told.scratch)
    for seed in [None, *told.seeds]:
        measure(shop, seed)


def measure(shop: Told, seed: int | None) -> None:
    """Print the classes of the shop's own baskets, or of the shuffle of a seed."""
    begun = time.monotonic()
    spark = shop.warehouse.spark
    baskets = counted(shop.read(state.BASKETS))
    if seed is not None:
        kept = f"{shop.folder}/baskets-{seed}"
        shuffled_baskets(baskets, seed).write.mode("overwrite").parquet(kept)
        baskets = spark.read.parquet(kept)
    inputs = _inputs(shop, baskets, seed)
    pairs = _kept(spark, f"{shop.folder}/pairs-{seed}", _root_pairs(shop, baskets))
    counted_at = time.monotonic()
    met = met_pairs(flat_pairs(pairs), inputs, shop.settings)
    thresholds = _kept(spark, f"{shop.folder}/thresholds-{seed}", evidence_thresholds(met, inputs, shop.settings))
    named_at = time.monotonic()
    classed = _kept(spark, f"{shop.folder}/classes-{seed}", with_evidence_class(met, thresholds))
    _tell(shop, baskets, classed, seed)
    print(
        f"  counted in {counted_at - begun:.0f} s, thresholds {named_at - counted_at:.0f} s,"
        f" classes {time.monotonic() - named_at:.0f} s",
        flush=True,
    )


def _inputs(shop: Told, baskets: DataFrame, seed: int | None) -> ChanceInputs:
    spark, facts = shop.warehouse.spark, shop.read(state.VARIANT_FACTS)
    counts = CategoryCounts.of(baskets, facts, shop.settings.compatibility)
    measured = category_compatibility(counts, shop.settings.compatibility)
    kept = {"strata": counts.strata, "compatibility": measured, "variants": variant_stratum_support(baskets)}
    read = {name: _kept(spark, f"{shop.folder}/{name}-{seed}", frame) for name, frame in kept.items()}
    return ChanceInputs(read["variants"], read["strata"], facts, read["compatibility"])


def _root_pairs(shop: Told, baskets: DataFrame) -> DataFrame:
    root = shop.settings.shop.root_region
    regions = shop.read(silver.REGIONS).where(F.col("region_id") == root)
    return pair_support(baskets.withColumn("region_id", F.lit(root)), regions, shards=16)


def _tell(shop: Told, baskets: DataFrame, classed: DataFrame, seed: int | None) -> None:
    by_class = {row[0]: row[1] for row in classed.groupBy("evidence_class").count().collect()}
    sold = baskets.select(F.explode("variants")).distinct().count()
    known = shop.read(state.VARIANT_FACTS).count()
    let_through = 2 * (by_class.get("strong", 0) + by_class.get("likely", 0))
    both = {name: f"{2 * count:,}" for name, count in sorted(by_class.items())}
    print(
        f"{'as sold' if seed is None else f'seed {seed}'}: {both}; strong and likely per anchor sold"
        f" {let_through / sold:.4f} ({sold:,}), per anchor {let_through / known:.4f} ({known:,})"
    )
    if seed is None:
        _tell_lists(shop, classed)


def _tell_lists(shop: Told, classed: DataFrame) -> None:
    """Of the rows of the root's base lists up to rank 10, how many have each class."""
    facts = shop.read(state.VARIANT_FACTS).select("variant_id", "variant")
    lists = shop.read(gold.SHORTLISTS).where(
        (F.col("region_id") == shop.settings.shop.root_region) & (F.col("rank") <= 10)
    )
    sides = [
        facts.withColumnsRenamed({"variant_id": f"{side}_id", "variant": side}) for side in ("anchor", "candidate")
    ]
    shown = lists.join(sides[0], "anchor_id").join(sides[1], "candidate_id")
    once = shown.select(
        F.least("anchor", "candidate").alias("anchor"), F.greatest("anchor", "candidate").alias("candidate")
    )
    found = once.join(classed, ["anchor", "candidate"], "left").groupBy("evidence_class").count().collect()
    total = sum(row[1] for row in found)
    print(f"  of {total:,} rows of top tens: { ({row[0]: f'{row[1] / total:.3f}' for row in found}) }")


def _kept(spark: SparkSession, folder: str, frame: DataFrame) -> DataFrame:
    frame.write.mode("overwrite").parquet(folder)
    return spark.read.parquet(folder)


if __name__ == "__main__":
    main()
