"""Increments: what a day changes, whatever it changes, leaves the counts that a recount of all history gives."""

from __future__ import annotations

import random
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from builders import told
from chains import buyer_key
from recounts import KilledError, killed_after, killed_when_judged, require_equal_to_recount
from sidecart.contracts import runs, silver, state
from sidecart.errors import StateError
from sidecart.settings import BasketSettings, QualitySettings, Settings
from sidecart.storage.run import Run
from sidecart.storage.warehouse import Warehouse
from sidecart_jobs.count_changes import compact
from sidecart_jobs.ingest_landing import ingest_landing
from sidecart_jobs.update_pairs import update_pairs

pytestmark = pytest.mark.slow

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
SETTINGS = Settings(
    baskets=BasketSettings(max_basket_variants=6, extreme_buyer_share=0.1),
    quality=QualitySettings(audits="off", scorecard=False),
)
GOODS = {f"v{n}": (f"{'abc'[n % 3]}{n % 2}", f"g{n // 2}") for n in range(16)}
PLACES = ("oslo", "bergen", "rome")
_ORDERS = "order_id,line_no,buyer_id,variant_id,region_id,quantity,ordered_at,status,source_seq\n"


@dataclass
class Trade:
    """A shop's landing folder, a day at a time: orders with every cause of a change of the past, by chance."""

    landing: Path
    chance: random.Random
    day: int = 0
    orders: dict[str, tuple[str, str, list[str]]] = field(default_factory=dict)
    """Order to its buyer, region and variants, as first told."""
    seq: int = 0
    catalog: dict[str, tuple[str, str]] = field(default_factory=lambda: dict(GOODS))

    @property
    def as_of(self) -> datetime:
        return FIRST + timedelta(days=self.day)

    def trade(self) -> None:
        """Hand over a day's files."""
        self.day += 1
        rows = [row for _ in range(6) for row in self._order(self.day)]
        if self.day > 1:
            for cause in (self._late, self._corrected, self._returned, self._returned_loosely, self._moved):
                rows += cause()
            self._change_catalog()
        else:
            rows = [row for _ in range(12) for row in self._order(1)]
        (self.landing / "orders").mkdir(parents=True, exist_ok=True)
        (self.landing / "orders" / f"day{self.day}.csv").write_text(_ORDERS + "".join(rows), encoding="utf-8")
        self._write_views()
        listed = [f"{v},{g},{c},{v}\n" for v, (c, g) in sorted(self.catalog.items())]
        (self.landing / "catalog.csv").write_text("variant_id,group_id,category_id,name\n" + "".join(listed), "utf-8")
        tree = "category_id,parent_id,name\n" + "".join(f"{c},,{c}\n{c}0,{c},x\n{c}1,{c},x\n" for c in "abc")
        (self.landing / "categories.csv").write_text(tree, encoding="utf-8")
        regions = "region_id,parent_id,name\nnorth,,n\noslo,north,o\nbergen,north,b\nrome,,r\n"
        (self.landing / "regions.csv").write_text(regions, encoding="utf-8")

    def _line(self, order: str, line: int, who: str, what: str, where: str, day: float, status: str = "sale") -> str:
        self.seq += 1
        at = (FIRST - timedelta(days=1) + timedelta(days=day)).strftime("%Y-%m-%d %H:%M:%S")
        return f"{order},{line or ''},{who},{what},{where},1,{at},{status},{self.seq}\n"

    def _order(self, day: float) -> list[str]:
        order, chance = f"o{len(self.orders)}", self.chance
        who = chance.choice(["", *(f"u{n}" for n in range(8))])
        what = chance.sample([*GOODS, "v90", "v91"], chance.choice([1, 2, 2, 3, 4, 6, 7]))
        where = chance.choice(PLACES)
        self.orders[order] = who, where, what
        return [self._line(order, n, who, v, where, day) for n, v in enumerate(what, 1)]

    def _some(self) -> tuple[str, str, str, list[str]]:
        order = self.chance.choice(sorted(self.orders))
        return (order, *self.orders[order])

    def _late(self) -> list[str]:
        return self._order(self.chance.uniform(0.1, self.day))

    def _corrected(self) -> list[str]:
        order, who, where, what = self._some()
        what[0] = self.chance.choice(sorted(GOODS))
        return [self._line(order, 1, who, what[0], where, self.day)]

    def _returned(self) -> list[str]:
        order, who, where, what = self._some()
        place = self.chance.randrange(len(what))
        before_its_sale = self._line(f"o{len(self.orders)}", 1, who, "v1", where, self.day, "cancel")
        return [self._line(order, place + 1, who, what[place], where, self.day, "return"), before_its_sale]

    def _returned_loosely(self) -> list[str]:
        _, who, where, what = self._some()
        return [self._line("", 0, who, self.chance.choice(what), where, self.day, "return")]

    def _moved(self) -> list[str]:
        order, who, _, what = self._some()
        where = self.chance.choice(PLACES)
        self.orders[order] = who, where, what
        return [self._line(order, n, who, v, where, self.day) for n, v in enumerate(what, 1)]

    def _change_catalog(self) -> None:
        """A variant in another category, one in another group, one delisted or back, and one that orders waited for."""
        moved, regrouped, gone = self.chance.sample(sorted(GOODS), 3)
        self.catalog |= {v: GOODS[v] for v in GOODS if v not in self.catalog}
        self.catalog[moved] = self.chance.choice(["a0", "b1", "c"]), self.catalog[moved][1]
        self.catalog[regrouped] = self.catalog[regrouped][0], f"g{self.chance.randrange(9)}"
        if self.day % 2:
            del self.catalog[gone]
        if self.day == 3:
            self.catalog["v90"] = ("a1", "g1")

    def _write_views(self) -> None:
        rows = [
            f"s{self.chance.randrange(4 * self.day)},{self.chance.choice(['', 'u1', 'u2'])},"
            f"{self.chance.choice([*GOODS, 'v90'])},{self.chance.choice(PLACES)},"
            f"{(FIRST - timedelta(days=1) + timedelta(days=self.day, seconds=n)).strftime('%Y-%m-%d %H:%M:%S')}\n"
            for n in range(10)
        ]
        (self.landing / "views").mkdir(parents=True, exist_ok=True)
        told = "session_id,buyer_id,variant_id,region_id,viewed_at\n" + "".join(rows)
        (self.landing / "views" / f"day{self.day}.csv").write_text(told, encoding="utf-8")


