"""Category trees from columns of names: ids that stay unique though names repeat under different parents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import pyarrow as pa

_NOT_PLAIN = re.compile(r"[^a-z0-9]+")
_WORDS = {"<": " under ", ">": " over ", "+": " plus ", "%": " percent "}


def slug(name: str) -> str:
    """The name in small letters and digits, everything else a dash: `BEERS/ALES` is `beers-ales`."""
    spelled = "".join(_WORDS.get(letter, letter) for letter in name.lower())
    return _NOT_PLAIN.sub("-", spelled).strip("-") or "none"


def path_id(names: Iterable[str]) -> str:
    """The category's id: the slugs from the top down, `grocery/pasta-sauce/mainstream`."""
    return "/".join(slug(name) for name in names)


def readable(name: str) -> str:
    """An upper-case label as a title: `FLUID MILK WHITE ONLY` is `Fluid Milk White Only`."""
    return " ".join(name.title().replace("'S", "'s").split())


def category_tree(paths: Iterable[Sequence[str]]) -> pa.Table:
    """One row per category on the way to any of `paths`: category_id, parent_id, name; sorted by id.

    Two different paths with one id raise ValueError: a tree must not join what the shop keeps apart.
    """
    nodes: dict[str, tuple[str, ...]] = {}
    for path in paths:
        for depth in range(1, len(path) + 1):
            node = tuple(path[:depth])
            if nodes.setdefault(path_id(node), node) != node:
                raise ValueError(f"categories {node} and {nodes[path_id(node)]} have the same id {path_id(node)!r}")
    ids = sorted(nodes)
    return pa.table(
        {
            "category_id": pa.array(ids, pa.string()),
            "parent_id": pa.array([path_id(nodes[i][:-1]) if len(nodes[i]) > 1 else None for i in ids], pa.string()),
            "name": pa.array([readable(nodes[i][-1]) for i in ids], pa.string()),
        }
    )
