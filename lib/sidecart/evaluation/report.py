"""The report of a backtest: one line per table of lists, in the manner of a front to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sidecart.evaluation.item_page import REGION

Figures = Mapping[tuple[str, ...], Mapping[str, Any]]

_COLUMNS = {
    "NDCG": ("item", "other_category", "all", "ndcg"),
    "hit rate": ("item", "other_category", "all", "hit_rate"),
    "recall": ("item", "other_category", "all", "recall"),
    "NDCG, known anchors": ("item", "other_category", "1+", "ndcg"),
    "NDCG, all targets": ("item", "all", "all", "ndcg"),
    "hit rate, new anchors": ("item", "other_category", "0", "hit_rate"),
    "basket page, by rank": ("basket_by_rank", "all", "all", "ndcg"),
    "by score": ("basket_by_score", "all", "all", "ndcg"),
    "bestseller share": ("table", "none", "all", "bestseller_share"),
    "top-20 slots": ("table", "none", "all", "top20_slots"),
    "Gini": ("table", "none", "all", "gini"),
    "reach": ("table", "none", "all", "reach"),
    "logic": ("table", "none", "all", "logic"),
    "illogic": ("table", "none", "all", "illogic"),
    "full": ("table", "none", "all", "full_lists"),
    "dead": ("table", "none", "all", "dead_slots"),
    "overlap": ("table", "none", "all", "overlap_in_category"),
    "bestseller share, as met": ("met", "none", "all", "bestseller_share"),
    "full, as met": ("met", "none", "all", "full_lists"),
}
_RATIO = "ndcg_over_above"
_KEY = ("table_name", "page", "targets", "bucket", "metric")


def markdown(figures: Iterable[Mapping[str, Any]]) -> str:
    """A table of the figures of one split: a line per judged table, best NDCG first, with its 95 % interval."""
    found = {tuple(row[name] for name in _KEY): row for row in figures}
    tables = sorted({key[0] for key in found}, key=lambda table: (-_number(found, table, "NDCG"), table))
    lines = ["| lists | " + " | ".join(_COLUMNS) + " |", "|---" * (1 + len(_COLUMNS)) + "|"]
    lines += [f"| {table} | " + " | ".join(_cell(found, table, name) for name in _COLUMNS) + " |" for table in tables]
    return "\n".join(lines) + "\n"


def by_region_size(figures: Iterable[Mapping[str, Any]]) -> str:
    """A line per judged table and size of regions: its NDCG, how it compares with the lists of the region above, and
    how many lists of the pages met are full; empty where no table stands beside its lists from above.
    """
    found = {tuple(row[name] for name in _KEY): row for row in figures}
    sizes = sorted({key[3] for key in found if key[3].startswith(REGION)}, key=_least)
    tables = sorted({key[0] for key in found if key[4] == _RATIO})
    lines = [
        "| lists | in regions of so many baskets | pages | NDCG | over that of the list from above | full, as met |"
    ]
    lines += ["|---" * 6 + "|"]
    for table in tables:
        for size in sizes:
            ndcg, ratio, full = (
                found.get((table, page, targets, size, metric))
                for page, targets, metric in (
                    ("item", "other_category", "ndcg"),
                    ("item", "other_category", _RATIO),
                    ("met", "none", "full_lists"),
                )
            )
            told = (_told(ndcg), _told(ratio), _told(full))
            lines.append(f"| {table} | {size.removeprefix(REGION)} | {ndcg['n'] if ndcg else 0} | {' | '.join(told)} |")
    return "\n".join(lines) + "\n" if tables else ""


def _least(size: str) -> int:
    """The fewest baskets of a bucket of regions."""
    return int(size.removeprefix(REGION).partition("-")[0].removesuffix("+"))


def _told(row: Mapping[str, Any] | None) -> str:
    if row is None or row["value"] is None:
        return ""
    value = f"{row['value']:.4f}"
    return value if row["low"] is None else f"{value} ({row['low']:.4f} to {row['high']:.4f})"


def _number(found: Figures, table: str, name: str) -> float:
    row = found.get((table, *_COLUMNS[name]))
    return float(row["value"]) if row and row["value"] is not None else 0.0


def _cell(found: Figures, table: str, name: str) -> str:
    row = found.get((table, *_COLUMNS[name]))
    if row is None or row["value"] is None:
        return ""
    interval = f" ({row['low']:.4f} to {row['high']:.4f})" if name == "NDCG" and row["low"] is not None else ""
    digits = 4 if row["low"] is not None else 3
    return f"{row['value']:.{digits}f}{interval}"
