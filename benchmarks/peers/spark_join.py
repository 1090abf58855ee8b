"""Spark SQL: the self-join anyone would write."""

from __future__ import annotations

from pyspark.sql import functions as F

from spark_sessions import best_of, session
from told import told


def main() -> None:
    given = told()
    spark = session(given)
    lines = spark.read.parquet(given.lines).select("basket", "variant")
    low, high = lines.withColumnRenamed("variant", "low"), lines.withColumnRenamed("variant", "high")
    met = low.join(high, "basket").where("low < high").groupBy("low", "high")
    half = met.agg(F.count(F.lit(1)).cast("int").alias("baskets"))
    half.select(F.col("low").alias("anchor"), F.col("high").alias("candidate"), "baskets").write.parquet(
        f"{given.out}/half"
    )
    half = spark.read.parquet(f"{given.out}/half")
    other_way = half.select(F.col("candidate").alias("anchor"), F.col("anchor").alias("candidate"), "baskets")
    half.unionByName(other_way).write.parquet(f"{given.out}/pairs")
    best_of(spark.read.parquet(f"{given.out}/pairs"), "baskets").write.parquet(f"{given.out}/lists")
    spark.stop()


main()
