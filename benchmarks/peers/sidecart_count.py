"""sidecart: baskets, pair support and lists as Delta tables, each basket a buyer of its own in the root region."""

from __future__ import annotations

from pyspark.sql import functions as F

from sidecart_steps import ROOT, counted, lists, session, stored
from told import told


def main() -> None:
    given = told()
    spark = session(given)
    lines = spark.read.parquet(given.lines)
    baskets = lines.groupBy(F.col("basket").cast("string").alias("buyer_key")).agg(
        F.array_sort(F.collect_list("variant")).alias("variants"), F.lit(ROOT).alias("region_id")
    )
    regions = spark.createDataFrame([(ROOT, [ROOT])], "region_id STRING, path ARRAY<STRING>")
    met = counted(stored(baskets, given, "baskets"), regions, given)
    stored(lists(met, "pair_baskets"), given, "lists")
    spark.stop()


main()
