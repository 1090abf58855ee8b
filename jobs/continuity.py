"""Continuity: a run goes on from the newest release, neither back in time nor over days of which nothing came."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.contracts.runs import RELEASES
from sidecart.errors import StateError
from sidecart.ingest.parsing import Moment, moment_of
from sidecart.storage.releases import newest_release
from sidecart.storage.run import Run


def require_next(run: Run) -> None:
    """Raise StateError for a run whose id was published before, or that speaks of a day before the newest release's."""
    if not run.warehouse.exists(RELEASES):
        return
    releases = run.read(RELEASES)
    again = releases.where(F.col("run_id") == F.lit(run.run_id)).first()
    if again is not None:
        raise StateError(
            f"run {run.run_id} was published as {again['release_id']} already; give another --run-id, or none:"
            " files that were read are not read again"
        )
    newest, now = _newest_day(run), _day(run, run.as_of)
    if newest is not None and now < newest:
        raise StateError(
            f"--as-of {now} lies before {newest}, of which {newest_release(run.warehouse)} speaks: late orders need no"
            " earlier moment; to go back, show an older release with `sidecart releases --rollback`, or count into a"
            " new warehouse"
        )


def require_no_gap(run: Run, order_events_new: DataFrame) -> None:
    """Raise StateError where the new orders leave out more than `ingest.max_gap_days` days in a row after the newest
    release's moment: their files are missing.
    """
    limit, newest = run.settings.ingest.max_gap_days, _newest_day(run)
    if limit == "none" or newest is None:
        return
    day = F.to_date(F.from_utc_timestamp("ordered_at", run.settings.shop.timezone)).alias("day")
    days = order_events_new.select(day).where(F.col("day") > F.lit(newest)).distinct()
    last = newest
    for row in days.orderBy("day").collect():
        left_out = (row["day"] - last).days - 1
        if left_out > limit:
            raise StateError(
                f"no orders between {last + timedelta(days=1)} and {row['day'] - timedelta(days=1)} ({left_out} days,"
                f" ingest.max_gap_days is {limit}): hand over the files of these days too, or raise it where the shop"
                " was closed"
            )
        last = row["day"]


def _newest_day(run: Run) -> date | None:
    """The day in the shop that the newest release speaks of."""
    wanted = newest_release(run.warehouse)
    if wanted is None:
        return None
    of_release = run.read(RELEASES).where(F.col("release_id") == F.lit(wanted))
    row = of_release.select(F.unix_micros("as_of").alias("at")).first()
    return _day(run, moment_of(row["at"])) if row else None


def _day(run: Run, moment: datetime) -> date:
    return Moment(moment, run.settings).day
