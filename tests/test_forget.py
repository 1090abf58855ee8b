"""Erasure: named buyers leave every table and list, nobody else's counts move, and bytes prove it."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from chains import A_KEY, buyer_key
from sidecart.contracts import runs, silver, state
from sidecart.contracts.model import Contract
from sidecart.ingest.buyers import BuyerKey
from sidecart.ingest.settlement import order_lines, unmatched_returns
from sidecart.ingest.touched import held_variants
from sidecart.settings import BasketSettings, QualitySettings, RegionSettings, Settings
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.run import Run
from sidecart.storage.warehouse import RELEASED, Warehouse
from sidecart_jobs.arguments import finish
from sidecart_jobs.build_shortlists import build_shortlists
from sidecart_jobs.count_history import count_history
from sidecart_jobs.forget import forget
from sidecart_jobs.ingest_landing import offers_as_sold
from sidecart_jobs.run_chain import run_chain
from test_increments import Trade

SETTINGS = Settings(
    baskets=BasketSettings(max_basket_variants=6, extreme_buyer_share=0.1),
    regions=RegionSettings(min_region_baskets=5, min_anchor_support=2),
    quality=QualitySettings(audits="off", scorecard=False),
)
ERASED = ("Ursula1", "Ursula2")
_NAMES = {"u": "Ursula", "s": "Session", "o": "Order"}
_MARKS = {"run_id", "release_id"}


def trade_a_day(trade: Trade) -> None:
    """A day of trade, with names that a search for bytes can't mistake."""
    trade.trade()
    for file in (trade.landing / "orders" / f"day{trade.day}.csv", trade.landing / "views" / f"day{trade.day}.csv"):
        named = re.sub(r"\b([uso])(\d+)\b", lambda m: _NAMES[m[1]] + m[2], file.read_text("utf-8"))
        file.write_text(named, "utf-8")


@pytest.fixture(scope="module")
def traded(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Trade]:
    """Three days' runs, a row refused in the last: the warehouse, and the trade that goes on."""
    folder = tmp_path_factory.mktemp("traded")
    trade = Trade(folder / "landing", random.Random(7))
    for _ in range(3):
        trade_a_day(trade)
        with (trade.landing / "orders" / f"day{trade.day}.csv").open("a", encoding="utf-8") as file:
            file.write(f"Order-bad,1,Ursula1,v1,oslo,0,2026-01-0{trade.day + 4} 10:00:00,sale,\n")
        tolerant = Settings(baskets=SETTINGS.baskets, regions=SETTINGS.regions, quality=SETTINGS.quality)
        run = Run.start(Warehouse(spark, str(folder / "warehouse")), _tolerant(tolerant), trade.as_of)
        with buyer_key():
            run_chain(run, trade.landing)
    return folder / "warehouse", trade


def _tolerant(settings: Settings) -> Settings:
    from dataclasses import replace

    return replace(settings, ingest=replace(settings.ingest, max_quarantine_share=0.5))


@pytest.fixture
def base(traded: tuple[Path, Trade], tmp_path: Path) -> Path:
    """A copy of that warehouse."""
    return Path(shutil.copytree(traded[0], tmp_path / "warehouse"))


def run_on(spark: SparkSession, base: Path, trade: Trade) -> Run:
    return Run.start(Warehouse(spark, str(base)), _tolerant(SETTINGS), trade.as_of)


def buyers_file(folder: Path, *buyers: str) -> Path:
    file = folder / "buyers.csv"
    file.write_text("buyer_id\n" + "".join(f"{buyer}\n" for buyer in buyers), encoding="utf-8")
    return file


def forgotten(spark: SparkSession, base: Path, trade: Trade, *buyers: str) -> Run:
    """A run that forgot the buyers."""
    run = run_on(spark, base, trade)
    with buyer_key():
        finish(run, lambda it: forget(it, buyers_file(base.parent, *buyers)))
    return run


