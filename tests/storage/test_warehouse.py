"""The warehouse: what a write keeps, what a failed run takes back, and what readers see meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession

from builders import NOON, frame_of, told
from sidecart.contracts import runs, silver, state
from sidecart.contracts.model import Contract
from sidecart.errors import ContractError, StorageError
from sidecart.row_changes import changed_rows
from sidecart.settings_files import settings_from
from sidecart.storage.releases import ReleaseReader, newest_release, release_versions
from sidecart.storage.run import Output, Run
from sidecart.storage.warehouse import Warehouse

SUPPORT = state.VARIANT_SUPPORT


@pytest.fixture
def tables(spark: SparkSession, warehouse: Path) -> Warehouse:
    return Warehouse(spark, str(warehouse))


def _support(spark: SparkSession, *variants: int) -> DataFrame:
    return frame_of(spark, SUPPORT, *({"variant": v, "buyers": 1, "baskets": 1} for v in variants))


def _detail(tables: Warehouse) -> Any:
    return tables.location.table(tables.spark, SUPPORT).detail().collect()[0]


def test_an_overwrite_replaces_every_row_and_keeps_clustering_and_comments(tables: Warehouse) -> None:
    first = tables.write(SUPPORT, _support(tables.spark, 1, 2), "run-1")
    second = tables.write(SUPPORT, _support(tables.spark, 3), "run-2")
    assert [(first.version, first.rows), (second.version, second.rows)] == [(1, 2), (2, 1)]
    assert told(tables.read(SUPPORT), "variant") == [3]
    assert told(tables.read(SUPPORT, version=1), "variant") == [1, 2]
    assert list(_detail(tables)["clusteringColumns"]) == ["region_id", "variant"]
    comments = {field.name: field.metadata.get("comment") for field in tables.read(SUPPORT).schema.fields}
    assert comments == {column.name: column.comment for column in SUPPORT.columns}
    assert _detail(tables)["description"].startswith("One row: one variant in one region and below.")


def test_an_append_adds_rows_and_every_commit_names_its_run(tables: Warehouse) -> None:
    tables.write(SUPPORT, _support(tables.spark, 1), "run-1")
    assert tables.write(SUPPORT, _support(tables.spark, 2, 3), "run-2", mode="append").rows == 2
    assert told(tables.read(SUPPORT), "variant") == [1, 2, 3]
    history = tables.location.table(tables.spark, SUPPORT).history().where("userMetadata IS NOT NULL")
    marks = told(history.selectExpr("get_json_object(userMetadata, '$.run_id') AS run_id"), "run_id")
    assert marks == ["run-1", "run-2"]


def test_keys_of_people_have_no_file_statistics(tables: Warehouse) -> None:
    tables.ensure(state.BUYER_ACTIVITY)
    detail = tables.location.table(tables.spark, state.BUYER_ACTIVITY).detail().collect()[0]
    assert "buyer_key" not in detail["properties"]["delta.dataSkippingStatsColumns"]


def test_a_frame_without_a_column_of_its_contract_is_refused_by_name(tables: Warehouse) -> None:
    with pytest.raises(ContractError, match="variant_support: no column buyers in a frame of"):
        tables.write(SUPPORT, _support(tables.spark, 1).drop("buyers"), "run-1")


def test_a_table_that_is_not_there_is_an_error_with_the_remedy(tables: Warehouse) -> None:
    with pytest.raises(StorageError, match=r"no table variant_support in .*run `sidecart run` first"):
        tables.read(SUPPORT)


def test_a_transaction_that_is_repeated_with_other_rows_is_an_error_and_not_silence(tables: Warehouse) -> None:
    tables.write(SUPPORT, _support(tables.spark, 1), "run-1")
    with patch.object(Warehouse, "left_at", return_value=0), pytest.raises(StorageError, match="not this run's commit"):
        tables.write(SUPPORT, _support(tables.spark, 2), "run-1")
    assert told(tables.read(SUPPORT), "variant") == [1]


def _run(tables: Warehouse, number: int) -> Run:
    return Run.start(tables, settings_from({}), NOON, f"run-{number}")


def test_a_refused_run_leaves_the_released_rows_and_readers_never_saw_others(tables: Warehouse) -> None:
    spark, good, bad = tables.spark, _run(tables, 1), _run(tables, 2)
    good.write(SUPPORT, _support(spark, 1))
    good.publish()
    bad.write(SUPPORT, _support(spark, 2))
    bad.write(silver.RULES, frame_of(spark, silver.RULES, {}))
    reader = ReleaseReader(tables)
    assert told(reader.read(SUPPORT), "variant") == [1]
    with pytest.raises(StorageError, match="table rules is in no release"):
        reader.read(silver.RULES)
    bad.fail("refused", "too few rows")
    assert told(tables.read(SUPPORT), "variant") == [1]
    assert told(tables.read(silver.RULES), "rule_id") == []
    ended = told(tables.read(runs.RUNS), "run_id", "outcome", "reason", "release_id")
    assert ended == [("run-1", "published", None, "release-1"), ("run-2", "refused", "too few rows", None)]
    assert told(tables.read(runs.STAGES), "run_id", "stage", "rows_out") == [
        ("run-1", "variant_support", 1),
        ("run-2", "rules", 1),
        ("run-2", "variant_support", 1),
    ]


def test_what_was_taken_back_once_is_not_taken_back_again(tables: Warehouse) -> None:
    spark, good = tables.spark, _run(tables, 1)
    good.write(SUPPORT, _support(spark, 1))
    good.publish()
    _run(tables, 2).write(SUPPORT, _support(spark, 2))
    released = release_versions(tables)
    assert tables.rewind(released) == ("variant_support",)
    assert tables.rewind(released) == ()
    assert told(tables.read(SUPPORT), "variant") == [1]


def test_books_of_a_run_that_is_tried_again_are_written_once_and_those_of_others_stay(tables: Warehouse) -> None:
    for number in (1, 2, 2):
        run = _run(tables, number)
        run.withdraw(runs.BOOKS)
        run.write(
            runs.BOOKS, frame_of(tables.spark, runs.BOOKS, {"run_id": run.run_id, "input": "orders"}), mode="append"
        )
    assert told(tables.read(runs.BOOKS), "run_id", "input") == [("run-1", "orders"), ("run-2", "orders")]


def test_readers_see_the_newest_release_or_the_one_they_name(tables: Warehouse) -> None:
    assert (newest_release(tables), release_versions(tables)) == (None, {})
    for number in (1, 2):
        run = _run(tables, number)
        run.write(SUPPORT, _support(tables.spark, number))
        run.publish()
    assert newest_release(tables) == "release-2"
    assert told(ReleaseReader(tables).read(SUPPORT), "variant") == [2]
    assert told(ReleaseReader(tables, "release-1").read(SUPPORT), "variant") == [1]
    with pytest.raises(StorageError, match="no release 'release-3'; the table releases lists them"):
        release_versions(tables, "release-3")


def test_another_buyer_key_stops_the_run(tables: Warehouse) -> None:
    first = _run(tables, 1)
    first.use_buyer_key("old")
    first.publish()
    _run(tables, 2).use_buyer_key("old")
    with pytest.raises(StorageError, match="the buyer key has changed"):
        _run(tables, 3).use_buyer_key("new")


def test_of_tables_written_together_a_bad_one_raises_when_the_others_are_written(tables: Warehouse) -> None:
    run = Run.start(tables, settings_from({}), NOON)
    spark = tables.spark
    with pytest.raises(ContractError, match="basket_strata"):
        run.write_together(
            Output(state.BASKET_STRATA, _support(spark, 1)),
            Output(SUPPORT, _support(spark, 1, 2)),
        )
    assert told(tables.read(SUPPORT), "variant") == [1, 2]
    run.rewind()
    assert tables.read(SUPPORT).count() == 0


def _basket(order: str, days_ago: int, *variants: int) -> dict[str, Any]:
    return {"order_id": order, "ordered_at": NOON - timedelta(days=days_ago), "variants": list(variants)}


def _stored_baskets(tables: Warehouse) -> list[Any]:
    return told(tables.read(state.BASKETS), "order_id", "variants")


def test_a_merge_opens_the_files_of_the_days_that_it_changes_and_marks_what_is_gone(tables: Warehouse) -> None:
    days = {400: "a", 60: "b", 2: "c", 1: "d"}
    for ago, order in days.items():
        tables.write(state.BASKETS, frame_of(tables.spark, state.BASKETS, _basket(order, ago, 1, 2)), "run-1", "append")
    was, now = (
        frame_of(tables.spark, state.BASKETS, *baskets)
        for baskets in (
            [_basket("a", 400, 1, 2), _basket("d", 1, 1, 2)],
            [_basket("a", 399, 7), _basket("e", 0, 3)],
        )
    )
    assert tables.merge(state.BASKETS, changed_rows(was, now, state.BASKETS), "run-2").rows == 3
    assert _stored_baskets(tables) == [("a", [7]), ("b", [1, 2]), ("c", [1, 2]), ("e", [3])]
    metrics = tables.location.table(tables.spark, state.BASKETS).history(1).collect()[0]["operationMetrics"]
    assert metrics["numTargetDeletionVectorsAdded"] == "0"  # a file of which every row is gone is gone itself
    assert metrics["numTargetFilesRemoved"] == "2"


@pytest.mark.parametrize("ago", [range(1), range(40), range(0, 4000, 50), [0, 1, 2, 700, 701, 3000, 3200]])
def test_a_merge_of_any_days_changes_every_row_it_names(tables: Warehouse, ago: Iterable[int]) -> None:
    baskets = {f"o{days}": _basket(f"o{days}", days, 1, 2) for days in ago}
    was = frame_of(tables.spark, state.BASKETS, *baskets.values())
    tables.write(state.BASKETS, was, "run-1")
    now = frame_of(tables.spark, state.BASKETS, *(basket | {"variants": [5]} for basket in baskets.values()))
    assert tables.merge(state.BASKETS, changed_rows(was, now, state.BASKETS), "run-2").rows == len(baskets)
    assert {tuple(variants) for _, variants in _stored_baskets(tables)} == {(5,)}


def test_a_year_of_days_leaves_few_files(tables: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecart.storage.warehouse._TIDIED_EVERY", 5)
    left = []
    for day in range(12):
        written = tables.write(
            state.BASKETS, frame_of(tables.spark, state.BASKETS, _basket(f"o{day}", 12 - day, day + 1)), "run", "append"
        )
        left.append(tables.size(state.BASKETS).files)
        assert (written.rows, tables.left_at(state.BASKETS)) == (1, tables.version(state.BASKETS))
    assert left == [1, 2, 3, 4] * 3
    assert _stored_baskets(tables) == sorted((f"o{day}", [day + 1]) for day in range(12))


def test_a_long_table_is_clustered_when_much_of_it_is_written(
    tables: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecart.storage.warehouse._LONG_BYTES", 1)
    tables.write(state.BASKETS, frame_of(tables.spark, state.BASKETS, _basket("a", 1, 1)), "run-1")
    assert told(_operations(tables, state.BASKETS), "operation") == ["CREATE TABLE", "OPTIMIZE", "WRITE"]
    assert ReleaseReader(tables).versions == {}
    assert tables.left_at(state.BASKETS) == 2


def test_after_a_cut_and_a_vacuum_no_file_holds_a_row_that_was_merged_away(
    tables: Warehouse, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecart.storage.warehouse._LONG_BYTES", 1)
    baskets = [_basket(order, 1, 1) for order in "abc"]
    was = frame_of(tables.spark, state.BASKETS, *baskets).coalesce(1)
    tables.write(state.BASKETS, was, "run-1")
    now = frame_of(tables.spark, state.BASKETS, *baskets[1:])
    tables.merge(state.BASKETS, changed_rows(was, now, state.BASKETS), "run-2")
    tables.cut(state.BASKETS)
    tables.vacuum(state.BASKETS)
    files = [*(warehouse / "state" / "baskets").glob("*.parquet")]
    assert sorted(order for file in files for order in pq.read_table(file)["order_id"].to_pylist()) == ["b", "c"]


def test_a_merge_that_does_not_find_a_row_to_change_stops_the_run(tables: Warehouse) -> None:
    tables.write(state.BASKETS, frame_of(tables.spark, state.BASKETS, _basket("a", 1, 1)), "run-1")
    was, now = (
        frame_of(tables.spark, state.BASKETS, *(_basket(order, days, variant) for order in "ab"))
        for days, variant in ((1, 1), (1, 2))
    )
    with pytest.raises(StorageError, match="baskets: 1 of 2 rows to change were found"):
        tables.merge(state.BASKETS, changed_rows(was, now, state.BASKETS), "run-2")


def _operations(tables: Warehouse, contract: Contract) -> DataFrame:
    return tables.location.table(tables.spark, contract).history().select("operation")
