"""Who is left out of counts, and what the whole shop's lists would be with them."""

from __future__ import annotations

import argparse
from uuid import uuid4

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sidecart.contracts import state
from sidecart.extremes_effect import changed_lists, first_ten, pairs_added, with_extremes
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.staging import Staging, staging
from sidecart.storage.views import register_views, release_settings
from sidecart.storage.warehouse import Warehouse
from sidecart_cli.reading import analysts_session
from sidecart_jobs.build_shortlists import list_inputs, scoring_parameters
from sidecart_jobs.count_history import planned

_EXAMPLES = 5


def extremes(told: argparse.Namespace) -> None:
    """Print what was left out of a release, and what that changed; counts the whole shop's pairs once more."""
    spark = analysts_session()
    reader = ReleaseReader(Warehouse(spark, told.warehouse), told.release)
    register_views(reader)
    print("\n".join(left_out(spark)))
    with staging(spark, reader.warehouse.location, f"extremes-{uuid4().hex}") as stage:
        print("\n".join(effect(reader, stage)))


def left_out(spark: SparkSession) -> list[str]:
    """A line per reason, of the registered release."""
    found = spark.sql(
        "SELECT reason_code, count(*) AS buyers, sum(share_of_pair_events) AS share FROM extremes GROUP BY 1 ORDER BY 1"
    ).collect()
    lines = ["Left out of every count (table buyer_activity, view extremes):"]
    for row in found:
        what = "all their baskets" if row["reason_code"] == "EXTREME_USER" else "only baskets above the cap"
        share = f"{row['share']:.1%} of all pair events are theirs"
        lines.append(f"  {row['reason_code']}: {row['buyers']:,} buyers, {what}; {share}")
    return lines if found else [*lines, "  nobody"]


def effect(reader: ReleaseReader, stage: Staging) -> list[str]:
    """What counting everything would change at the root: pairs, lists, and the lists that differ most."""
    settings, inputs, parameters = release_settings(reader), list_inputs(reader), scoring_parameters(reader)
    everything = reader.read(state.BASKETS)
    plan = planned(reader, everything)
    whole = with_extremes(inputs, everything, plan.shards, settings, stage.keep)
    released = first_ten(inputs, parameters, settings)
    changed = stage.keep("changed", changed_lists(released, first_ten(whole, parameters, settings)))
    pairs = pairs_added(inputs.at_root(inputs.pair_support), whole.pair_support).collect()[0]
    lists = changed.agg(
        F.count(F.lit(1)).alias("lists"),
        F.count_if((F.col("lost") > 0) | (F.col("gained") > 0)).alias("changed"),
        F.coalesce(F.sum("slots"), F.lit(0)).alias("slots"),
        F.coalesce(F.sum("lost"), F.lit(0)).alias("lost"),
    ).collect()[0]
    gone = f"{lists['lost']:,} of {lists['slots']:,} candidates would be gone"
    return [
        "With them counted, at the root, by the released parameters, before fills, diversity and rules:",
        f"  pairs: {_part(pairs['added'], pairs['pairs'])} nobody else bought",
        f"  lists: {_part(lists['changed'], lists['lists'])} have others among their first ten; {gone}",
        *_most_changed(reader, changed),
    ]


def _most_changed(reader: ReleaseReader, changed: DataFrame) -> list[str]:
    facts = reader.read(state.VARIANT_FACTS).select(F.col("variant").alias("anchor"), "variant_id")
    names = reader.warehouse.spark.table("catalog").select("variant_id", "name")
    first = changed.where("lost > 0").join(facts, "anchor").join(names, "variant_id")
    rows = first.orderBy(F.col("lost").desc(), "variant_id").limit(_EXAMPLES).collect()
    return [f"  {row['name']} [{row['variant_id']}]: {row['lost']} of {row['slots']} gone" for row in rows]


def _part(part: int, whole: int) -> str:
    share = f"{part / whole:.1%}" if whole else "none"
    return f"{part:,} of {whole:,} ({share})"