def rows_of_table(frame: DataFrame, contract: Contract) -> list[str]:
    kept = [name for name in contract.column_names if name not in _MARKS]
    return sorted(map(str, frame.select(*kept).collect()))


def hashes(*buyers: str) -> set[str]:
    return {BuyerKey(A_KEY.encode()).hash(buyer) for buyer in buyers}


def without(rows: list[Any], visit: str, buyers: set[str]) -> tuple[list[Any], list[Any]]:
    """Rows that stay and rows that go, told one by one: a nameless row goes with a visit that is the buyers' alone."""
    owners: dict[str, set[str]] = {}
    for row in rows:
        owners.setdefault(row[visit], set()).update({row["buyer_key"]} - {None})

    def goes(row: Any) -> bool:
        if row["buyer_key"] is not None or row[visit] is None:
            return row["buyer_key"] in buyers
        return bool(owners[row[visit]]) and owners[row[visit]] <= buyers

    return [row for row in rows if not goes(row)], [row for row in rows if goes(row)]


def rebuilt(run: Run, before: ReleaseReader, again: Path) -> Run:
    """A warehouse of the shop as it would be had the erased buyers never been there."""
    spark = run.warehouse.spark
    fresh = Run.start(Warehouse(spark, str(again)), run.settings, run.as_of)
    for contract, visit in ((silver.ORDER_EVENTS, "order_id"), (silver.VIEWS, "session_id")):
        frame = before.read(contract)
        stay, go = without(frame.collect(), visit, hashes(*ERASED))
        assert go, contract.name
        fresh.write(contract, spark.createDataFrame(stay, frame.schema))
    for contract in (silver.CATALOG, silver.CATEGORIES, silver.REGIONS, silver.RULES, state.VARIANT_IDS):
        fresh.write(contract, before.read(contract))
    events, views, catalog = (fresh.read(c) for c in (silver.ORDER_EVENTS, silver.VIEWS, silver.CATALOG))
    fresh.write(silver.ORDER_LINES, order_lines(events, catalog))
    fresh.write(silver.UNMATCHED_RETURNS, unmatched_returns(events, catalog))
    fresh.write(silver.HELD_VARIANTS, held_variants(catalog, events, views))
    offers = offers_as_sold(fresh)
    fresh.write(offers.contract, offers.frame)
    count_history(fresh)
    build_shortlists(fresh)
    return fresh


def test_every_table_is_that_of_a_shop_that_never_knew_them(
    spark: SparkSession, base: Path, traded: tuple[Path, Trade]
) -> None:
    before = ReleaseReader(Warehouse(spark, str(base)))
    run = forgotten(spark, base, traded[1], *ERASED, "Nobody")
    after, fresh = ReleaseReader(run.warehouse), rebuilt(run, before, base.parent / "again")
    own = {silver.TOUCHED_ORDERS, silver.TOUCHED_SESSIONS, silver.ERASED_BUYERS, runs.INGESTED_FILES}
    for contract in RELEASED:
        if contract not in own and contract not in state.CHANGES_OF.values():
            found = rows_of_table(after.read(contract), contract)
            assert found == rows_of_table(fresh.read(contract), contract), contract.name
    told_of_changes = (silver.TOUCHED_ORDERS, silver.TOUCHED_SESSIONS, *state.CHANGES_OF.values())
    assert [c.name for c in told_of_changes if not after.read_stored(c).isEmpty()] == []
    receipt = run.read(runs.ERASURE_RECEIPTS).collect()
    assert {(row["buyers_asked"], row["buyers_known"], row["release_id"]) for row in receipt} == {
        (3, 2, run.release_id)
    }
    taken = {row["table_name"]: row["rows_taken"] for row in receipt}
    assert taken["quarantine"] == 3
    assert taken["order_events"] == before.read(silver.ORDER_EVENTS).count() - after.read(silver.ORDER_EVENTS).count()
    assert taken["baskets"] == before.read(state.BASKETS).count() - after.read(state.BASKETS).count() > 0
