"""Verify an update: the support of a few anchors counted again from silver, before anything is built on it."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.baskets import baskets, counted, view_baskets
from sidecart.contracts import silver, state
from sidecart.contracts.model import Contract
from sidecart.errors import StateError
from sidecart.extremes import excluded_baskets
from sidecart.pair_changes import with_differences
from sidecart.pairs import pair_support
from sidecart.storage.run import Run
from sidecart.storage.staging import Staging
from sidecart.verification import drawn_of_both, holding, mismatches, mismatches_in_words
from sidecart_jobs.count_history import planned

_EXAMPLES = 5
_SOURCES = {
    state.PAIR_SUPPORT: (silver.ORDER_LINES, "order_id"),
    state.VIEW_PAIR_SUPPORT: (silver.VIEWS, "session_id"),
}
"""Where silver says what a table of pairs counts, and what names a basket there."""


@dataclass(frozen=True)
class Updated:
    """A table of pairs that was added to, and the differences: its verification draws half of its anchors from them."""

    contract: Contract
    differences: DataFrame


def verify_update(run: Run, stage: Staging, *updates: Updated) -> None:
    """Raise StateError where the stored support of an anchor, in any region, is not what silver says; it names counts.

    `quality.verified_anchors` are drawn by the md5 of their ids and the run's, half of them of what the run changed.
    Who is extreme is taken from buyer_activity; `sidecart verify` finds that again too.
    """
    if run.settings.quality.verified_anchors:
        for updated in updates:
            _verify(run, stage, updated)


def _verify(run: Run, stage: Staging, updated: Updated) -> None:
    contract = updated.contract
    anchors = F.broadcast(stage.keep(f"{contract.name}_verified", _drawn(run, updated)))
    # As literals, so that only what holds them is read of the largest table: they are as few as a setting says.
    is_drawn = F.col("anchor").isin([row["anchor"] for row in anchors.collect()])
    around = stage.keep(f"{contract.name}_around", counted(_baskets_around(run, stage, contract, anchors)))
    counts = pair_support(around, run.read(silver.REGIONS), planned(run, around).shards)
    parts = (contract, state.CHANGES_OF[contract])
    stored = with_differences(*(run.read_stored(part).where(is_drawn) for part in parts))
    differing = mismatches(stored, counts.where(is_drawn))
    found = stage.keep(f"{contract.name}_differing", differing)
    words = mismatches_in_words(found, run.read(state.VARIANT_IDS), _EXAMPLES)
    if words:
        raise StateError(
            f"{contract.name}: {found.count():,} counts are not what silver says: {'; '.join(words)};"
            " count all of history with --mode full"
        )


def _drawn(run: Run, updated: Updated) -> DataFrame:
    """The anchors to count again: anchor."""
    wanted, ids = run.settings.quality.verified_anchors, run.read(state.VARIANT_IDS)
    root = F.col("region_id") == F.lit(run.settings.shop.root_region)
    every = run.read_stored(updated.contract).where(root)
    changed, held = (pool.select(F.col("anchor").alias("variant")).distinct() for pool in (updated.differences, every))
    return drawn_of_both(changed, held, ids, wanted, run.run_id)


def _baskets_around(run: Run, stage: Staging, contract: Contract, anchors: DataFrame) -> DataFrame:
    """Every basket that holds one of the anchors, as silver makes it, and why it may not count."""
    ids, settings = run.read(state.VARIANT_IDS), run.settings.baskets
    source, basket = _SOURCES[contract]
    rows = run.read(source)
    # Kept first: few as they are, they are then looked up without a shuffle of all history.
    named = stage.keep(f"{contract.name}_holding", holding(anchors, rows, ids, basket))
    around = rows.join(named, basket, "left_semi")
    if contract == state.VIEW_PAIR_SUPPORT:
        return view_baskets(around, ids, settings)
    return excluded_baskets(baskets(around, ids), run.read(state.BUYER_ACTIVITY), settings)
