"""Plan: what counting a release's orders takes, and what another basket cap would make of it."""

from __future__ import annotations

import argparse

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.baskets import counted
from sidecart.contracts import state
from sidecart.count_plan import CountPlan
from sidecart.extremes import EXTREME_USER, pairs_among
from sidecart.settings_files import settings_from
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.warehouse import Warehouse
from sidecart_cli.reading import analysts_session
from sidecart_jobs.count_history import planned

_HEAVIEST = 5


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What a plan must know beside its release."""
    command.add_argument("--cap", type=int, help="plan as if baskets.max_basket_variants were this")
    command.set_defaults(do=plan)


def plan(told: argparse.Namespace) -> None:
    """Print the plan of a release's count; pairs are not counted. Raises SettingsError for a cap no shop may have."""
    if told.cap is not None:
        settings_from({"baskets": {"max_basket_variants": told.cap}}, "--cap")
    reader = ReleaseReader(Warehouse(analysts_session(), told.warehouse), told.release)
    baskets = within(reader.read(state.BASKETS), told.cap)
    found = planned(reader, baskets)
    print("\n".join([*_in_buckets(found), *_heaviest_buyers(baskets), *_heaviest_anchors(reader, baskets)]))


def within(baskets: DataFrame, cap: int | None) -> DataFrame:
    """The baskets that would be counted under another cap; under their own without one."""
    if cap is None:
        return counted(baskets)
    return baskets.where((F.size("variants") <= cap) & ~F.col("exclusion").eqNullSafe(EXTREME_USER))


def _in_buckets(plan: CountPlan) -> list[str]:
    total = max(plan.pair_events, 1)
    lines = [plan.in_words(), "by variants in a basket:"]
    for least, baskets, events in plan.events_by_bucket():
        lines.append(f"  from {least:>5,} {baskets:>14,} baskets {events:>18,} pair events {events / total:>7.1%}")
    return lines


def _heaviest_buyers(baskets: DataFrame) -> list[str]:
    events = F.sum(pairs_among(F.size("variants").cast("bigint"))).cast("bigint").alias("pair_events")
    buyers = baskets.groupBy("buyer_key").agg(events, F.count(F.lit(1)).alias("baskets"))
    rows = buyers.orderBy(F.col("pair_events").desc(), "buyer_key").limit(_HEAVIEST).collect()
    limits = "those left out are in the view extremes"
    return [f"buyers with the most pair events ({limits}):"] + [
        f"  {row['buyer_key']}: {row['pair_events']:,} in {row['baskets']:,} baskets" for row in rows
    ]


def _heaviest_anchors(reader: ReleaseReader, baskets: DataFrame) -> list[str]:
    held = baskets.select(F.explode("variants").alias("variant"), (F.size("variants") - 1).alias("others"))
    anchors = held.groupBy("variant").agg(F.sum("others").alias("pair_events"), F.count(F.lit(1)).alias("baskets"))
    ids = reader.read(state.VARIANT_IDS).select("variant", "variant_id")
    heaviest = anchors.orderBy(F.col("pair_events").desc(), "variant").limit(_HEAVIEST).join(ids, "variant")
    rows = heaviest.orderBy(F.col("pair_events").desc(), "variant").collect()
    return ["anchors with the most pair events:"] + [
        f"  {row['variant_id']}: {row['pair_events']:,} in {row['baskets']:,} baskets" for row in rows
    ]
