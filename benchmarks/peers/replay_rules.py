"""RePlay's association rules of pairs; counts are its confidence times the anchor's baskets."""

from __future__ import annotations

from pyspark.sql import functions as F
from replay.models import AssociationRulesItemRec

from replay_datasets import dataset
from spark_sessions import best_of, session
from told import told


def main() -> None:
    given = told()
    spark = session(given)
    model = AssociationRulesItemRec("basket", min_item_count=1, min_pair_count=1, num_neighbours=None)
    model.fit(dataset(spark, given))
    held = spark.read.parquet(given.lines).groupBy(F.col("variant").alias("anchor")).agg(F.count("*").alias("held"))
    rules = model.similarity.select(
        F.col("item_idx_one").alias("anchor"), F.col("item_idx_two").alias("candidate"), "confidence"
    )
    counted = rules.join(F.broadcast(held), "anchor")
    pairs = counted.select(
        "anchor", "candidate", F.round(F.col("confidence") * F.col("held")).cast("int").alias("baskets")
    )
    pairs.write.parquet(f"{given.out}/pairs")
    best_of(spark.read.parquet(f"{given.out}/pairs"), "baskets").write.parquet(f"{given.out}/lists")
    spark.stop()


main()
