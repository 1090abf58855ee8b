"""sidecart by its own definition: a buyer counts once, at every node of the region tree, with what evidence needs."""

from __future__ import annotations

from pyspark.sql import functions as F

from sidecart.compatibility import basket_strata
from sidecart.evidence import variant_stratum_support
from sidecart.pairs import region_support
from sidecart_steps import ROOT, counted, lists, session, stored
from told import told


def main() -> None:
    given = told()
    spark = session(given)
    lines = spark.read.parquet(given.lines)
    baskets = lines.groupBy("basket", "buyer_key", "region_id").agg(
        F.array_sort(F.collect_list("variant")).alias("variants")
    )
    regions = spark.read.parquet(given.lines.replace("lines/*", "regions"))
    kept = stored(baskets, given, "baskets")
    met = counted(kept, regions, given)
    for name, table in (
        ("region_support", region_support(kept, regions)),
        ("basket_strata", basket_strata(kept)),
        ("variant_stratum_support", variant_stratum_support(kept)),
    ):
        stored(table, given, name)
    stored(lists(met.where(F.col("region_id") == ROOT), "pair_buyers"), given, "lists")
    spark.stop()


main()
