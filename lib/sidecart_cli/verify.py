"""Verify: a release's support counted again from its order lines and views, and every count that is another one."""

from __future__ import annotations

import argparse
from uuid import uuid4

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.contracts import silver, state
from sidecart.contracts.model import Contract
from sidecart.errors import StorageError
from sidecart.pairs import pair_support, pairs_met
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.staging import Staging, staging
from sidecart.storage.views import release_settings
from sidecart.storage.warehouse import Warehouse
from sidecart.verification import (
    History,
    baskets_of,
    counted_orders,
    counted_views,
    drawn_anchors,
    held_in,
    mismatches,
    mismatches_in_words,
)
from sidecart_cli.reading import analysts_session
from sidecart_jobs.count_history import planned

_ANCHORS = 100
_EXAMPLES = 20


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What to verify beside the release."""
    command.add_argument(
        "--anchors",
        type=_positive,
        default=_ANCHORS,
        help=f"how many to recount, drawn anew for a release ({_ANCHORS})",
    )
    command.add_argument("--all", action="store_true", help="recount every anchor")
    command.set_defaults(do=verify)


def verify(told: argparse.Namespace) -> None:
    """Print what was recounted; raises StorageError where a stored count is another one, after naming them."""
    reader = ReleaseReader(Warehouse(analysts_session(), told.warehouse), told.release)
    settings = release_settings(reader).baskets
    history = History(reader.read(silver.ORDER_LINES), reader.read(silver.VIEWS), reader.read(state.VARIANT_IDS))
    wrong = 0
    with staging(reader.warehouse.spark, reader.warehouse.location, f"verify-{uuid4().hex}") as stage:
        for contract, source in ((state.PAIR_SUPPORT, counted_orders), (state.VIEW_PAIR_SUPPORT, counted_views)):
            found = stage.keep(f"{contract.name}_baskets", source(history, settings))
            wrong += _verify(reader, contract, found, stage, None if told.all else told.anchors)
    if wrong:
        raise StorageError(
            f"{wrong:,} stored counts of {reader.release_id} are not what its order lines and views say;"
            " the next `sidecart run` counts anew, `sidecart releases --rollback` shows an older release until then"
        )


def _verify(reader: ReleaseReader, contract: Contract, found: DataFrame, stage: Staging, anchors: int | None) -> int:
    """How many counts of the table are others."""
    stored = reader.read(contract)
    if anchors is not None:
        drawn = drawn_anchors(held_in(found), reader.read(state.VARIANT_IDS), anchors, reader.release_id or "")
        sample = F.broadcast(stage.keep(f"{contract.name}_anchors", drawn))
        found, stored = baskets_of(sample, found), stored.join(sample, "anchor", "left_semi")
    counts = pair_support(found, reader.read(silver.REGIONS), planned(reader, found).shards)
    if anchors is not None:
        counts = counts.join(sample, "anchor", "left_semi")
    recounted = stage.keep(contract.name, counts)
    differing = stage.keep(f"{contract.name}_mismatches", mismatches(stored, recounted))
    wrong = differing.count()
    looked = recounted.agg(
        F.count_distinct("anchor").alias("anchors"),
        F.count_distinct("region_id").alias("regions"),
        F.coalesce(F.sum(pairs_met()), F.lit(0)).alias("pairs"),
    ).collect()[0]
    verdict = f"{wrong:,} counts differ" if wrong else "all as stored"
    print(
        f"{contract.name}: {looked['anchors']:,} anchors in {looked['regions']:,} regions,"
        f" {looked['pairs']:,} pairs recounted, {verdict}"
    )
    for words in mismatches_in_words(differing, reader.read(state.VARIANT_IDS), _EXAMPLES):
        print(f"  {words}")
    return wrong


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
