"""Trees of categories and regions: each node's path from the top. A tree fits into one task's memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from sidecart.errors import InputError

MAX_DEPTH = 32
_SHOWN = 5
_NODES = T.StructType(
    [
        T.StructField("id", T.StringType()),
        T.StructField("parent_id", T.StringType()),
        T.StructField("path", T.ArrayType(T.StringType(), containsNull=False)),
        T.StructField("state", T.StringType()),
    ]
)
_ARROW = pa.schema(
    [("id", pa.string()), ("parent_id", pa.string()), ("path", pa.list_(pa.string())), ("state", pa.string())]
)


def with_paths(nodes: DataFrame, top: str | None = None) -> DataFrame:
    """Nodes (id, parent_id) with `path`, the ids from the top down, and `state`: ok, orphan, cycle or deep.

    A node without a parent, or with an unknown one (orphan), hangs under `top`, or is at the top itself where there is
    none. Nodes in or below a cycle, or deeper than 32 levels, have no path.
    """
    return nodes.select("id", "parent_id").coalesce(1).mapInArrow(partial(_tree, top), _NODES)


def require_tree(tree: DataFrame, stem: str) -> None:
    """Raises InputError <stem>_CYCLE or <stem>_DEPTH, naming some of the nodes."""
    broken = tree.where("state IN ('cycle', 'deep')").orderBy("state", "id").limit(_SHOWN).collect()
    if not broken:
        return
    ids = ", ".join(row["id"] for row in broken)
    if broken[0]["state"] == "cycle":
        raise InputError(f"{stem}_CYCLE", f"{ids}: each is above itself, or below one that is; break the circle")
    raise InputError(f"{stem}_DEPTH", f"{ids}: more than {MAX_DEPTH} levels deep; flatten the tree")


def orphan_warnings(tree: DataFrame, code: str) -> list[str]:
    """One sentence that counts the orphans and names the first, or none."""
    found = tree.where("state = 'orphan'").agg(F.count("*").alias("n"), F.min("id").alias("first")).collect()[0]
    return [f"{code}: {found['n']} without a known parent, {found['first']} for one"] if found["n"] else []


def _tree(top: str | None, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    parents: dict[str, str | None] = {}
    for batch in batches:
        parents.update(zip(batch.column("id").to_pylist(), batch.column("parent_id").to_pylist(), strict=True))
    orphans = {node for node, above in parents.items() if above is not None and above != top and above not in parents}
    hung = {node: top if node in orphans or above is None else above for node, above in parents.items() if node != top}
    if top is not None:
        hung[top] = None
    longest = MAX_DEPTH if top is None else MAX_DEPTH + 1
    rows = [_row(node, hung, orphans, longest) for node in hung]
    columns = zip(*rows, strict=True) if rows else [()] * len(_ARROW)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, _ARROW, strict=True)]
    yield pa.RecordBatch.from_arrays(arrays, schema=_ARROW)


def _row(
    node: str, parents: Mapping[str, str | None], orphans: set[str], longest: int
) -> tuple[str, str | None, list[str] | None, str]:
    path: list[str] = []
    above: str | None = node
    while above is not None and above not in path and len(path) < longest:
        path.append(above)
        above = parents[above]
    if above is not None:
        return node, parents[node], None, "cycle" if above in path else _deep_or_cycle(node, parents)
    return node, parents[node], path[::-1], "orphan" if node in orphans else "ok"


def _deep_or_cycle(node: str, parents: Mapping[str, str | None]) -> str:
    """What a climb beyond the limit meets: the top, or itself."""
    slow: str | None = node
    fast: str | None = node
    while fast is not None:
        fast = parents[fast]
        if fast is None:
            break
        fast, slow = parents[fast], parents[slow] if slow is not None else None
        if fast is not None and fast == slow:
            return "cycle"
    return "deep"