def _killed_while_ingesting(day: int) -> AbstractContextManager[None]:
    """Of the two days that die, one among its writes, the other after the last."""
    return killed_after(9) if day == 1 else killed_when_judged()


@pytest.fixture(scope="module")
def history(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trade, Run]:
    """Three days, each of them compared with a recount; the last run is not released yet."""
    folder = tmp_path_factory.mktemp("trade")
    trade = Trade(folder / "landing", random.Random(11))
    warehouse = Warehouse(spark, str(folder / "warehouse"))
    for day in range(3):
        trade.trade()
        run = Run.start(warehouse, SETTINGS, trade.as_of)
        # A task that dies half way, or when all is written, is tried again under its run's id.
        with buyer_key():
            if day:
                with _killed_while_ingesting(day), pytest.raises(KilledError):
                    ingest_landing(run, trade.landing)
            ingest_landing(run, trade.landing)
        if day:
            with killed_after(3 * day), pytest.raises(KilledError):
                update_pairs(run, "incremental")
        update_pairs(run, "incremental" if day else "auto")
        require_equal_to_recount(run, folder / "again")
        if day < 2:
            run.publish()
    return trade, run


def test_whatever_a_day_changes_the_counts_are_those_of_a_recount(history: tuple[Trade, Run]) -> None:
    run = history[1]
    # Days added to pair_support, and it is read as the sum: of the fixture's three days two were such.
    assert run.read_stored(state.PAIR_SUPPORT).count() != run.read(state.PAIR_SUPPORT).count()
    assert run.read_stored(state.PAIR_CHANGES).select("run_id").distinct().count() in {1, 2}


def test_the_books_tell_what_a_later_day_brought(history: tuple[Trade, Run]) -> None:
    run = history[1]
    of_day = run.read(runs.BOOKS).where(F.col("run_id") == run.run_id)
    entries = of_day.collect()
    by_input = {row["input"]: row for row in entries}
    assert len(entries) == len(by_input)
    assert (by_input["views"]["rows_read"], by_input["views"]["rows_accepted"]) == (10, 10)
    assert by_input["orders"]["rows_accepted"] > 0


def test_changes_written_as_one_with_their_table_read_the_same(history: tuple[Trade, Run]) -> None:
    run = history[1]
    before = told(run.read(state.PAIR_SUPPORT), *state.PAIR_SUPPORT.column_names)
    compact(run, state.PAIR_SUPPORT)
    assert run.read_stored(state.PAIR_CHANGES).isEmpty()
    assert told(run.read_stored(state.PAIR_SUPPORT), *state.PAIR_SUPPORT.column_names) == before


def test_a_setting_or_region_that_counts_hang_on_is_noticed(history: tuple[Trade, Run]) -> None:
    _, run = history
    capped = replace(SETTINGS, baskets=replace(SETTINGS.baskets, max_basket_variants=4))
    with pytest.raises(StateError, match=r"max_basket_variants is 4, the release was counted with 6; .* --mode full"):
        update_pairs(Run.start(run.warehouse, capped, run.as_of), "incremental")
    moved = Run.start(run.warehouse, SETTINGS, run.as_of)
    regions = moved.read(silver.REGIONS)
    path = F.when(F.col("region_id") == "oslo", F.array(F.lit("root"), F.lit("oslo"))).otherwise(F.col("path"))
    moved.write(silver.REGIONS, regions.withColumn("path", path))
    with pytest.raises(StateError, match=r"region oslo stands elsewhere in the tree"):
        update_pairs(moved, "incremental")


def test_a_warehouse_without_a_release_counts_all_of_history(spark: SparkSession, tmp_path: Path) -> None:
    run = Run.start(Warehouse(spark, str(tmp_path / "new")), SETTINGS, FIRST)
    with pytest.raises(StateError, match="nothing is released yet"):
        update_pairs(run, "incremental")
