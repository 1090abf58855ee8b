"""Chance: the shop's own order lines dealt out anew, so that nobody who buys two things together means it."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def shuffled_baskets(baskets: DataFrame, seed: int) -> DataFrame:
    """One row per basket with the variants that chance deals to it (columns as given; variants ascending).

    All lines of all baskets are put in the order of a hash of (seed, order, variant) and dealt to the places of all
    baskets in the order of their ids, so basket sizes and the popularity of every variant stay. A variant that comes
    twice to one basket stays once: on a grocery's baskets that loses one line in 170. Every pair then is chance.

    For tests and audits: numbering all lines is work of one task.
    """
    lines = baskets.select("order_id", F.explode("variants").alias("variant"))
    places = lines.select("order_id", F.row_number().over(Window.orderBy("order_id", "variant")).alias("place"))
    mixed = F.sha2(F.concat_ws(":", F.lit(seed), "order_id", "variant"), 256)
    dealt = lines.select("variant", F.row_number().over(Window.orderBy(mixed, "order_id", "variant")).alias("place"))
    hands = (
        places.join(dealt, "place").groupBy("order_id").agg(F.array_sort(F.collect_set("variant")).alias("variants"))
    )
    return baskets.drop("variants").join(hands, "order_id").select(*baskets.columns)
