"""The report of a backtest, as people read it."""

from __future__ import annotations

from sidecart.evaluation.report import by_region_size, markdown


def test_the_best_table_stands_first_and_what_was_not_measured_is_empty() -> None:
    item = {"page": "item", "targets": "other_category", "bucket": "all", "metric": "ndcg"}
    reach = {"page": "table", "targets": "none", "bucket": "all", "metric": "reach", "low": None, "high": None}
    lines = markdown(
        [
            item | {"table_name": "shuffled", "value": 0.001, "low": 0.0005, "high": 0.0015},
            item | {"table_name": "lists", "value": 0.05678, "low": 0.05, "high": 0.06},
            reach | {"table_name": "lists", "value": 0.8},
        ]
    ).splitlines()
    assert lines[0].startswith("| lists | NDCG | hit rate |")
    assert lines[2].startswith("| lists | 0.0568 (0.0500 to 0.0600) |  |")
    assert "| 0.800 |" in lines[2]
    assert lines[3].startswith("| shuffled | 0.0010 ")


def test_lists_are_told_by_size_of_region_beside_those_from_above() -> None:
    item = {"page": "item", "targets": "other_category", "table_name": "own", "low": 0.9, "high": 1.2, "n": 7}
    full = {"page": "met", "targets": "none", "table_name": "own", "metric": "full_lists", "low": None, "high": None}
    lines = by_region_size(
        [
            item | {"bucket": "region 10000+", "metric": "ndcg", "value": 0.05},
            item | {"bucket": "region 10000+", "metric": "ndcg_over_above", "value": 1.0},
            item | {"bucket": "region 1-99", "metric": "ndcg", "value": 0.04},
            full | {"bucket": "region 1-99", "value": 0.99},
            item | {"bucket": "region 1-99", "metric": "ndcg", "value": 0.03, "table_name": "own, from above"},
        ]
    ).splitlines()
    assert lines[2:] == [
        "| own | 1-99 | 7 | 0.0400 (0.9000 to 1.2000) |  | 0.9900 |",
        "| own | 10000+ | 7 | 0.0500 (0.9000 to 1.2000) | 1.0000 (0.9000 to 1.2000) |  |",
    ]
    assert by_region_size([item | {"bucket": "region 1-99", "metric": "ndcg", "value": 0.04}]) == ""
