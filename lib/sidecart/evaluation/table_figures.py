"""Table figures: what a whole table of lists shows, before any basket is asked.

Of top tens of live anchors at the root: every list weighs the same, but for the bestseller share and the slots of the
most shown, where a list weighs as often as its page is met: by its anchor's baskets in the judged window, or the
newest ones where none is judged. And of the pages that buyers met, by the lists that hold where they bought.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sidecart.evaluation.category_logic import ILLOGIC, LOGIC
from sidecart.evaluation.gains import TOP
from sidecart.evaluation.item_page import EVERY_BUCKET
from sidecart.evaluation.listed import holding
from sidecart.variants import with_bestsellers

MOST = 20
"""Most shown candidates that are watched."""


def assortment(facts: DataFrame, live: DataFrame, met: DataFrame, support_unit: str) -> DataFrame:
    """One row per variant: variant, category_id, met, is_live and is_bestseller.

    `live`: variant_id of what the root sells now. `met`: variant and met, how often its page is; 0 where it lacks
    one. Bestsellers are the twenty with the largest support in training.
    """
    sold = live.select("variant_id", F.lit(True).alias("is_live")).distinct()
    known = with_bestsellers(facts, support_unit).join(sold, "variant_id", "left")
    weighed = known.join(met, "variant", "left").fillna(False, ["is_live"]).fillna(0, ["met"])
    return weighed.select("variant", "category_id", "met", "is_live", "is_bestseller")


def table_figures(listed: DataFrame, assortment: DataFrame, relations: DataFrame) -> DataFrame:
    """One row per (table, metric): table_name, metric, value and n, what it is a share or a mean of."""
    shown = _shown(listed, assortment)
    live = assortment.agg(F.count_if("is_live").alias("live"))
    parts = (
        _of_lists(shown, live),
        _of_exposure(shown, live),
        _of_categories(shown, relations),
        _of_neighbours(shown, assortment),
    )
    return reduce(DataFrame.unionByName, parts)


def met_pages(baskets: DataFrame) -> DataFrame:
    """One row per page that a buyer of these baskets met: region_id, region_size, anchor and met, in how many of them.

    In: baskets with their region_size (item_page.with_region_size).
    """
    return (
        baskets.select("region_id", "region_size", F.explode("variants").alias("anchor"))
        .groupBy("region_id", "region_size", "anchor")
        .agg(F.count(F.lit(1)).alias("met"))
    )


def met_figures(listed: DataFrame, met_pages: DataFrame, assortment: DataFrame) -> DataFrame:
    """One row per (table, bucket, metric) of the pages met, each by the list that holds in its region.

    Of all pages, and of those of regions of each size. bestseller_share is of the pages with a list, full_lists of all.
    """
    best = F.broadcast(assortment.select(F.col("variant").alias("candidate"), "is_bestseller"))
    top = listed.where(F.col("rank") <= TOP).join(best, "candidate")
    lists = top.groupBy("table_name", "region_id", "anchor").agg(
        F.count(F.lit(1)).alias("candidates"), F.max("is_bestseller").alias("has_bestseller")
    )
    counted = (
        _in_buckets(holding(lists, met_pages, ["anchor"]))
        .groupBy("table_name", "bucket")
        .agg(
            F.sum("met").alias("with_list"),
            _sum_where(F.col("candidates") >= TOP, F.col("met")).alias("full"),
            _sum_where(F.col("has_bestseller"), F.col("met")).alias("with_bestseller"),
        )
    )
    return _figures(
        counted.join(F.broadcast(_in_buckets(met_pages).groupBy("bucket").agg(F.sum("met").alias("met"))), "bucket"),
        keys=("table_name", "bucket"),
        bestseller_share=("with_bestseller", "with_list"),
        full_lists=("full", "met"),
    )


def _in_buckets(pages: DataFrame) -> DataFrame:
    return pages.withColumn("bucket", F.explode(F.array(F.lit(EVERY_BUCKET), F.col("region_size"))))


def _shown(listed: DataFrame, assortment: DataFrame) -> DataFrame:
    """The slots of live anchors' top tens, with what is known of both sides."""
    anchors = assortment.where("is_live").select(
        F.col("variant").alias("anchor"),
        F.col("category_id").alias("anchor_category"),
        F.col("met").alias("anchor_met"),
    )
    candidates = assortment.select(
        F.col("variant").alias("candidate"),
        F.col("category_id").alias("candidate_category"),
        "is_live",
        "is_bestseller",
    )
    top = listed.where(F.col("rank") <= TOP)
    return top.join(F.broadcast(anchors), "anchor").join(F.broadcast(candidates), "candidate")


