"""The gift wholesaler's last two months, a day at a time: each day an increment on all that came before."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from chains import buyer_key
from recounts import require_equal_to_recount
from sidecart.adapters import online_retail
from sidecart.settings import QualitySettings, Settings, ShopSettings
from sidecart.storage.run import Run
from sidecart.storage.warehouse import Warehouse
from sidecart_jobs.arguments import CountMode
from sidecart_jobs.ingest_landing import ingest_landing
from sidecart_jobs.update_pairs import update_pairs

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.data]

FIRST_DAY = date(2011, 7, 1)
RECOUNTED = 10
"""Days between the first and the last that are compared with a recount, as the last one is."""
SETTINGS = Settings(
    shop=ShopSettings(timezone=online_retail.ZONE, currency="GBP"),
    quality=QualitySettings(audits="off", scorecard=False),
)
_LOG = logging.getLogger("sidecart.replay")


@dataclass
class Wholesaler:
    """The landing folder of a shop that hands over each day's order lines in the night."""

    landing: Path
    orders: pa.Table
    warehouse: Warehouse

    def days(self) -> list[date]:
        """The days of the last two months on which something was ordered or taken back."""
        days: list[date] = pc.unique(_day_of(self.orders)).to_pylist()
        return sorted(day for day in days if day >= FIRST_DAY)

    def traded(self, first: date, last: date, mode: CountMode) -> Run:
        """A run that ends on the evening of `last`, with the lines since `first`."""
        day = _day_of(self.orders)
        lines = self.orders.filter(pc.and_(pc.greater_equal(day, first), pc.less_equal(day, last)))
        pq.write_table(lines, self.landing / "orders" / f"{last}.parquet")
        begun = time.monotonic()
        run = Run.start(self.warehouse, SETTINGS, datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(1))
        with buyer_key():
            ingest_landing(run, self.landing)
        update_pairs(run, mode)
        run.publish()
        _LOG.info("%s: %s lines, %.0f s", last, f"{lines.num_rows:,}", time.monotonic() - begun)
        return run


def _day_of(orders: pa.Table) -> pa.ChunkedArray:
    return orders["ordered_at"].cast(pa.timestamp("us")).cast(pa.date32(), safe=False)


@pytest.fixture
def wholesaler(spark: SparkSession, shared_data: Path, landing: Path, warehouse: Path) -> Iterator[Wholesaler]:
    online_retail.write_landing(landing, shared_data / "online_retail")
    orders = pq.read_table(landing / "orders")
    shutil.rmtree(landing / "orders")
    (landing / "orders").mkdir()
    yield Wholesaler(landing, orders, Warehouse(spark, str(warehouse)))
    shutil.rmtree(warehouse)


def test_a_wholesalers_days_added_one_by_one_are_a_recount_of_its_years(wholesaler: Wholesaler, tmp_path: Path) -> None:
    days = wholesaler.days()
    assert len(days) == 52
    wholesaler.traded(date.min, FIRST_DAY - timedelta(1), "full")
    for nth, day in enumerate(days, 1):
        run = wholesaler.traded(day, day, "incremental")
        if nth * (RECOUNTED + 1) // len(days) > (nth - 1) * (RECOUNTED + 1) // len(days):
            begun = time.monotonic()
            require_equal_to_recount(run, tmp_path / "again")
            shutil.rmtree(tmp_path / "again")
            _LOG.info("%s equals a recount, %.0f s", day, time.monotonic() - begun)
