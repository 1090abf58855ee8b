"""Erasure: named buyers leave every table and count, nobody else's counts move, and bytes prove it."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from chains import A_KEY, analysts_limits, base_of, buyer_key, published
from sidecart.contracts import gold, runs, silver, state, views
from sidecart.contracts.model import Contract, Layer
from sidecart.errors import InputError, StorageError
from sidecart.ingest.buyers import BuyerKey
from sidecart.ingest.erasures import asked_rows, require_readable
from sidecart.ingest.parsing import Moment
from sidecart.ingest.settlement import order_lines, unmatched_returns
from sidecart.ingest.touched import held_variants
from sidecart.settings import BasketSettings, IngestSettings, QualitySettings, Settings
from sidecart.storage.releases import ReleaseReader, newest_release
from sidecart.storage.run import Run
from sidecart.storage.views import register_views
from sidecart.storage.warehouse import RELEASED, Warehouse
from sidecart_cli.main import main
from sidecart_cli.releases import roll_back
from sidecart_jobs.count_history import count_history
from sidecart_jobs.forget import lift, take_out
from sidecart_jobs.ingest_landing import ingest_landing, offers_as_sold
from sidecart_jobs.purge_traces import LEAD_DAYS, purge_if_due
from sidecart_jobs.update_pairs import update_pairs
from test_increments import Trade

pytestmark = pytest.mark.slow

SETTINGS = Settings(
    baskets=BasketSettings(max_basket_variants=6, extreme_buyer_share=0.1),
    quality=QualitySettings(audits="off", scorecard=False),
    ingest=IngestSettings(max_quarantine_share=0.5),
)
ERASED = ("Ursula1", "Ursula2")
_NAMES = {"u": "Ursula", "s": "Session", "o": "Order"}
_OWN = (silver.TOUCHED_ORDERS, silver.TOUCHED_SESSIONS, silver.ERASED_BUYERS, runs.INGESTED_FILES)
COMPARED = [c for c in RELEASED if c.layer != Layer.GOLD and c not in (*_OWN, *state.CHANGES_OF.values())]
"""Tables of what the shop sold, saw and counted."""


def trade_a_day(trade: Trade) -> None:
    """A day of trade, with names that a search for bytes can't mistake, and a row that is refused."""
    trade.trade()
    orders, seen = (trade.landing / name / f"day{trade.day}.csv" for name in ("orders", "views"))
    for file in (orders, seen):
        named = re.sub(r"\b([uso])(\d+)\b", lambda m: _NAMES[m[1]] + m[2], file.read_text("utf-8"))
        file.write_text(named, "utf-8")
    with orders.open("a", encoding="utf-8") as rows:
        rows.write(f"Order-bad{trade.day},1,{ERASED[0]},v1,oslo,0,2026-01-03 10:00:00,sale,\n")


def run_on(spark: SparkSession, base: Path, trade: Trade) -> Run:
    return Run.start(Warehouse(spark, str(base)), SETTINGS, trade.as_of)


def counted_day(run: Run, trade: Trade) -> None:
    """A day's run without its lists."""
    with buyer_key():
        ingest_landing(run, trade.landing)
    update_pairs(run)
    run.publish()


def buyers_file(folder: Path, *lines: str) -> Path:
    file = folder / "buyers.csv"
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def without_buyers(spark: SparkSession, base: Path, trade: Trade) -> Run:
    """A run that took the two buyers, one of them named twice, and one whom nobody knows out of silver and counts."""
    run = run_on(spark, base, trade)
    with buyer_key():
        take_out(run, buyers_file(base.parent, "buyer_id", *ERASED, "Nobody", ERASED[0]))
    run.publish()
    return run


@pytest.fixture(scope="module")
def traded(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Trade]:
    """Two days counted and released, and the trade that goes on."""
    folder = tmp_path_factory.mktemp("traded")
    trade = Trade(folder / "landing", random.Random(7))
    for _ in range(2):
        trade_a_day(trade)
        counted_day(run_on(spark, folder / "warehouse", trade), trade)
    return folder / "warehouse", trade


@pytest.fixture(scope="module")
def before(spark: SparkSession, traded: tuple[Path, Trade]) -> ReleaseReader:
    """The shop with the buyers."""
    return ReleaseReader(Warehouse(spark, str(traded[0])))


