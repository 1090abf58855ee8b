"""The report of a backtest, as people read it."""

from __future__ import annotations

from sidecart.evaluation.report import markdown


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
