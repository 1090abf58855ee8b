"""Paths from the top of a tree."""

from __future__ import annotations

import pyarrow as pa

from sidecart.ingest.trees import _tree


def _states(parents: dict[str, str | None], top: str | None = None) -> dict[str, str]:
    batch = pa.RecordBatch.from_pydict({"id": list(parents), "parent_id": list(parents.values())})
    return {row["id"]: row["state"] for part in _tree(top, iter([batch])) for row in part.to_pylist()}


def _chain(length: int) -> dict[str, str | None]:
    return {f"n{i}": f"n{i - 1}" if i else None for i in range(length)}


def test_what_is_in_a_circle_or_below_one_has_no_path() -> None:
    assert _states({"a": "b", "b": "c", "c": "b", "d": None}) == {"a": "cycle", "b": "cycle", "c": "cycle", "d": "ok"}


def test_a_node_above_itself_is_a_circle() -> None:
    assert _states({"a": "a"}) == {"a": "cycle"}


def test_a_long_circle_is_a_circle_and_no_depth() -> None:
    assert set(_states({f"n{i}": f"n{(i + 1) % 100}" for i in range(100)}).values()) == {"cycle"}


def test_32_levels_are_fine_and_33_are_too_deep() -> None:
    assert set(_states(_chain(32)).values()) == {"ok"}
    assert _states(_chain(33))["n32"] == "deep"


def test_below_a_root_there_may_be_32_levels() -> None:
    assert set(_states(_chain(32), "root").values()) == {"ok"}
    assert _states(_chain(33), "root")["n32"] == "deep"


def test_an_unknown_parent_makes_an_orphan_and_the_root_stands_above_all() -> None:
    assert _states({"a": "nowhere", "root": "a"}, "root") == {"a": "orphan", "root": "ok"}
