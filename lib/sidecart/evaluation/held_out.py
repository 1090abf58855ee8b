"""Held-out baskets: what lists are made from and what they are judged on never meet.

Two kinds of split. By time: everything before a moment is training, the baskets of the window after it are judged.
By buyers: one in five buyers leaves training with all of history, and only their baskets of the window are judged,
so that nobody whose baskets are judged had a say in the lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.baskets import GUEST_PREFIX, within_cap

WITHHELD_ONE_IN = 5
"""One buyer in so many leaves training where a split is by buyers."""


@dataclass(frozen=True)
class Split:
    """A window of held-out baskets: ordered after `begins_at` and up to `ends_at`."""

    name: str
    begins_at: datetime
    ends_at: datetime
    is_by_buyers: bool = False
    """Whether only buyers without any history are judged."""


def splits(as_of: datetime, days: int = 28) -> dict[str, Split]:
    """The splits by name: `test` is the last `days` before `as_of`, `validation` as many days before that.

    Parameters are chosen on the validation windows and reported on the test windows; `_new_buyers` are the same
    windows judged by buyers without history.
    """
    window = timedelta(days=days)
    begins = {"test": as_of - window, "validation": as_of - 2 * window}
    timed = [Split(name, at, at + window) for name, at in begins.items()]
    by_buyers = [Split(f"{s.name}_new_buyers", s.begins_at, s.ends_at, is_by_buyers=True) for s in timed]
    return {split.name: split for split in (*timed, *by_buyers)}


def training_lines(order_lines: DataFrame, split: Split, history_days: int | None = None) -> DataFrame:
    """The order lines that lists may be made from (contract order_lines): all before, or those of so many days."""
    before = order_lines.where(F.col("ordered_at") <= F.lit(split.begins_at))
    if history_days is not None:
        before = before.where(F.col("ordered_at") > F.lit(split.begins_at - timedelta(days=history_days)))
    buyer = F.coalesce("buyer_key", F.concat(F.lit(GUEST_PREFIX), "order_id"))
    return before.where(~is_withheld(buyer)) if split.is_by_buyers else before


def training_views(views: DataFrame, split: Split) -> DataFrame:
    """The views that lists may be made from (contract views); one without a buyer stays."""
    before = views.where(F.col("viewed_at") <= F.lit(split.begins_at))
    return before.where(~F.coalesce(is_withheld(F.col("buyer_key")), F.lit(False))) if split.is_by_buyers else before


def in_window(baskets: DataFrame, split: Split) -> DataFrame:
    """The baskets of the window within the basket cap, of any size and buyer (contract baskets).

    Extreme buyers too: what they buy must not move the counts, but they meet the pages as others do.
    """
    after, until = F.lit(split.begins_at), F.lit(split.ends_at)
    return within_cap(baskets).where((F.col("ordered_at") > after) & (F.col("ordered_at") <= until))


def held_out_baskets(baskets: DataFrame, split: Split) -> DataFrame:
    """The baskets that are judged (contract baskets): those in_window of two variants and more."""
    judged = in_window(baskets, split).where(F.size("variants") >= 2)
    return judged.where(is_withheld(F.col("buyer_key"))) if split.is_by_buyers else judged


def is_withheld(buyer: Column) -> Column:
    """Whether the buyer is one of those that leave training: by a hash of the key, so the same on every engine."""
    return F.conv(F.substring(F.md5(buyer), 1, 8), 16, 10).cast("bigint") % WITHHELD_ONE_IN == 0
