"""Counting pairs and cutting lists, sidecart beside its peers: the same files in, the same rows out.

`python benchmarks/bench_peers.py [SCENARIO ...] [--peers NAME ...] [--rounds N]`. Every peer is a process of its own,
in its own environment, and rounds are interleaved. What a peer wrote is compared before its time counts. Results are
kept in .cache/bench/peers and docs/performance.md is written from them, so scenarios can be run one by one.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from comparing import Reference
from environments import NotInstalledError, python_with, versions
from performance_page import write_page
from process_cost import CommandFailedError, Cost, cost_of
from shops import ROOT, shop

FOLDER = ROOT / ".cache" / "bench"
RESULTS = FOLDER / "peers"
SCRIPTS = Path(__file__).with_name("peers")
THREADS = 2
MOST_SECONDS = 900.0

_SINGLE = ("duckdb>=1.4,<3", "polars>=1.30,<3", "scipy>=1.14,<2", "implicit>=0.7,<0.8", "pyarrow>=15,<27")
_SPARK_3 = ("pyspark>=3.5,<3.6", "pandas>=2.2,<3", "pyarrow>=15,<20", "numpy<2", "setuptools<80")


@dataclass(frozen=True)
class Peer:
    """A tool, the script that uses it, and what it gives."""

    name: str
    script: str
    packages: tuple[str, ...] = ()
    """Of its environment; none: sidecart's own."""
    tells: tuple[str, ...] = ("pyspark",)
    """Whose versions are shown."""
    pairs: bool = True
    score: str = "baskets"
    """What its lists are ranked by."""

    @property
    def can_judge(self) -> bool:
        """Whether others can be compared with what it gives."""
        return self.pairs and self.score == "baskets"

    @property
    def environment(self) -> str:
        """The folder of its packages: named by the first, and shared by all that ask for the same."""
        return self.packages[0].split(">")[0].split("=")[0] if self.packages else ""


SIDECART = Peer("sidecart", "sidecart_count.py", tells=("sidecart", "pyspark", "delta-spark", "numba"))
DUCKDB = Peer("DuckDB self-join", "duckdb_join.py", _SINGLE, ("duckdb",))
POLARS = Peer("Polars self-join", "polars_join.py", _SINGLE, ("polars",))
SCIPY = Peer("scipy sparse product", "scipy_product.py", _SINGLE, ("scipy",))
IMPLICIT = Peer("implicit neighbours", "implicit_neighbours.py", _SINGLE, ("implicit",), pairs=False)
SAR = Peer(
    "Microsoft SAR",
    "sar_single.py",
    ("recommenders>=1.2,<2", "numpy<2", "pyarrow>=15,<20", "setuptools<80"),
    ("recommenders",),
)
SPARK_JOIN = Peer("Spark SQL self-join", "spark_join.py")
SARPLUS = Peer("Microsoft sarplus", "sarplus_spark.py", ("pysarplus==0.6.6", *_SPARK_3), ("pysarplus", "pyspark"))
RULES = Peer("RePlay association rules", "replay_rules.py", ("replay-rec>=0.18", *_SPARK_3), ("replay-rec", "pyspark"))
NEIGHBOURS = Peer(
    "RePlay item neighbours", "replay_neighbours.py", ("replay-rec>=0.18", *_SPARK_3), ("replay-rec", "pyspark"),
    pairs=False, score="cosine",
)  # fmt: skip
FPGROWTH = Peer("Spark FPGrowth", "fpgrowth.py", tells=("pyspark",), score="above a floor")
REAL = Peer("sidecart, its own definition", "sidecart_real.py", tells=("sidecart",), score="buyers")

_MATRICES = (DUCKDB, POLARS, SCIPY, IMPLICIT, SAR)
_SPARKS = (SPARK_JOIN, SARPLUS, RULES, NEIGHBOURS, FPGROWTH)


@dataclass(frozen=True)
class Scenario:
    """A shop, who is asked, how often, and with how much memory."""

    title: str
    shop: str
    peers: tuple[Peer, ...]
    rounds: int = 3
    megabytes: int = 12_000
    is_capped: bool = False
    """Whether a peer that holds more than that is stopped."""


SCENARIOS = {
    "100k": Scenario("100 thousand order lines", "100000", (SIDECART, REAL, *_MATRICES, *_SPARKS), 1),
    "1m": Scenario("1 million order lines", "1000000", (SIDECART, *_MATRICES, *_SPARKS)),
    "5m": Scenario("5 million order lines", "5000000", (SIDECART, REAL, *_MATRICES, *_SPARKS)),
    "20m": Scenario("20 million order lines", "20000000", (SIDECART, *_MATRICES)),
    "50m": Scenario("50 million order lines, 4 GB", "50000000", (SIDECART, *_MATRICES), 1, 4_000, is_capped=True),
    "journey": Scenario("Complete Journey", "complete_journey", (SIDECART, *_MATRICES, *_SPARKS)),
}


