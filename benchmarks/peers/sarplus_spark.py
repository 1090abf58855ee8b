"""sarplus, Microsoft's SAR on Spark: joint baskets as its item similarity, then the best of each anchor."""

from __future__ import annotations

from pysarplus import SARPlus
from pyspark.sql import functions as F

from spark_sessions import best_of, session
from told import told


def main() -> None:
    given = told()
    spark = session(given)
    lines = spark.read.parquet(given.lines).select("basket", "variant", F.lit(1.0).alias("rating"))
    model = SARPlus(
        spark, col_user="basket", col_item="variant", col_rating="rating", similarity_type="cooccurrence", threshold=1
    )
    model.fit(lines)
    met = model.item_similarity.where("i1 <> i2").select(
        F.col("i1").alias("anchor"), F.col("i2").alias("candidate"), F.col("value").cast("int").alias("baskets")
    )
    met.write.parquet(f"{given.out}/pairs")
    best_of(spark.read.parquet(f"{given.out}/pairs"), "baskets").write.parquet(f"{given.out}/lists")
    spark.stop()


main()
