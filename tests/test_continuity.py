"""Continuity: what a run may go on from, and what it says where it can't."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from builders import Shop
from sidecart.contracts import silver
from sidecart.errors import StateError
from sidecart.settings import IngestSettings, Settings, ShopSettings
from sidecart.storage.run import Run
from sidecart.storage.warehouse import Warehouse
from sidecart_jobs.continuity import require_next, require_no_gap

FIFTH = datetime(2026, 1, 5, 12, tzinfo=UTC)


def _released(shop: Shop, warehouse: Path) -> Run:
    """A shop whose newest release speaks of noon on January 5th."""
    run = Run.start(Warehouse(shop.spark, str(warehouse)), Settings(), FIFTH)
    run.write(silver.REGIONS, shop.regions("root > oslo"))
    run.publish()
    return run


def _on(run: Run, moment: datetime, run_id: str | None = None, **ingest: object) -> Run:
    settings = replace(Settings(), ingest=IngestSettings(**ingest))  # type: ignore[arg-type]
    return Run.start(run.warehouse, settings, moment, run_id)


def test_a_run_goes_on_from_the_day_of_the_newest_release(shop: Shop, warehouse: Path) -> None:
    require_next(Run.start(Warehouse(shop.spark, str(warehouse)), Settings(), FIFTH))
    released = _released(shop, warehouse)
    require_next(_on(released, FIFTH.replace(hour=3)))
    require_next(_on(released, FIFTH.replace(month=7)))
    with pytest.raises(StateError, match=r"--as-of 2026-01-04 lies before 2026-01-05, of which release-"):
        require_next(_on(released, FIFTH.replace(day=4)))


def test_the_day_is_the_shops(shop: Shop, warehouse: Path) -> None:
    released = _released(shop, warehouse)
    in_tokyo = replace(Settings(), shop=ShopSettings(timezone="Asia/Tokyo"))
    # Half past three at night of the 5th, in UTC still the 4th.
    require_next(Run.start(released.warehouse, in_tokyo, datetime(2026, 1, 4, 18, 30, tzinfo=UTC)))


def test_a_run_that_was_published_is_not_begun_again(shop: Shop, warehouse: Path) -> None:
    released = _released(shop, warehouse)
    with pytest.raises(StateError, match=rf"run {released.run_id} was published as {released.release_id} already"):
        require_next(_on(released, FIFTH.replace(day=6), released.run_id))


_GAPS = {
    "04 06 07": None,
    "07 08": None,
    "08": "between 2026-01-06 and 2026-01-07 (2 days, ingest.max_gap_days is 1)",
    "06 10": "between 2026-01-07 and 2026-01-09 (3 days, ingest.max_gap_days is 1)",
    "01": None,
    "": None,
}
"""Days of January of which orders came after the release of the 5th, to what is said to be missing."""


def test_days_of_which_nothing_came_stop_a_run(shop: Shop, warehouse: Path) -> None:
    run = _on(_released(shop, warehouse), datetime(2026, 1, 10, tzinfo=UTC), max_gap_days=1)
    for days, missing in _GAPS.items():
        orders = [{"order_id": day, "ordered_at": datetime(2026, 1, int(day), 9, tzinfo=UTC)} for day in days.split()]
        events = shop.frame(silver.ORDER_EVENTS, *orders)
        if missing is None:
            require_no_gap(run, events)
        else:
            with pytest.raises(StateError, match=re.escape(missing)):
                require_no_gap(run, events)
    of_the_tenth = shop.frame(silver.ORDER_EVENTS, {"ordered_at": run.as_of})
    require_no_gap(_on(run, run.as_of, max_gap_days="none"), of_the_tenth)
