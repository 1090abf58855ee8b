"""docs/performance.md, from what the benchmark kept."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from performance_goals import goals_section

if TYPE_CHECKING:
    from bench_peers import Result, Scenario

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
_AGAINST = "DuckDB self-join"

_HEAD = """# Performance

Written by `make bench` (`benchmarks/bench_peers.py`); nothing here is typed by hand.

Every tool reads the same files of order lines (basket, variant) and writes how many baskets hold each pair of
variants, both directions, and the {depth} best of each variant. A run is one process tree from its start to its end,
so the start of Python and of Spark is in it, and for sidecart the commits of its Delta tables. CPU seconds and memory
are of the whole tree (memory: what it holds alone and its share of what it shares, at its highest, looked at every
second). Tools of one run of the benchmark take turns; the median is shown, the least and the most beside it where
there are several. What the first run of each wrote was compared before any time was counted: the sum of a hash over
all pairs, every place of a list and every candidate's count. Tools on Spark have its defaults but for cores, memory and
eight shuffle partitions; sidecart has the session that a run of its chain has.

Machine: {machine}. Each tool may use {threads} threads.
"""


def write_page(kept: Mapping[str, Mapping[str, Result]], scenarios: Mapping[str, Scenario], threads: int) -> None:
    """Write the page anew from all that is kept."""
    told = [_HEAD.format(depth=100, machine=_machine(), threads=threads)]
    told += [_section(scenarios[name], results) for name, results in kept.items()]
    told.append(goals_section(kept))
    told.append(_versions(kept))
    PAGE.write_text("\n".join(told), encoding="utf-8")


def _section(scenario: Scenario, results: Mapping[str, Result]) -> str:
    against = results.get(_AGAINST)
    base = against.median("cpu") if against and against.costs else None
    lines = [f"## {scenario.title}", ""]
    if scenario.is_capped:
        lines += [f"A tool whose process tree holds more than {scenario.megabytes:,} MB at once is stopped.", ""]
    lines += ["| | CPU s | wall s | peak MB | of DuckDB's CPU | rows |", "|---|---|---|---|---|---|"]
    lines += [_row(result, base) for result in results.values()]
    lines += [_facts(result) for result in results.values() if result.facts and result.costs]
    return "\n".join([*lines, ""])


def _facts(result: Result) -> str:
    """What the count told of itself, per pair event."""
    facts = result.facts
    events = facts["pair_events"]
    actual, planned = facts["shuffled_bytes"] / events, facts["planned_bytes"] / events
    return (
        f"\n{result.peer}: {events:,.0f} pair events, {facts['shards']:.0f} shards,"
        f" {actual:.2f} bytes shuffled per event (planned {planned:.2f}),"
        f" {facts['counted_cpu']:.0f} s of CPU for counting (planned {facts['planned_cpu']:.0f}),"
        f" {1e6 * result.median('cpu') / events:.2f} microseconds per event for all, start and commits included."
    )


def _row(result: Result, base: float | None) -> str:
    if result.failure or not result.costs:
        return f"| {result.peer} | - | - | - | - | {result.failure or 'not run'} |"
    ratio = f"{result.median('cpu') / base:.2f}" if base else "-"
    memory = f"{max(cost.megabytes for cost in result.costs):,.0f}"
    return (
        f"| {result.peer} | {_spread(result, 'cpu')} | {_spread(result, 'wall')} | {memory} | {ratio} | {result.rows} |"
    )


def _spread(result: Result, part: str) -> str:
    values = [getattr(cost, part) for cost in result.costs]
    if len(values) == 1:
        return f"{values[0]:.1f}"
    return f"{result.median(part):.1f} ({min(values):.1f} to {max(values):.1f})"


def _versions(kept: Mapping[str, Mapping[str, Result]]) -> str:
    told: dict[str, str] = {"Python": platform.python_version()}
    for results in kept.values():
        for result in results.values():
            if result.versions:
                told[result.peer] = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    lines = [f"| {name} | {version} |" for name, version in told.items()]
    return "\n".join(["## Versions", "", "| | |", "|---|---|", *lines, ""])


def _machine() -> str:
    memory = round(psutil.virtual_memory().total / 2**30)
    return f"{psutil.cpu_count()} cores ({_processor()}), {memory} GiB, {platform.system()}"


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    names = (
        [line.split(":")[1].strip() for line in told.read_text().splitlines() if line.startswith("model name")]
        if told.is_file()
        else []
    )
    return names[0] if names else platform.machine()