@pytest.fixture(scope="module")
def erased(spark: SparkSession, traded: tuple[Path, Trade], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run that took two buyers out of a copy of that warehouse."""
    base = tmp_path_factory.mktemp("erased") / "warehouse"
    return without_buyers(spark, Path(shutil.copytree(traded[0], base)), traded[1])


@pytest.fixture
def copied(erased: Run, tmp_path: Path) -> Path:
    """A copy of the warehouse without the two buyers."""
    return Path(shutil.copytree(base_of(erased), tmp_path / "warehouse"))


def rows_of_table(frame: DataFrame, contract: Contract) -> list[str]:
    return sorted(map(str, frame.select(*contract.column_names).collect()))


def hashes(*buyers: str) -> set[str]:
    return {BuyerKey(A_KEY.encode()).hash(buyer) for buyer in buyers}


def parted(rows: list[Any], visit: str) -> tuple[list[Any], list[Any]]:
    """Rows that stay and rows that go, told one by one: a nameless row goes with a visit that is the buyers' alone."""
    buyers, owners = hashes(*ERASED), dict[str, set[str]]()
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
        stay, go = parted(frame.collect(), visit)
        assert go, contract.name
        fresh.write(contract, spark.createDataFrame(stay, frame.schema))
    for contract in (silver.CATALOG, silver.CATEGORIES, silver.REGIONS, silver.RULES, state.VARIANT_IDS):
        fresh.write(contract, before.read(contract))
    events, seen, catalog = (fresh.read(c) for c in (silver.ORDER_EVENTS, silver.VIEWS, silver.CATALOG))
    fresh.write(silver.ORDER_LINES, order_lines(events, catalog))
    fresh.write(silver.UNMATCHED_RETURNS, unmatched_returns(events, catalog))
    fresh.write(silver.HELD_VARIANTS, held_variants(catalog, events, seen))
    offers = offers_as_sold(fresh)
    fresh.write(offers.contract, offers.frame)
    count_history(fresh)
    return fresh


def test_every_table_is_that_of_a_shop_that_never_knew_them(before: ReleaseReader, erased: Run, tmp_path: Path) -> None:
    after, fresh = ReleaseReader(erased.warehouse), rebuilt(erased, before, tmp_path / "again")
    for contract in COMPARED:
        found = rows_of_table(after.read(contract), contract)
        assert found == rows_of_table(fresh.read(contract), contract), contract.name
    tell_tales = (silver.TOUCHED_ORDERS, silver.TOUCHED_SESSIONS, *state.CHANGES_OF.values())
    assert [c.name for c in tell_tales if not after.read_stored(c).isEmpty()] == []


def test_a_receipt_says_what_went_and_when_the_last_trace_goes(before: ReleaseReader, erased: Run) -> None:
    after, receipt = ReleaseReader(erased.warehouse), erased.read(runs.ERASURE_RECEIPTS).collect()
    told = {(row["buyers_asked"], row["buyers_known"], row["release_id"], row["purged_at"]) for row in receipt}
    assert told == {(3, 2, erased.release_id, None)}
    assert {row["last_trace_at"] - row["erased_at"] for row in receipt} == {timedelta(days=30)}
    taken = {row["table_name"]: row["rows_taken"] for row in receipt}
    assert taken["quarantine"] == 2
    for contract in (silver.ORDER_EVENTS, silver.VIEWS, state.BASKETS, state.BUYER_ACTIVITY, state.VIEW_BASKETS):
        assert taken[contract.name] == before.read(contract).count() - after.read(contract).count() > 0


@pytest.mark.parametrize("last", [silver.ORDER_EVENTS, state.BASKETS], ids=lambda contract: contract.name)
def test_a_killed_erasure_done_again_is_a_whole_one(
    spark: SparkSession, traded: tuple[Path, Trade], erased: Run, tmp_path: Path, last: Contract
) -> None:
    base = Path(shutil.copytree(traded[0], tmp_path / "warehouse"))
    merge = Run.merge

    def merge_and_die(run: Run, contract: Contract, changes: DataFrame) -> int:
        written = merge(run, contract, changes)
        if contract == last:
            raise KeyboardInterrupt
        return written

    with patch.object(Run, "merge", merge_and_die), pytest.raises(KeyboardInterrupt):
        without_buyers(spark, base, traded[1])
    again = ReleaseReader(without_buyers(spark, base, traded[1]).warehouse)
    clean = ReleaseReader(erased.warehouse)
    for contract in COMPARED:
        assert rows_of_table(again.read(contract), contract) == rows_of_table(clean.read(contract), contract)
    assert again.read(runs.ERASURE_RECEIPTS).select("run_id").distinct().count() == 1


def _texts(value: Any) -> Iterator[str]:
    """Every text of a value, however deep."""
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        yield from _texts(part)


def traces(base: Path, sought: set[str]) -> dict[str, set[str]]:
    """Which of the texts stand in which file of the warehouse: in its bytes, or in what its Parquet holds."""
    found: dict[str, set[str]] = {}
    for file in sorted(file for file in base.rglob("*") if file.is_file()):
        content = file.read_bytes().decode("latin-1")
        if file.suffix == ".parquet":
            content += "\n".join(f'"{text}"' for text in _texts(pq.read_table(file).to_pydict()))
        if held := {text for text in sought if text in content}:
            found[str(file.relative_to(base))] = held
    return found


def texts_of_them(before: ReleaseReader) -> set[str]:
    """Everything that tells of the buyers: names, hashes, and the orders and visits that were theirs alone."""
    sought = {*ERASED, *hashes(*ERASED), "Order-bad"}
    for contract, visit in ((silver.ORDER_EVENTS, "order_id"), (silver.VIEWS, "session_id")):
        stay, go = parted(before.read(contract).collect(), visit)
        theirs = {row[visit] for row in go} - {row[visit] for row in stay} - {None}
        sought |= {f'"{name}"' for name in theirs}
    return sought


def test_after_a_purge_no_byte_tells_of_them_and_older_releases_are_closed(
    spark: SparkSession, before: ReleaseReader, copied: Path
) -> None:
    warehouse, sought = Warehouse(spark, str(copied)), texts_of_them(before)
    with_them, without_them = before.release_id or "", newest_release(warehouse) or ""
    leftover = copied / "_staging" / "run-killed"
    leftover.mkdir(parents=True)
    (leftover / "part").write_text(ERASED[0], encoding="utf-8")
    left = traces(copied, sought)
    assert {name for held in left.values() for name in held} >= {ERASED[0], *hashes(*ERASED)}
    # Not even before a purge does a log hold a buyer: no literal, no statistics.
    assert [file for file, held in left.items() if "_delta_log" in file and held & {*ERASED, *hashes(*ERASED)}] == []
    for read in (ReleaseReader, roll_back):
        with pytest.raises(StorageError, match=f"{with_them} is closed: buyers were erased since"):
            read(warehouse, with_them)
    kept = {c.name: rows_of_table(warehouse.read(c), c) for c in COMPARED}

    purge_if_due(warehouse, datetime.now(UTC) + timedelta(days=30 - LEAD_DAYS - 1))
    assert newest_release(warehouse) == without_them
    purge_if_due(warehouse, datetime.now(UTC) + timedelta(days=30 - LEAD_DAYS + 1))

    assert traces(copied, sought) == {}
    fresh = Warehouse(spark, str(copied))
    assert {c.name: rows_of_table(ReleaseReader(fresh).read(c), c) for c in COMPARED} == kept
    with pytest.raises(StorageError, match=f"{without_them} is closed"):
        ReleaseReader(fresh, without_them)
    receipt = fresh.read(runs.ERASURE_RECEIPTS).collect()
    assert {row["purged_release_id"] for row in receipt} == {newest_release(fresh)}
    assert all(row["purged_at"] for row in receipt)
    assert Run.start(fresh, SETTINGS, datetime.now(UTC)).warehouse.rewind(ReleaseReader(fresh).versions) == ()


def test_an_erasure_stays_published_where_the_purge_after_it_fails(
    spark: SparkSession, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise StorageError("a file is gone")

    monkeypatch.setattr("sidecart_jobs.forget.purge_traces", fails)
    asked = str(buyers_file(copied.parent, "buyer_id", ERASED[0]))
    with buyer_key(), analysts_limits(spark), pytest.raises(SystemExit, match="a file is gone"):
        main(["forget", asked, "--purge", "--warehouse", str(copied)])
    warehouse = Warehouse(spark, str(copied))
    newest = warehouse.read(runs.RUNS).where(F.col("release_id") == F.lit(newest_release(warehouse))).collect()
    assert [(row["outcome"], row["reason"]) for row in newest] == [("published", None)]
    assert {row["release_id"] for row in warehouse.read(runs.ERASURE_RECEIPTS).collect()} >= {newest_release(warehouse)}


def test_an_erased_buyer_stays_out_of_new_files_until_the_erasure_is_lifted(
    spark: SparkSession, copied: Path, traded: tuple[Path, Trade], tmp_path: Path
) -> None:
    trade = replace(traded[1], landing=Path(shutil.copytree(traded[1].landing, tmp_path / "landing")))
    orders = trade.landing / "orders"
    header = (orders / "day1.csv").read_text("utf-8").splitlines()[0]

    def hand_over(order: str) -> tuple[int, ...]:
        told = [f"{order},{n},{who},v{n},oslo,1,2026-01-05 10:00:00,sale," for n, who in ((1, ERASED[0]), (2, ""))]
        (orders / f"{order}.csv").write_text("\n".join([header, *told]) + "\n", encoding="utf-8")
        run = run_on(spark, copied, trade)
        with buyer_key():
            ingest_landing(run, trade.landing)
        run.publish()
        books = run.read(runs.BOOKS).where((F.col("run_id") == run.run_id) & (F.col("input") == "orders")).collect()
        refused = run.read(silver.QUARANTINE).where(F.col("run_id") == run.run_id).collect()
        assert {(row["reason_code"], row["raw"]) for row in refused} <= {("BUYER_ERASED", "***")}
        assert run.read(silver.ORDER_EVENTS).where(F.col("order_id") == order).count() == books[0]["rows_accepted"]
        return tuple(books[0][name] for name in ("rows_read", "rows_accepted", "rows_quarantined"))

    # All are refused, where the shop tolerates a half: an erased buyer is no fault of the delivery.
    assert hand_over("Order-back") == (2, 0, 2)
    lifted = run_on(spark, copied, trade)
    with buyer_key():
        lift(lifted, buyers_file(tmp_path, "buyer_id", ERASED[0]))
    assert hand_over("Order-again") == (2, 2, 0)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["Ursula1", "Ursula2"], "COLUMN_MISSING"),
        (["buyer_id"], "FILE_EMPTY"),
        (["buyer_id,reason", "Ursula1,moved", ",asked"], "VALUE_MISSING"),
        (["buyer_id", "ursula@example.org"], "PII_RAW"),
        (["buyer_id", "Ursula1,Ursula2"], "FIELD_COUNT"),
    ],
)
def test_a_file_that_names_no_buyers_is_refused_and_its_content_not_told(
    spark: SparkSession, tmp_path: Path, lines: list[str], code: str
) -> None:
    moment, key = Moment(datetime(2026, 3, 1, tzinfo=UTC), Settings()), BuyerKey(A_KEY.encode())
    with pytest.raises(InputError) as error:
        require_readable(asked_rows(spark, buyers_file(tmp_path, *lines), moment, key))
    assert error.value.code == code
    assert "ursula" not in str(error.value).lower()


