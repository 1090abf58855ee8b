"""A backtest of two corner shops whose every list can be told in advance, each basket judged where it was bought."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from builders import Shop
from sidecart.assortments import SalesWindow, offers_from_sales
from sidecart.contracts import silver
from sidecart.evaluation.held_out import splits
from sidecart.settings import Settings
from sidecart.storage.releases import ReleaseReader, current_versions
from sidecart.storage.run import Run
from sidecart.storage.warehouse import Warehouse
from sidecart_jobs.backtest import Backtest, backtest
from sidecart_jobs.count_history import count_history

pytestmark = pytest.mark.slow

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
FOUR_WEEKS = range(28)


def _lines(shop: Shop) -> DataFrame:
    """Bread every day, every third in Oslo with jam, else in Rome with butter; the last week all have the new fig."""
    baskets = [["bread", "butter" if day % 3 else "jam"] + ["fig"] * (day >= 21) for day in FOUR_WEEKS]
    return shop.order_lines(
        *(
            {
                "order_id": f"o{day}",
                "variant_id": word,
                "region_id": "rome" if day % 3 else "oslo",
                "ordered_at": AS_OF - timedelta(days=28 - day, hours=-10),
            }
            for day, words in enumerate(baskets)
            for word in words
        )
    )


@pytest.fixture(scope="module")
def released(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> ReleaseReader:
    """A release of the corner shops, counted and published."""
    shop = Shop(spark)
    warehouse = Warehouse(spark, str(tmp_path_factory.mktemp("corner-shop") / "warehouse"))
    run = Run.start(warehouse, Settings(), AS_OF)
    lines, regions = _lines(shop), shop.regions("root > oslo", "root > rome")
    run.write(silver.ORDER_LINES, lines)
    run.write(silver.REGIONS, regions)
    run.write(silver.CATALOG, shop.catalog(bread="", butter="", jam="", fig=""))
    run.write(silver.CATEGORIES, shop.categories())
    run.write(silver.RULES, shop.rules())
    run.write(silver.VIEWS, shop.frame(silver.VIEWS))
    run.write(silver.OFFERS, offers_from_sales(lines, SalesWindow(regions, "root", AS_OF, Settings().regions)))
    count_history(run)
    run.publish()
    return ReleaseReader(warehouse)


@pytest.fixture(scope="module")
def figures(
    spark: SparkSession, released: ReleaseReader, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, ...], float]:
    """Figures of the last week, trained on the three before."""
    folder: Path = tmp_path_factory.mktemp("backtest")
    before = current_versions(released.warehouse)
    split = splits(AS_OF, days=7)["test"]
    lists = {"lists": Settings()}
    test = Backtest(released, split, Warehouse(spark, str(folder)), Settings(), lists, by_region=True)
    rows = backtest(test).collect()
    assert current_versions(Warehouse(spark, released.warehouse.location)) == before
    return {tuple(r[k] for k in ("table_name", "page", "targets", "bucket", "metric")): r["value"] for r in rows} | {
        ("pages", r["bucket"]): r["n"] for r in rows if r["metric"] == "ndcg" and r["page"] == "item"
    }


def test_pages_are_counted_by_what_training_knew_of_them(figures: dict[tuple[str, ...], float]) -> None:
    """Seven baskets of three goods: 21 pages, of which 7 are of the unknown fig."""
    assert (figures["pages", "all"], figures["pages", "0"]) == (21, 7)


def test_what_was_never_sold_before_the_split_has_no_list(figures: dict[tuple[str, ...], float]) -> None:
    assert figures["lists", "item", "all", "0", "hit_rate"] == 0


def test_lists_from_before_the_split_find_what_was_bought_after(figures: dict[tuple[str, ...], float]) -> None:
    """Pages of bread, butter and jam show what is bought with them, of the fig nothing: 14 of 21."""
    assert figures["lists", "item", "all", "all", "hit_rate"] == pytest.approx(14 / 21)
    assert figures["raw count", "item", "all", "all", "hit_rate"] == pytest.approx(14 / 21)


def test_a_basket_is_judged_by_the_lists_of_its_region(figures: dict[tuple[str, ...], float]) -> None:
    """Bread's list begins with butter; in Oslo, which has none, with jam. The second place of two is worth .63."""
    first, second, whole = 1.0, 0.63093, 1.63093
    ndcg = {name: figures[name, "item", "all", "all", "ndcg"] for name in ("lists", "raw count")}
    assert ndcg["lists"] == pytest.approx(14 * first / whole / 21, abs=1e-5)
    assert ndcg["raw count"] == pytest.approx((11 * first + 3 * second) / whole / 21, abs=1e-5)


def test_lists_of_regions_are_set_beside_those_from_above(figures: dict[tuple[str, ...], float]) -> None:
    """Oslo's list begins with jam, as the root's does without butter; so do the pages of the others."""
    above = figures["lists, from above", "item", "all", "all", "ndcg"]
    assert above == pytest.approx(figures["lists", "item", "all", "all", "ndcg"])
    assert figures["lists", "item", "all", "all", "ndcg_over_above"] == 1


def test_the_assortment_is_that_of_the_split(figures: dict[tuple[str, ...], float]) -> None:
    """Bread, butter and jam sold before it; all three are shown."""
    assert figures["lists", "table", "none", "all", "reach"] == 1
