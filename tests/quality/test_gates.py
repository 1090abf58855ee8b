"""Gates: every broken promise of a contract is named, and nothing broken is published."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from builders import NOON, Shop, frame_of
from sidecart.contracts import gold, runs, silver, state
from sidecart.contracts.model import Contract
from sidecart.errors import GateError
from sidecart.quality.gates import Gated, Verdict, judge, require, violations
from sidecart.quality.publication import require_silver
from sidecart.settings_files import settings_from
from sidecart.storage.run import Run
from sidecart.storage.warehouse import RELEASED, Warehouse

_PAIR = {
    "anchor_id": "milk",
    "candidate_id": "bread",
    "support_unit": "buyers",
    "pair_buyers": 3,
    "pair_baskets": 4,
    "anchor_support": 9,
    "candidate_support": 5,
    "required_support": 2,
    "source": "orders",
    "evidence_class": "strong",
    "group_support": 3,
    "evidence_region_id": "oslo",
}
_FILL = {"source": "popularity", "evidence_class": "fill", "group_support": 0, "required_support": 0}
_MET = {"anchor_buyers": 2, "anchor_baskets": 3, "met": [(2, 2, [2]), (1, 1, [1])]}

BROKEN: list[tuple[Contract, dict[str, Mapping[str, Any]]]] = [
    (
        gold.SHORTLISTS,
        {
            "not_itself": _PAIR | {"candidate_id": "milk"},
            "rank_positive": _PAIR | {"rank": 0},
            "source_known": _PAIR | _FILL | {"source": "gut"},
            "pair_within_baskets": _PAIR | {"pair_baskets": 2},
            "orders_have_support": _PAIR | {"group_support": 0, "required_support": 0},
            "passed_the_gate": _PAIR | {"required_support": 4},
            "evidence_known": _PAIR | {"evidence_class": "sure"},
            "evidence_of_orders": _PAIR | {"evidence_class": "fill"},
            "fills_are_compatible": _PAIR | _FILL | {"category_lift": 0.5},
            "pair_within_singles": _PAIR | {"candidate_support": 2},
            "region_pair_within_anchor": _PAIR | {"region_pair_support": 2, "region_anchor_support": 1},
            "regional_evidence_named": _PAIR | {"evidence_region_id": None},
        },
    ),
    (gold.LIST_REGIONS, {"stored_within_lists": {"lists": 1, "stored_lists": 2}}),
    (
        state.PAIR_SUPPORT,
        {
            "holds_candidates": _MET | {"met": [(1, 1, [])]},
            "pair_within_baskets": _MET | {"met": [(2, 1, [2])]},
            "pair_within_anchor": _MET | {"met": [(2, 4, [2])]},
        },
    ),
    (
        state.BUYER_ACTIVITY,
        {
            "extreme_above_threshold": {"pair_events": 5, "threshold": 4, "is_extreme": False, "baskets": 9},
            "over_cap_within_baskets": {"baskets": 1, "baskets_over_cap": 2},
        },
    ),
    (
        silver.ORDER_LINES,
        {"left_within_sold": {"quantity": 1, "quantity_left": 2}},
    ),
    (
        runs.BOOKS,
        {"books_balance": {"rows_read": 9, "rows_accepted": 3, "rows_held": 0, "rows_quarantined": 3}},
    ),
]


@pytest.mark.parametrize(("contract", "broken"), BROKEN, ids=[contract.name for contract, _ in BROKEN])
def test_every_broken_check_is_counted_under_its_name(
    spark: SparkSession, contract: Contract, broken: dict[str, Mapping[str, Any]]
) -> None:
    numbered = contract.key[0]
    frame = frame_of(
        spark, contract, *({numbered: str(place)} | dict(row) for place, row in enumerate(broken.values()))
    )
    found = violations(frame, contract).collect()[0].asDict()
    assert {check.name for check in contract.checks} == set(broken)
    assert {name: found[name] for name in broken} == dict.fromkeys(broken, 1)
    assert sum(found.values()) == 2 * len(broken)


def test_a_missing_value_and_a_repeated_key_are_named(shop: Shop) -> None:
    offers = shop.offers(oslo="milk milk milk bread").withColumn("is_available", F.lit(None).cast("boolean"))
    broken = Verdict("offers", 4, {"required_is_available": 4, "key_unique": 2})
    assert judge(Gated(offers, silver.OFFERS)) == [broken]


def test_tables_that_keep_their_promises_pass(shop: Shop) -> None:
    verdicts = judge(
        Gated(shop.offers(oslo="milk bread"), silver.OFFERS, at_least=2), Gated(shop.catalog(milk=""), silver.CATALOG)
    )
    assert verdicts == [Verdict("offers", 2, {}), Verdict("catalog", 1, {})]
    assert all(verdict.passed for verdict in verdicts)


def test_an_empty_table_passes_only_where_nothing_is_expected(shop: Shop) -> None:
    nothing = shop.offers()
    assert judge(Gated(nothing, silver.OFFERS)) == [Verdict("offers", 0, {})]
    assert judge(Gated(nothing, silver.OFFERS, at_least=1)) == [Verdict("offers", 0, {"rows": 0})]


def test_a_refusal_names_every_failed_check_of_every_table() -> None:
    verdicts = [
        Verdict("offers", 4, {"key_unique": 1_200}),
        Verdict("catalog", 9, {}),
        Verdict("order_lines", 0, {"rows": 0}),
    ]
    with pytest.raises(GateError) as refused:
        require(verdicts)
    assert str(refused.value) == (
        "not published, the tables stay as they were; failed:"
        " offers.key_unique: 1,200 rows; order_lines.rows: 0 rows (too few)"
    )


def test_nothing_is_refused_where_all_passed() -> None:
    require([Verdict("offers", 4, {})])


@pytest.mark.slow
def test_a_landing_of_which_too_much_was_refused_is_not_published(shop: Shop, warehouse: Path) -> None:
    run = Run.start(Warehouse(shop.spark, str(warehouse)), settings_from({}), NOON, "run-1")
    for contract in RELEASED:
        if contract in silver.TABLES:
            run.write(contract, shop.frame(contract))
    run.write(silver.ORDER_LINES, shop.order_lines({"order_id": "b1", "variant_id": "milk"}))
    run.write(silver.CATALOG, shop.catalog(milk=""))
    run.write(silver.OFFERS, shop.offers(root="milk"))
    run.write(silver.REGIONS, shop.regions())
    lot = {"input": "orders", "rows_read": 100, "rows_accepted": 97, "rows_quarantined": 3}
    zeros = {"rows_held": 0, "rows_deduplicated": 0}
    run.write(runs.BOOKS, shop.frame(runs.BOOKS, {"run_id": "run-1"} | lot | zeros), mode="append")
    with pytest.raises(GateError, match=r"failed: books\.quarantine_above_2%_of_orders: 3 rows$"):
        require_silver(run)