def test_nothing_that_a_shop_serves_names_a_buyer() -> None:
    served = [*gold.TABLES, views.SHORTLISTS_RESOLVED, views.PLACED_LISTS, views.WHY, views.PAIRS, views.REFUSALS]
    assert [c.name for c in served if {"buyer_key", "session_id"} & set(c.column_names)] == []


def test_one_command_publishes_lists_without_the_buyer_and_leaves_no_other_release(
    spark: SparkSession, landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Six have bread with butter; Ursula and one more have bread with jam, and one buyer is too few for a list."""
    bought = [f"o{n},buyer-{n},{v}" for n in range(6) for v in ("bread", "butter")]
    bought += [f"{order},{who},{v}" for order, who in (("j1", ERASED[0]), ("j2", "buyer-0")) for v in ("bread", "jam")]
    told = "order_id,buyer_id,variant_id,quantity,ordered_at\n"
    (landing / "orders.csv").write_text(told + "".join(f"{row},1,2026-02-10\n" for row in bought), encoding="utf-8")
    (landing / "catalog.csv").write_text("variant_id\nbread\nbutter\njam\n", encoding="utf-8")
    published(spark, landing, warehouse, SETTINGS, datetime(2026, 3, 1, tzinfo=UTC))
    assert _listed(spark, "bread") == [("butter", 6), ("jam", 2)]
    with buyer_key(), analysts_limits(spark):
        main(["forget", str(buyers_file(landing, "buyer_id", ERASED[0])), "--purge", "--warehouse", str(warehouse)])
        capsys.readouterr()
        main(["releases", "--warehouse", str(warehouse)])
    assert re.findall(r"\| *(true|false) *\|", capsys.readouterr().out) == ["true", "false", "false"]
    register_views(ReleaseReader(Warehouse(spark, str(warehouse))))
    assert _listed(spark, "bread") == [("butter", 6)]
    assert traces(warehouse, {*ERASED, *hashes(*ERASED)}) == {}


def _listed(spark: SparkSession, anchor: str) -> list[tuple[str, int]]:
    lists = spark.table("shortlists_resolved").where((F.col("anchor_id") == anchor) & (F.col("source") == "orders"))
    return [(row["candidate_id"], row["pair_buyers"]) for row in lists.orderBy("rank").collect()]
