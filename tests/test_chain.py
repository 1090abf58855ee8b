"""The whole chain on files that follow the documented contracts and nothing else."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from chains import analysts_limits, base_of, buyer_key, published
from sidecart.contracts import gold, runs, silver, state
from sidecart.errors import GateError, PlanError, StorageError
from sidecart.quality.publication import look_at_lists
from sidecart.settings import (
    AuditMode,
    AuditName,
    BasketSettings,
    IngestSettings,
    ListSettings,
    QualitySettings,
    RegionSettings,
    Settings,
)
from sidecart.storage.releases import ReleaseReader, current_versions, release_versions
from sidecart.storage.run import Run
from sidecart.storage.views import register_views
from sidecart.storage.warehouse import Warehouse
from sidecart_cli.main import main
from sidecart_jobs.arguments import finish
from sidecart_jobs.ingest_landing import ingest_landing
from sidecart_jobs.run_chain import run_chain
from sidecart_jobs.update_pairs import update_pairs

pytestmark = pytest.mark.slow

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
SMALL_SHOP = Settings(regions=RegionSettings(min_region_baskets=20, min_anchor_support=5))
NOT_LOOKED_AT = QualitySettings(audits="off", scorecard=False)
"""For what is not about audits: they are a third of a tiny shop's time."""

ORDERS = """order_id,variant_id,quantity,ordered_at
{rows}
"""
CATALOG = """variant_id,name
bread,Bread
butter,Butter
jam,Jam
soap,Soap
"""


def write_shop(landing: Path) -> None:
    """A corner shop: orders without buyers or regions, a catalogue without brands or categories."""
    rows = []
    for number in range(30):
        day = f"2026-02-{number % 28 + 1:02d} 10:00:00"
        rows += [f"o{number},bread,1,{day}", f"o{number},butter,1,{day}"]
        if number % 3 == 0:
            rows.append(f"o{number},jam,2,{day}")
    rows += ["s1,soap,1,2026-02-10 09:00:00", "s2,soap,0,2026-02-10 09:00:00", "u1,unheard-of,1,2026-02-11 09:00:00"]
    (landing / "orders.csv").write_text(ORDERS.format(rows="\n".join(rows)), encoding="utf-8")
    (landing / "catalog.csv").write_text(CATALOG, encoding="utf-8")


@pytest.fixture(scope="module")
def corner_shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """The corner shop's first published run, and its landing folder."""
    folder = tmp_path_factory.mktemp("corner-shop")
    landing = folder / "landing"
    landing.mkdir()
    write_shop(landing)
    # One bad row of 73, so that the tolerance is not what this is about.
    run = published(spark, landing, folder / "warehouse", SMALL_SHOP, AS_OF)
    return run, landing


def test_a_shop_of_two_bare_files_gets_its_lists(spark: SparkSession, corner_shop: tuple[Run, Path]) -> None:
    show(corner_shop[0])
    lists = spark.sql(
        "SELECT anchor_id, rank, candidate_id, pair_buyers FROM shortlists_resolved ORDER BY anchor_id, rank"
    ).collect()
    # Bread and butter met 30 times; jam, in every third order, 10 times with each.
    assert [tuple(row) for row in lists] == [
        ("bread", 1, "butter", 30),
        ("bread", 2, "jam", 10),
        ("butter", 1, "bread", 30),
        ("butter", 2, "jam", 10),
        ("jam", 1, "bread", 10),
        ("jam", 2, "butter", 10),
    ]


def test_every_run_writes_its_audits_and_its_scorecard(spark: SparkSession, corner_shop: tuple[Run, Path]) -> None:
    run = corner_shop[0]
    show(run)
    audits = spark.table("audits").where(F.col("run_id") == run.run_id).select("audit", "mode", "passed").collect()
    assert {row["audit"] for row in audits} == set(get_args(AuditName))
    assert [row["audit"] for row in audits if not row["passed"]] == []
    card = spark.table("scorecard_trend").where(F.col("release_id") == run.release_id).collect()
    told = {(row["property"], row["measure"], row["slice"]): (row["value"], row["n"]) for row in card}
    # Bread, butter and jam stand in one another's lists; the four goods of the shop never make ten.
    assert told["reach", "reach", "all"] == (0.75, 4)
    assert told["coverage", "full_lists", "all"] == (0.0, 4)
    assert told["effectiveness", "ndcg", "all"] == (None, 0)
    assert {row["previous_value"] for row in card} == {None}


