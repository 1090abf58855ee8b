"""Days of any causes, added one by one, come to what a count of all history gives: in plain kernels, and in Spark."""

from __future__ import annotations

import copy
import itertools
import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from pyspark.sql import SparkSession

import kernel_rows
import shop_oracle
from builders import told
from chains import buyer_key
from kernel_rows import both_sides, counted_rows, in_batches, told_rows
from recounts import require_equal_to_recount
from shop_oracle import Basket
from sidecart.change_kernel import added_up, differences
from sidecart.contracts import silver, state
from sidecart.contracts.model import Contract
from sidecart.settings import BasketSettings, IngestSettings, QualitySettings, Settings
from sidecart.storage.run import Run
from sidecart.storage.warehouse import Warehouse
from sidecart_jobs.arguments import CountMode
from sidecart_jobs.forget import take_out
from sidecart_jobs.ingest_landing import ingest_landing
from sidecart_jobs.update_pairs import update_pairs
from told_shop import CAUSES, PATHS, Arcade, ToldShop, hand_over

SETTINGS = Settings(
    baskets=BasketSettings(max_basket_variants=6, extreme_buyer_share=0.2),
    ingest=IngestSettings(max_quarantine_share=0.5),
    quality=QualitySettings(audits="off", scorecard=False),
)
_REGIONS = list(dict.fromkeys(itertools.chain(*PATHS.values())))
_CAUSES = [cause.__name__ for cause in CAUSES]
_DAYS = st.permutations(_CAUSES) | st.lists(st.sampled_from(_CAUSES), max_size=12)
"""What happens to a shop on a day."""
_SHOPS = 25
"""So many stories stand in one warehouse: what a run costs is its jobs, whatever so few rows."""


class KernelDays(RuleBasedStateMachine):
    """What the changing kernel adds day by day, beside pairs met one by one in all that is left."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: list[Basket] = []
        self.added: list[dict[str, Any]] = []

    @initialize(seed=st.integers(0, 2**32))
    def opens(self, seed: int) -> None:
        self.shop = ToldShop(random.Random(seed))
        for _ in range(8):
            self.shop.new_orders()

    @rule(causes=st.lists(st.sampled_from(_CAUSES), min_size=1, max_size=8))
    def happens(self, causes: list[str]) -> None:
        for cause in causes:
            getattr(self.shop, cause)()

    @precondition(lambda self: self.counted)
    @rule()
    def buyer_is_erased(self) -> None:
        self.shop.erased_buyer()

    @rule(rows=st.integers(1, 50))
    def day_ends(self, rows: int) -> None:
        self.shop.end_day()
        settled = shop_oracle.settled(self.shop.events, self.shop.catalog)
        now = shop_oracle.counted(shop_oracle.baskets(settled), SETTINGS.baskets)
        changed = both_sides(*(list(map(_for_kernel, side)) for side in _what_a_change_touches(self.counted, now)))
        self.added += told_rows(differences(counted_rows(changed)))
        self.counted = now
        found = told_rows(added_up(in_batches(self.added, rows)))
        assert _support(found, lambda row: _REGIONS[row["node"]], "v{}".format) == shop_oracle.support(now)
        assert found == told_rows(counted_rows(map(_for_kernel, now)))


def _what_a_change_touches(before: list[Basket], after: list[Basket]) -> tuple[list[Basket], list[Basket]]:
    """What pair_changes.changed_baskets keeps: the changed baskets, and of their buyers' others what these hold."""
    changed = set(before) ^ set(after)
    moved: dict[str, frozenset[str]] = {}
    for basket in changed:
        moved[basket.buyer] = moved.get(basket.buyer, frozenset()) | basket.variants
    stayed = [
        Basket(b.order, b.buyer, b.region, b.variants & moved[b.buyer])
        for b in set(before) & set(after)
        if b.variants & moved.get(b.buyer, frozenset())
    ]
    first, last = ([b for b in side if b in changed] + stayed for side in (before, after))
    return first, last


def _for_kernel(basket: Basket) -> kernel_rows.Basket:
    nodes = tuple(map(_REGIONS.index, PATHS[basket.region]))
    return basket.buyer, nodes, frozenset(int(variant[1:]) for variant in basket.variants)


def _support(
    rows: list[dict[str, Any]], region_of: Callable[[dict[str, Any]], str], name_of: Callable[[int], str]
) -> shop_oracle.Support:
    found = {}
    for row in rows:
        region, anchor = region_of(row), name_of(row["anchor"])
        found[region, anchor, anchor] = row["anchor_buyers"], row["anchor_baskets"]
        for alike in row["met"]:
            counts = alike["pair_buyers"], alike["pair_baskets"]
            found |= {(region, anchor, name_of(candidate)): counts for candidate in alike["candidates"]}
    return found


def test_days_of_any_causes_added_in_the_kernel_are_what_is_counted_by_hand() -> None:
    run_state_machine_as_test(KernelDays, settings=settings(max_examples=500, stateful_step_count=12))


