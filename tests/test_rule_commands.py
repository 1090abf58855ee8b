"""`sidecart rules`: what a shop manager reads about a rule file, on a small released shop."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from builders import NOON, Shop
from chains import analysts_limits
from sidecart.contracts import gold, silver
from sidecart.errors import RuleError
from sidecart.quality.publication import require_rules
from sidecart.settings_files import settings_from
from sidecart.storage.run import Run
from sidecart.storage.warehouse import Warehouse
from sidecart_cli.main import main
from sidecart_jobs.arguments import start_run

pytestmark = pytest.mark.slow

HEADER = "rule_id,action,anchor_by,anchor_value,candidate_by,candidate_value,priority\n"
PROPOSED = (
    HEADER
    + "no-wine,deny,,,category,wine,\nwith-cheese,allow,category,cheese,category,wine,1\nno-jam,deny,,,price,3..4,\n"
)
_PAGES = {"milk": "bread jam red", "brie": "red bread"}


@pytest.fixture(scope="module")
def released(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A shop that keeps wine off every page."""
    base = str(tmp_path_factory.mktemp("shop"))
    run, shop = Run.start(Warehouse(spark, base), settings_from({}), NOON, "run-1"), Shop(spark)
    lists = [(a, r, c) for a, words in _PAGES.items() for r, c in enumerate(words.split(), 1)]
    frames = {
        silver.REGIONS: shop.regions(),
        silver.CATALOG: shop.catalog(milk="", bread="", jam="", brie="cheese", red="wine"),
        silver.CATEGORIES: shop.categories("cheese", "wine"),
        silver.OFFERS: shop.offers(root="milk=1 bread=2 jam=3.5 brie=8 red=9"),
        silver.RULES: shop.rules({"rule_id": "no-wine", "candidate_by": "category", "candidate_value": "wine"}),
        gold.SHORTLISTS: shop.frame(
            gold.SHORTLISTS,
            *({"anchor_id": a, "rank": r, "candidate_id": c, "candidate_group_id": c} for a, r, c in lists),
        ),
        gold.BASE_LISTS: shop.frame(gold.BASE_LISTS, *({"anchor_id": a, "candidates": 3} for a in _PAGES)),
        gold.LIST_REGIONS: shop.frame(gold.LIST_REGIONS, {"list_depth": 9, "lists": 5, "stored_lists": len(_PAGES)}),
    }
    for contract, frame in frames.items():
        run.write(contract, frame.coalesce(1))
    run.publish()
    with analysts_limits(spark):
        yield base


def test_a_sound_file_has_no_findings(released: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "next.csv").write_text(PROPOSED, encoding="utf-8")
    main(["rules", "lint", str(tmp_path / "next.csv"), "--warehouse", released])
    assert capsys.readouterr().out == "3 rules: 0 errors, 0 warnings\n"


def test_a_bad_file_is_told_rule_by_rule_and_ends_with_one(
    released: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "next.csv").write_text(
        HEADER
        + "dear,deny,,,price,10-25,\nwho,deny,,,vendor,Acme,\nbeer,deny,,,category,beer,\nall,deny,,,any,,5\n"
        + "self,deny,variant,milk,variant,milk,\n",
        encoding="utf-8",
    )
    with pytest.raises(SystemExit) as ended:
        main(["rules", "lint", str(tmp_path / "next.csv"), "--warehouse", released])
    assert ended.value.code == 1
    assert [line.split()[:3] for line in capsys.readouterr().out.splitlines()] == [
        ["error", "refused", "who"],
        ["error", "refused", "self"],
        ["error", "refused", "dear"],
        ["error", "everything", "all"],
        ["warning", "dead", "beer"],
        ["3", "rules:", "4"],
    ]


def test_the_released_rules_are_checked_without_a_file(released: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["rules", "lint", "--warehouse", released])
    assert capsys.readouterr().out == "1 rules: 0 errors, 0 warnings\n"


def test_a_rule_set_is_compared_with_the_released_one(
    released: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "next.csv").write_text(PROPOSED, encoding="utf-8")
    main(["rules", "diff", str(tmp_path / "next.csv"), "--warehouse", released])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[2:5]] == [
        ["no-jam", "1", "1", "0", "0", "1", "1"],
        ["with-cheese", "1", "0", "1", "0", "0", "1"],
        ["in", "all", "2", "1", "1", "0", "1", "2"],
    ]
    assert lines[5:] == [
        "  milk [milk], root: without jam; 1 candidates, 2 before",
        "  brie [brie], root: with red; 2 candidates, 1 before",
    ]


@pytest.mark.parametrize(
    ("rule", "region", "complaint"),
    [
        (
            "dear,deny,,,price,25..10,",
            "root",
            "RULE_VALUE: rule dear: candidate_value '25..10' is no price band; write",
        ),
        ("who,deny,,,vendor,Acme,", "root", "CHOICE_UNKNOWN: rule who: next.csv, line 2, candidate_by"),
        ("jam,deny,,,variant,jam,", "bergen", "no region 'bergen'"),
    ],
)
def test_a_file_that_a_run_would_refuse_is_not_compared(
    released: str, tmp_path: Path, rule: str, region: str, complaint: str
) -> None:
    (tmp_path / "next.csv").write_text(HEADER + rule + "\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=complaint.replace(".", r"\.")):
        main(["rules", "diff", str(tmp_path / "next.csv"), "--warehouse", released, "--region", region])


def test_a_file_that_is_not_there_is_named(released: str) -> None:
    with pytest.raises(SystemExit, match=r"INPUT_MISSING: nowhere\.csv is not there"):
        main(["rules", "lint", "nowhere.csv", "--warehouse", released])


def test_a_rule_over_most_of_the_catalogue_stops_a_run_unless_it_is_forced(spark: SparkSession, released: str) -> None:
    wide = Shop(spark).rules({"rule_id": "dear", "candidate_by": "price", "candidate_value": "2.."})
    run = Run.start(Warehouse(spark, released), settings_from({}), NOON, "run-2")
    run.write(silver.RULES, wide)
    with pytest.raises(RuleError, match=r"RULE_WILDCARD: rule dear: 4 of 5 variants are its candidates, with any"):
        require_rules(run)
    told = {"shop": None, "warehouse": released, "as_of": NOON, "run_id": "run-3", "master": None}
    forced = start_run(Namespace(**told, driver_memory="1g", force=True))
    require_rules(forced)
    assert forced.settings.ingest.max_wildcard_share == 1
    run.rewind()