def _of_lists(shown: DataFrame, live: DataFrame) -> DataFrame:
    """Share of lists with a bestseller, and of live anchors with a full list."""
    lists = shown.groupBy("table_name", "anchor", "anchor_met").agg(
        F.count(F.lit(1)).alias("candidates"), F.max("is_bestseller").alias("has_bestseller")
    )
    counted = lists.groupBy("table_name").agg(
        F.count_if(F.col("candidates") >= TOP).alias("full"),
        F.sum("anchor_met").alias("met"),
        _sum_where(F.col("has_bestseller"), F.col("anchor_met")).alias("with_bestseller"),
    )
    return _figures(
        counted.crossJoin(F.broadcast(live)),
        bestseller_share=("with_bestseller", "met"),
        full_lists=("full", "live"),
    )


def _of_exposure(shown: DataFrame, live: DataFrame) -> DataFrame:
    """Reach, Gini of exposure over all that is live (never shown counts as zero), most shown, dead slots."""
    exposed = shown.groupBy("table_name", "candidate", "is_live").agg(
        F.count(F.lit(1)).alias("lists"), F.sum("anchor_met").alias("met")
    )
    by_lists = Window.partitionBy("table_name").orderBy("lists", "candidate")
    most_met = Window.partitionBy("table_name").orderBy(F.col("met").desc(), "candidate")
    ranked = exposed.withColumns(
        {
            "place": F.sum(F.col("is_live").cast("int")).over(by_lists),
            "place_from_top": F.row_number().over(most_met),
        }
    )
    lists, is_live = F.col("lists"), F.col("is_live")
    counted = ranked.groupBy("table_name").agg(
        F.sum("lists").alias("slots"),
        F.sum("met").alias("slots_met"),
        _sum_where(F.col("place_from_top") <= MOST, F.col("met")).alias("most_shown"),
        _sum_where(~is_live, lists).alias("dead"),
        F.count_if(is_live).alias("reached"),
        _sum_where(is_live, lists).alias("live_slots"),
        _sum_where(is_live, lists * F.col("place")).alias("placed"),
    )
    whole = counted.crossJoin(F.broadcast(live)).withColumn("uneven", _uneven())
    return _figures(
        whole,
        reach=("reached", "live"),
        gini=("uneven", "live"),
        top20_slots=("most_shown", "slots_met"),
        dead_slots=("dead", "slots"),
    )


def _sum_where(condition: Column, amount: Column) -> Column:
    return F.coalesce(F.sum(F.when(condition, amount)), F.lit(0))


def _uneven() -> Column:
    """Gini times n: (2 sum(i x_i) / sum(x)) - (n + 1), x ascending over n live variants, n - reached of them zero."""
    never_shown = F.col("live") - F.col("reached")
    return 2 * (F.try_divide("placed", "live_slots") + never_shown) - (F.col("live") + 1)


def _of_categories(shown: DataFrame, relations: DataFrame) -> DataFrame:
    """Share of slots whose categories belong together, and share of those that avoid each other."""
    pairs = shown.groupBy(
        "table_name", F.col("anchor_category").alias("category_a"), F.col("candidate_category").alias("category_b")
    ).agg(F.count(F.lit(1)).alias("slots"))
    related = pairs.join(F.broadcast(relations), ["category_a", "category_b"], "left")
    counted = related.groupBy("table_name").agg(
        F.sum("slots").alias("slots"),
        *(_sum_where(F.col("relation") == relation, F.col("slots")).alias(relation) for relation in (LOGIC, ILLOGIC)),
    )
    return _figures(counted, logic=(LOGIC, "slots"), illogic=(ILLOGIC, "slots"))


def _of_neighbours(shown: DataFrame, assortment: DataFrame) -> DataFrame:
    """Overlap of the top tens of two anchors of one category, neighbours in the order of their md5."""
    in_turn = Window.partitionBy("category_id").orderBy(F.md5(F.col("variant").cast("string")))
    pairs = (
        assortment.where("is_live AND category_id IS NOT NULL")
        .select(F.col("variant").alias("anchor"), F.lead("variant").over(in_turn).alias("neighbour"))
        .where("neighbour IS NOT NULL")
    )
    lists = shown.groupBy("table_name", "anchor").agg(F.collect_set("candidate").alias("candidates"))
    of_neighbours = lists.select("table_name", F.col("anchor").alias("neighbour"), F.col("candidates").alias("others"))
    met = lists.join(F.broadcast(pairs), "anchor").join(of_neighbours, ["table_name", "neighbour"])
    counted = met.groupBy("table_name").agg(
        F.sum(F.size(F.array_intersect("candidates", "others"))).alias("shared"),
        (F.count(F.lit(1)) * TOP).alias("slots"),
    )
    return _figures(counted, overlap_in_category=("shared", "slots"))


def _figures(counted: DataFrame, keys: tuple[str, ...] = ("table_name",), **shares: tuple[str, str]) -> DataFrame:
    """One row per table (or what the keys say) and figure: the first column over the second."""
    rows = [
        F.struct(
            F.lit(metric).alias("metric"),
            F.try_divide(F.col(part).cast("double"), F.col(whole).cast("double")).alias("value"),
            F.col(whole).cast("bigint").alias("n"),
        )
        for metric, (part, whole) in shares.items()
    ]
    return counted.select(*keys, F.inline(F.array(*rows)))