@dataclass
class Opened:
    """First days of shops in one warehouse, and the folder that it and the shops' files stand in."""

    spark: SparkSession
    folder: Path
    arcade: Arcade

    def day(self, mode: CountMode) -> Run:
        """Hand over the day's files and count them."""
        hand_over(self.arcade, self.folder / "landing")
        run = self.run()
        with buyer_key():
            ingest_landing(run, self.folder / "landing")
        update_pairs(run, mode)
        self.arcade.end_day()
        return run

    def run(self) -> Run:
        return Run.start(Warehouse(self.spark, str(self.folder / "warehouse")), SETTINGS, self.arcade.as_of)

    def copied(self, folder: Path) -> Opened:
        """The same beginning for another story."""
        shutil.copytree(self.folder, folder)
        return Opened(self.spark, folder, copy.deepcopy(self.arcade))


class ShopDays(RuleBasedStateMachine):
    """What runs make of the shops' files day by day, beside what is counted by hand and, at last, a recount."""

    first_day: ClassVar[Opened]
    folders: ClassVar[Iterator[Path]]

    def __init__(self) -> None:
        super().__init__()
        self.opened = self.first_day.copied(next(self.folders))
        self.last: Run | None = None
        self.is_anybody_erased = False

    @initialize(seed=st.integers(0, 2**32))
    def chance(self, seed: int) -> None:
        for nth, shop in enumerate(self.opened.arcade.shops):
            shop.chance = random.Random(f"{seed}, {nth}")

    @rule(of_shops=st.lists(_DAYS, min_size=_SHOPS, max_size=_SHOPS))
    def day(self, of_shops: list[list[str]]) -> None:
        for shop, causes in zip(self.opened.arcade.shops, of_shops, strict=True):
            for cause in causes:
                getattr(shop, cause)()
        self._judge(self.opened.day("incremental"))

    @precondition(lambda self: self.last and not self.is_anybody_erased)
    @rule()
    def buyers_are_erased(self) -> None:
        self.is_anybody_erased = True
        named = self.opened.folder / "erased.csv"
        named.write_text("\n".join(["buyer_id", *self.opened.arcade.erased_buyers(), ""]), encoding="utf-8")
        run = self.opened.run()
        with buyer_key():
            take_out(run, named)
        self._judge(run)

    def _judge(self, run: Run) -> None:
        """Require what is counted by hand, and publish."""
        self.last, shop = None, self.opened.arcade
        settled = shop_oracle.settled(shop.events, shop.catalog)
        lines = run.read(silver.ORDER_LINES).selectExpr("order_id", "variant_id", "int(quantity_left) AS left")
        assert told(lines, *lines.columns) == sorted(
            (sale.order, sale.variant, settled.left[line]) for line, sale in settled.sold.items()
        )
        missed = run.read(silver.UNMATCHED_RETURNS).selectExpr("int(quantity_unmatched) AS missed")
        assert told(missed, "missed") == sorted(settled.missed.values())
        bought = shop_oracle.counted(shop_oracle.baskets(settled), SETTINGS.baskets)
        assert _stored_support(run, state.PAIR_SUPPORT) == shop_oracle.support(bought)
        seen = shop_oracle.sessions(shop.views, shop.ever_known, SETTINGS.baskets)
        assert _stored_support(run, state.VIEW_PAIR_SUPPORT) == shop_oracle.support(seen)
        run.publish()
        self.last = run

    def teardown(self) -> None:
        if self.last:
            require_equal_to_recount(self.last, self.opened.folder / "again")
        shutil.rmtree(self.opened.folder)


def _stored_support(run: Run, contract: Contract) -> shop_oracle.Support:
    names = {row["variant"]: row["variant_id"] for row in run.read(state.VARIANT_IDS).collect()}
    rows = [row.asDict(recursive=True) for row in run.read(contract).collect()]
    return _support(rows, lambda row: str(row["region_id"]), lambda variant: names[variant])


@pytest.fixture(scope="module")
def opened(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """Shops after their first day, which is counted as all of history."""
    shops = [ToldShop(random.Random(seed)) for seed in range(_SHOPS)]
    for shop in shops:
        for _ in range(12):
            shop.new_orders()
        shop.looks()
    story = Opened(spark, tmp_path_factory.mktemp("opened"), Arcade(shops))
    (story.folder / "landing").mkdir()
    story.day("full").publish()
    return story


def _tell_stories(opened: Opened, folder: Path, how_many: int, how_long: int) -> None:
    class Stories(ShopDays):
        first_day = opened
        folders = (folder / str(nth) for nth in itertools.count())

    numbers = settings(max_examples=how_many, stateful_step_count=how_long, phases=[Phase.generate])
    run_state_machine_as_test(Stories, settings=numbers)


@pytest.mark.slow
def test_days_of_any_causes_are_what_is_counted_by_hand_and_a_recount(opened: Opened, tmp_path: Path) -> None:
    _tell_stories(opened, tmp_path, 1, 3)


@pytest.mark.slow
@pytest.mark.soak
def test_many_longer_stories_of_days_are_what_is_counted_by_hand_and_a_recount(opened: Opened, tmp_path: Path) -> None:
    _tell_stories(opened, tmp_path, int(os.environ.get("SIDECART_SOAK", "4")), 6)
