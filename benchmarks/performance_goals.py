"""How far the goals of counting are met, from what the benchmark kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench_peers import Result

CLUSTER = Path(__file__).resolve().parents[1] / ".cache" / "bench" / "cluster.json"
"""What bench_cluster.py found."""
_SPARK_TOOLS = (
    "Microsoft sarplus",
    "RePlay association rules",
    "RePlay item neighbours",
    "Spark SQL self-join",
    "Spark FPGrowth",
)

Kept = Mapping[str, Mapping[str, "Result"]]


def goals_section(kept: Kept) -> str:
    """A table of goals; one that was not measured says so."""
    rows = [
        ("at 5 million lines, of each Spark tool's CPU", "at most 0.125", _of_spark_tools(kept)),
        ("at 20 million lines, of DuckDB's CPU", "at most 1.2, aim for 0.8", _ratio(kept, "20m", "DuckDB self-join")),
        ("50 million lines in 4 GB", "finishes, ahead of single-machine tools", _in_four_gigabytes(kept)),
        ("CPU per pair event, 5 to 50 million lines", "flat within 20 %", _growth(kept)),
        ("bytes shuffled per pair event", "at most 2", _shuffled(kept)),
        ("its own definition over the bare count, 5 million lines", "at most 2", _own_definition(kept)),
        ("two executors of one core against one", "at least 1.8 times as fast", _speed_up()),
    ]
    lines = [f"| {goal} | {target} | {found} |" for goal, target, found in rows]
    return "\n".join(["## Goals", "", "| | target | measured |", "|---|---|---|", *lines, ""])


def _cpu(kept: Kept, scenario: str, peer: str) -> float | None:
    result = kept.get(scenario, {}).get(peer)
    return result.median("cpu") if result and result.costs else None


def _ratio(kept: Kept, scenario: str, peer: str, ours: str = "sidecart") -> str:
    mine, theirs = _cpu(kept, scenario, ours), _cpu(kept, scenario, peer)
    return f"{mine / theirs:.2f}" if mine and theirs else "-"


def _of_spark_tools(kept: Kept) -> str:
    return ", ".join(f"{tool} {_ratio(kept, '5m', tool)}" for tool in _SPARK_TOOLS)


def _in_four_gigabytes(kept: Kept) -> str:
    told = []
    for peer, result in kept.get("50m", {}).items():
        cpu = _cpu(kept, "50m", peer)
        told.append(f"{peer} {cpu:.0f} CPU s" if cpu else f"{peer}: {result.failure or 'not run'}")
    return ", ".join(told) or "-"


def _growth(kept: Kept) -> str:
    """Of the whole run, and of what each further line costs: a start is in the first, not in the second."""
    found = {name: (_cpu(kept, name, "sidecart"), _fact(kept, name, "pair_events")) for name in ("5m", "20m", "50m")}
    known = [(name, cpu, events) for name, (cpu, events) in found.items() if cpu and events]
    whole = ", ".join(f"{name} {1e6 * cpu / events:.2f}" for name, cpu, events in known)
    steps = [
        f"{before[0]} to {after[0]} {1e6 * (after[1] - before[1]) / (after[2] - before[2]):.2f}"
        for before, after in pairwise(known)
    ]
    return f"microseconds: {whole}; of what was added: {', '.join(steps)}" if known else "-"


def _shuffled(kept: Kept) -> str:
    told = []
    for name in ("5m", "20m", "50m"):
        shuffled, events = _fact(kept, name, "shuffled_bytes"), _fact(kept, name, "pair_events")
        if shuffled and events:
            told.append(f"{name} {shuffled / events:.2f}")
    return ", ".join(told) or "-"


def _own_definition(kept: Kept) -> str:
    return _ratio(kept, "5m", "sidecart", ours="sidecart, its own definition")


def _fact(kept: Kept, scenario: str, name: str) -> float | None:
    result = kept.get(scenario, {}).get("sidecart")
    return result.facts.get(name) if result else None


def _speed_up() -> str:
    if not CLUSTER.is_file():
        return "-"
    told = json.loads(CLUSTER.read_text(encoding="utf-8"))
    return f"{told['one'] / told['two']:.2f} ({told['one']:.1f} s and {told['two']:.1f} s, {told['lines']:,} lines)"
