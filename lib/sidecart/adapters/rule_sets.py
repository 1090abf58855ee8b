"""Manual rules for goods that may stand only beside their like."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pyarrow as pa

from sidecart.adapters.category_paths import path_id

DENY_PRIORITY = 0
ALLOW_PRIORITY = 10


def only_beside_their_like(
    paths: Collection[tuple[str, ...]], kept_apart: Mapping[str, Collection[str]], never: Collection[str] = ()
) -> pa.Table:
    """Rules, one row each: every kind of goods is denied everywhere, and allowed again for anchors of its kind.

    `kept_apart` names for each kind the categories that hold it, wherever in the tree they stand; the goods of
    `never` are denied for all anchors, unless a kind allows them.
    """
    rows = [_rule(f"never-{category}", "deny", None, category) for category in _tops(paths, never)]
    for kind, names in kept_apart.items():
        members = _tops(paths, names)
        rows += [_rule(f"{kind}-{candidate}", "deny", None, candidate) for candidate in members]
        rows += [
            _rule(f"{kind}-{candidate}-beside-{anchor}", "allow", anchor, candidate)
            for candidate in members
            for anchor in members
        ]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


_SCHEMA = pa.schema(
    [
        (name, pa.string())
        for name in ("rule_id", "action", "anchor_by", "anchor_value", "candidate_by", "candidate_value")
    ]
    + [("priority", pa.int64())]
)


def _rule(rule_id: str, action: str, anchor: str | None, candidate: str) -> dict[str, str | int | None]:
    return {
        "rule_id": rule_id,
        "action": action,
        "anchor_by": "category" if anchor else "any",
        "anchor_value": anchor,
        "candidate_by": "category",
        "candidate_value": candidate,
        "priority": ALLOW_PRIORITY if anchor else DENY_PRIORITY,
    }


def _tops(paths: Collection[tuple[str, ...]], names: Collection[str]) -> list[str]:
    """Ids of the highest category of that name on each path, department level left out."""
    found = set()
    for path in paths:
        depths = [depth for depth in range(1, len(path)) if path[depth] in names]
        if depths:
            found.add(path_id(path[: depths[0] + 1]))
    return sorted(found)
