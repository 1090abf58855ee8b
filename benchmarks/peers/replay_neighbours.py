"""RePlay's item neighbours: lists by the cosine of the same counts; it gives no pairs."""

from __future__ import annotations

from pyspark.sql import functions as F
from replay.models import ItemKNN

from replay_datasets import dataset
from spark_sessions import session
from told import DEPTH, told


def main() -> None:
    given = told()
    spark = session(given)
    model = ItemKNN(num_neighbours=DEPTH)
    model.fit(dataset(spark, given))
    lists = model.similarity.select(
        F.col("item_idx_one").alias("anchor"),
        F.col("item_idx_two").alias("candidate"),
        F.col("similarity").alias("score"),
    )
    lists.write.parquet(f"{given.out}/lists")
    spark.stop()


main()
