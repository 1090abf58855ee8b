"""FPGrowth of Spark MLlib: it finds sets of any size, so it is asked only for what many baskets hold.

Not the same work: pairs below the floor are not there, and it can't be told to stop at pairs.
"""

from __future__ import annotations

import math

from pyspark.ml.fpm import FPGrowth
from pyspark.sql import functions as F

from spark_sessions import best_of, session
from told import told

SHARE = 0.002
"""Of all baskets, those that must hold a set."""


def main() -> None:
    given = told()
    spark = session(given)
    baskets = spark.read.parquet(given.lines).groupBy("basket").agg(F.collect_list("variant").alias("items"))
    baskets.write.parquet(f"{given.out}/baskets")
    stored = spark.read.parquet(f"{given.out}/baskets")
    found = FPGrowth(itemsCol="items", minSupport=SHARE, minConfidence=0.0).fit(stored).freqItemsets
    half = found.where("size(items) = 2").select(
        F.element_at("items", 1).alias("anchor"), F.element_at("items", 2).alias("candidate"), F.col("freq").cast("int")
    )
    half = half.withColumnRenamed("freq", "baskets")
    other_way = half.select(F.col("candidate").alias("anchor"), F.col("anchor").alias("candidate"), "baskets")
    half.unionByName(other_way).write.parquet(f"{given.out}/pairs")
    best_of(spark.read.parquet(f"{given.out}/pairs"), "baskets").write.parquet(f"{given.out}/lists")
    (given.out / "floor").write_text(str(math.ceil(SHARE * stored.count())), encoding="ascii")
    spark.stop()


main()