def test_why_tells_the_story_of_what_is_shown_and_of_what_is_not(
    corner_shop: tuple[Run, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--warehouse", base_of(corner_shop[0])]
    with analysts_limits(corner_shop[0].warehouse.spark):
        main(["why", "bread", "jam", *asked])
        shown = capsys.readouterr().out.splitlines()
        main(["why", "bread", "soap", *asked])
        absent = capsys.readouterr().out.splitlines()
        with pytest.raises(SystemExit, match="no variant 'bred' in the catalogue; did you mean 'bread'"):
            main(["why", "bred", "jam", *asked])
        with pytest.raises(SystemExit, match="no region 'rot'; did you mean 'root'"):
            main(["why", "bread", "jam", "--region", "rot", *asked])
    assert shown[:3] == [
        "Jam [jam] on the page of Bread [bread] in root: shown, rank 2.",
        "Whole shop: 10 of the anchor's 30 buyers had both in one basket (33.3%); the candidate has 10 buyers.",
        "A category of the two is unknown, which counts as lift 1.",
    ]
    confidence, popularity = math.log(10 / 30), -0.5 * math.log(10 + 30)
    assert f"Score {confidence + popularity:.3f}, in logarithms: confidence {confidence:+.3f}" in shown[4]
    assert absent == [
        "Soap [soap] on the page of Bread [bread] in root: not among the first 10.",
        "No counted basket of the whole shop holds both (30 and 1 buyers had one of them).",
        "A category of the two is unknown, which counts as lift 1.",
        "It is in no base list: too little support for what its categories ask, or too far behind the others.",
    ]


def test_a_plan_tells_what_counting_takes_under_any_cap(
    corner_shop: tuple[Run, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Twenty baskets of two, ten of three, and soap alone."""
    asked = ["plan", "--warehouse", base_of(corner_shop[0])]
    with analysts_limits(corner_shop[0].warehouse.spark):
        main(asked)
        told = capsys.readouterr().out
        main([*asked, "--cap", "2"])
        capped = capsys.readouterr().out
        with pytest.raises(SystemExit, match=r"--cap: .*max_basket_variants: .* greater than or equal to 2"):
            main([*asked, "--cap", "1"])
    assert told.startswith("50 pair events in 31 baskets: ")
    assert "  bread: 40 in 30 baskets" in told
    assert capped.startswith("20 pair events in 21 baskets: ")


def test_more_pair_events_than_the_shop_allows_stop_the_run_before_it_counts(corner_shop: tuple[Run, Path]) -> None:
    modest = replace(SMALL_SHOP, baskets=BasketSettings(max_pair_events=49))
    refused = Run.start(corner_shop[0].warehouse, modest, AS_OF)
    with pytest.raises(
        PlanError, match=r"orders would take 50 pair events.*max_basket_variants = 2, with which it fits"
    ):
        finish(refused, lambda it: update_pairs(it, "full"))


def test_an_audit_that_blocks_keeps_a_release_back(corner_shop: tuple[Run, Path]) -> None:
    modes: dict[AuditName, AuditMode] = {"required_support": "block"}
    strict = replace(SMALL_SHOP, quality=QualitySettings(audits="off", audit_modes=modes, scorecard=False))
    refused = Run.start(corner_shop[0].warehouse, strict, AS_OF)
    refused.write(gold.SHORTLISTS, refused.read(gold.SHORTLISTS).withColumn("group_support", F.lit(1)))
    # Goods without a category must meet twice.
    with pytest.raises(GateError, match=r"audit required_support \(component 7\) measured 1\.0000, at most 0\.0000"):
        finish(refused, look_at_lists)
    found = refused.read(runs.AUDITS).where(F.col("run_id") == refused.run_id).collect()
    assert [(row["audit"], row["mode"], row["passed"]) for row in found] == [("required_support", "block", False)]


def test_the_books_balance_and_name_what_was_held_and_refused(
    spark: SparkSession, corner_shop: tuple[Run, Path]
) -> None:
    show(corner_shop[0])
    books = spark.table("books").where("input = 'orders'").drop("run_id", "input").collect()
    assert [tuple(row) for row in books] == [(73, 71, 1, 1, 0)]
    refused = spark.table("quarantine").select("reason_code", "raw", "source_file", "source_line").collect()
    assert [tuple(row) for row in refused] == [("QTY_ZERO", "s2,soap,0,2026-02-10 09:00:00", "orders.csv", 73)]


def test_reading_the_same_files_again_changes_nothing(spark: SparkSession, corner_shop: tuple[Run, Path]) -> None:
    run, landing = corner_shop
    show(run)
    before = sorted(spark.table("shortlists").drop("run_id", "release_id").collect())
    again = published(spark, landing, Path(base_of(run)), replace(SMALL_SHOP, quality=NOT_LOOKED_AT), AS_OF)
    assert sorted(spark.table("shortlists").drop("run_id", "release_id").collect()) == before
    read = spark.table("books").where(F.col("run_id") == again.run_id).where("input = 'orders'").collect()
    assert [row["rows_accepted"] for row in read] in ([], [0])


def test_a_poisoned_delivery_is_refused_and_the_published_tables_stay(
    spark: SparkSession, corner_shop: tuple[Run, Path], tmp_path: Path
) -> None:
    run, landing = corner_shop
    warehouse = Warehouse(spark, base_of(run))
    released = release_versions(warehouse)
    lines = warehouse.read(silver.ORDER_LINES).count()
    poisoned = tmp_path / "landing"
    shutil.copytree(landing, poisoned)
    bad = "\n".join(f"p{n},bread,-1,2026-02-12 10:00:00" for n in range(50))
    (poisoned / "orders.csv").unlink()
    (poisoned / "orders").mkdir()
    shutil.copy(landing / "orders.csv", poisoned / "orders" / "day1.csv")
    (poisoned / "orders" / "day2.csv").write_text(ORDERS.format(rows=bad), encoding="utf-8")

    refused = Run.start(warehouse, SMALL_SHOP, AS_OF)
    with buyer_key(), pytest.raises(GateError, match="quarantine_above_2%_of_orders: 50 rows"):
        finish(refused, lambda it: run_chain(it, poisoned))

    assert release_versions(warehouse) == released
    assert warehouse.read(silver.ORDER_LINES).count() == lines
    assert warehouse.read(silver.ORDER_EVENTS).where("order_id LIKE 'p%'").count() == 0
    record = warehouse.read(runs.RUNS).where(F.col("run_id") == refused.run_id).collect()
    assert [(row["outcome"], row["release_id"]) for row in record] == [("refused", None)]
    assert ReleaseReader(warehouse).read(silver.ORDER_LINES).count() == lines


def test_a_catalogue_that_lost_half_its_variants_is_refused(
    spark: SparkSession, corner_shop: tuple[Run, Path], tmp_path: Path
) -> None:
    run, landing = corner_shop
    shrunk = tmp_path / "landing"
    shutil.copytree(landing, shrunk)
    (shrunk / "catalog.csv").write_text("variant_id,name\nbread,Bread\nbutter,Butter\n", encoding="utf-8")
    refused = Run.start(Warehouse(spark, base_of(run)), SMALL_SHOP, AS_OF)
    with buyer_key(), pytest.raises(GateError, match=r"catalog\.shrunk_above_30%_since_the_last_release: 2 rows"):
        finish(refused, lambda it: run_chain(it, shrunk))


def test_a_shop_that_sold_nothing_of_late_is_told_what_to_do(
    spark: SparkSession, corner_shop: tuple[Run, Path], warehouse: Path
) -> None:
    _, landing = corner_shop
    late = Run.start(Warehouse(spark, str(warehouse)), SMALL_SHOP, datetime(2027, 3, 1, tzinfo=UTC))
    with buyer_key(), pytest.raises(GateError, match=r"offers\.rows: 0 rows \(too few\)\. .* --as-of"):
        finish(late, lambda it: ingest_landing(it, landing))


def test_a_killed_run_leaves_nothing_behind(spark: SparkSession, corner_shop: tuple[Run, Path]) -> None:
    run, _ = corner_shop
    warehouse = Warehouse(spark, base_of(run))
    events = warehouse.read(silver.ORDER_EVENTS).count()
    killed = Run.start(warehouse, SMALL_SHOP, AS_OF)
    killed.write(silver.ORDER_EVENTS, warehouse.read(silver.ORDER_EVENTS), mode="append")
    assert warehouse.read(silver.ORDER_EVENTS).count() == 2 * events

    Run.start(warehouse, SMALL_SHOP, AS_OF).rewind()
    assert warehouse.read(silver.ORDER_EVENTS).count() == events
    assert current_versions(warehouse).keys() == release_versions(warehouse).keys()


def test_another_buyer_key_stops_the_run(spark: SparkSession, corner_shop: tuple[Run, Path]) -> None:
    run, _ = corner_shop
    with pytest.raises(StorageError, match="the buyer key has changed"):
        Run.start(Warehouse(spark, base_of(run)), SMALL_SHOP, AS_OF).use_buyer_key("another")


def test_counts_are_verified_against_order_lines_and_a_wrong_one_is_named(
    spark: SparkSession, corner_shop: tuple[Run, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = str(shutil.copytree(base_of(corner_shop[0]), tmp_path / "warehouse"))
    with analysts_limits(spark):
        main(["verify", "--warehouse", base])
    # Bread, butter, jam and soap; bread and butter met two others each, jam two, soap none.
    assert capsys.readouterr().out.splitlines() == [
        "pair_support: 4 anchors in 1 regions, 6 pairs recounted, all as stored",
        "view_pair_support: 0 anchors in 0 regions, 0 pairs recounted, all as stored",
    ]

    damaged = Run.start(Warehouse(spark, base), SMALL_SHOP, AS_OF)
    # Jam's ten baskets with butter have become eleven.
    raised = F.transform(
        "met", lambda m: m.withField("pair_baskets", m["pair_baskets"] + (m["pair_baskets"] == 10).cast("int"))
    )
    stored = damaged.read(state.PAIR_SUPPORT)
    damaged.write(
        state.PAIR_SUPPORT,
        stored.withColumn("met", F.when(F.col("anchor_baskets") == 10, raised).otherwise(F.col("met"))),
    )
    damaged.publish()
    with (
        analysts_limits(spark),
        pytest.raises(SystemExit, match=r"2 stored counts of release-.* are not what its order lines"),
    ):
        main(["verify", "--all", "--warehouse", base])
    told = capsys.readouterr().out.splitlines()
    assert told[0].endswith("6 pairs recounted, 2 counts differ")
    assert told[1] == "  root, jam with bread: stored 10 buyers in 11 baskets, recounted 10 in 10"


def test_raw_buyers_are_nowhere_in_the_warehouse(spark: SparkSession, landing: Path, warehouse: Path) -> None:
    common = {"ordered_at": "2026-02-01T10:00:00Z"}
    rows = [
        common | {"buyer_id": f"Ursula-LeGuin-{n}", "order_id": f"o{n}", "variant_id": v, "quantity": q}
        for n in range(3)
        for v, q in (("bread", 1), ("butter", 0 if n == 2 else 1))
    ]
    (landing / "orders.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    (landing / "catalog.csv").write_text(CATALOG, encoding="utf-8")
    refusing = IngestSettings(max_quarantine_share=0.5)
    tolerant = Settings(ingest=refusing, lists=ListSettings(shown=3), quality=NOT_LOOKED_AT)
    published(spark, landing, warehouse, tolerant, AS_OF)
    traces = [file for file in warehouse.rglob("*") if file.is_file() and b"Ursula-LeGuin" in file.read_bytes()]
    assert traces == []
    assert spark.table("quarantine").count() == 1


def show(run: Run) -> None:
    """Give the session's names to this warehouse: another test may have taken them."""
    register_views(ReleaseReader(run.warehouse))


def test_tables_can_live_in_a_schema(spark: SparkSession, landing: Path) -> None:
    write_shop(landing)
    spark.sql("CREATE SCHEMA corner_shop")
    try:
        run = published(spark, landing, "schema:corner_shop", replace(SMALL_SHOP, quality=NOT_LOOKED_AT), AS_OF)
        listed = spark.sql("SELECT candidate_id FROM shortlists_resolved WHERE anchor_id = 'jam' ORDER BY rank")
        assert [row["candidate_id"] for row in listed.collect()] == ["bread", "butter"]
        assert spark.table("corner_shop.order_lines").count() == spark.table("order_lines").count() == 71
        assert run.warehouse.read(runs.RUNS).count() == 1
    finally:
        spark.sql("DROP SCHEMA corner_shop CASCADE")