@dataclass
class Result:
    """What became of a peer in a scenario."""

    peer: str
    versions: dict[str, str] = field(default_factory=dict)
    costs: list[Cost] = field(default_factory=list)
    rows: str = ""
    """What was compared, and how it came out."""
    failure: str = ""
    facts: dict[str, float] = field(default_factory=dict)
    """What the peer told of itself."""

    def median(self, part: str) -> float:
        """Of its runs: `wall`, `cpu` or `megabytes`; 0 without any."""
        return float(statistics.median(getattr(cost, part) for cost in self.costs)) if self.costs else 0.0


def main() -> int:
    """0 when every peer that finished gave the same rows."""
    told = _arguments()
    is_same = True
    for name in told.scenarios or SCENARIOS:
        results = _run(name, SCENARIOS[name], told.peers, told.rounds)
        is_same &= not any(result.failure.startswith("other rows") for result in results.values())
    write_page(_kept(), SCENARIOS, THREADS)
    return 0 if is_same else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; all without any")
    parser.add_argument(
        "--peers", nargs="+", default=[], help="only those whose name begins so; DuckDB judges and is always there"
    )
    parser.add_argument("--rounds", type=int, help="runs of each; the median counts")
    told = parser.parse_args()
    if unknown := [name for name in told.scenarios if name not in SCENARIOS]:
        parser.error(f"no scenario {', '.join(unknown)}: choose from {', '.join(SCENARIOS)}")
    return told


def _run(name: str, scenario: Scenario, chosen: Sequence[str], rounds: int | None) -> dict[str, Result]:
    RESULTS.mkdir(parents=True, exist_ok=True)
    folder = shop(scenario.shop, FOLDER / "shops")
    peers = [DUCKDB] + [peer for peer in scenario.peers if peer is not DUCKDB]
    if chosen:
        peers = [
            peer for peer in peers if peer is DUCKDB or peer.name.lower().startswith(tuple(map(str.lower, chosen)))
        ]
    results = {peer.name: Result(peer.name) for peer in peers}
    reference = Reference(folder, RESULTS / "reference")
    for round_ in range(rounds or scenario.rounds):
        for peer in peers:
            result = results[peer.name]
            if result.failure:
                continue
            said = _one(peer, scenario, folder, result, reference)
            _keep(name, result)
            print(f"{name} round {round_ + 1}, {peer.name}: {said}", flush=True)
    return results


def _one(peer: Peer, scenario: Scenario, folder: Path, result: Result, reference: Reference) -> str:
    """Run a peer once and say how it went; what went wrong is its result too."""
    out = RESULTS / "out"
    shutil.rmtree(out, ignore_errors=True)
    try:
        python = python_with(peer.packages, FOLDER / "environments" / peer.environment)
        result.versions = result.versions or versions(python, peer.tells)
        cost = cost_of(
            [str(python), str(SCRIPTS / peer.script), str(folder), str(out),
             "--threads", str(THREADS), "--megabytes", str(scenario.megabytes)],
            RESULTS / f"{peer.script}.log",
            SCRIPTS,
            most_seconds=MOST_SECONDS,
            most_megabytes=scenario.megabytes if scenario.is_capped else None,
        )  # fmt: skip
    except (NotInstalledError, CommandFailedError) as reason:
        result.failure = f"could not be installed: {reason}" if isinstance(reason, NotInstalledError) else str(reason)
        result.costs.clear()
        return result.failure
    if not reference.is_there and peer.can_judge:
        reference.take(out)
    if not reference.is_there:
        result.failure = "not compared, as nothing before it gave pairs"
        return result.failure
    if not result.rows:
        result.rows, is_same = reference.compared(out, has_pairs=peer.pairs, score=peer.score)
        if not is_same:
            result.failure = f"other rows: {result.rows}"
            return result.failure
    told = out / "facts.json"
    result.facts = json.loads(told.read_text(encoding="utf-8")) if told.is_file() else {}
    result.costs.append(cost)
    return f"{cost.cpu:.1f} CPU s, {cost.wall:.1f} s"


def _keep(name: str, result: Result) -> None:
    """Beside what was kept of other peers of the scenario."""
    file = RESULTS / f"{name}.json"
    kept = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    file.write_text(json.dumps(kept | {result.peer: asdict(result)}, indent=1), encoding="utf-8")


def _kept() -> dict[str, dict[str, Result]]:
    found: dict[str, dict[str, Result]] = {}
    for name in SCENARIOS:
        file = RESULTS / f"{name}.json"
        if not file.is_file():
            continue
        told = json.loads(file.read_text(encoding="utf-8"))
        found[name] = {
            peer: Result(**{**result, "costs": [Cost(**cost) for cost in result["costs"]]})
            for peer, result in told.items()
        }
    return found


if __name__ == "__main__":
    sys.exit(main())
