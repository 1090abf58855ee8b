"""What the operators of a query put out: rows are counted where they flow, whatever a plan says it would do."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pyspark.sql import DataFrame

from builders import configured

_JOINS = ("Join", "CartesianProduct")


def joined_rows(frame: DataFrame) -> Counter[int]:
    """Run the query: how many rows each of its joins put out, and how many joins so many.

    Only a session in this process can say; the plan is one that Spark does not change while it runs.
    """
    with configured(frame.sparkSession, {"spark.sql.adaptive.enabled": "false"}):
        execution = frame.select("*")._jdf.queryExecution()
        execution.toRdd().count()
    return Counter(_rows(node) for node in _nodes(execution.executedPlan()) if node.nodeName().endswith(_JOINS))


def _nodes(node: Any) -> list[Any]:
    children = node.children()
    return [node, *(below for place in range(children.size()) for below in _nodes(children.apply(place)))]


def _rows(node: Any) -> int:
    return int(node.metrics().apply("numOutputRows").value())
