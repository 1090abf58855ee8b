"""Counting on a standalone cluster of this machine: one executor of one core against two, the same shop.

Each executor, with its Python, keeps to a core of its own; the driver runs where it finds room.

`make bench-cluster`, or `PYTHONPATH=scripts python benchmarks/bench_cluster.py [--lines N] [--rounds N]`. Each cluster
counts once to get warm, then `rounds` times; the median counts. Hashes of all rows are compared before times are shown.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

from performance_goals import CLUSTER
from shops import ROOT, shop
from standalone_cluster import standalone_cluster

FOLDER = ROOT / ".cache" / "bench"
OUT = FOLDER / "cluster"
SCRIPT = ROOT / "scripts" / "cluster_count.py"


def main() -> int:
    """0 when both clusters gave the same rows."""
    told = _arguments()
    here = shop(str(told.lines), FOLDER / "shops")
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    packages = Path(shutil.make_archive(str(OUT / "sidecart"), "zip", ROOT / "lib"))
    one, two = (_counts(here, workers, told, packages) for workers in (1, 2))
    if len({(count["rows"], count["hash"]) for count in (*one, *two)}) != 1:
        print("the clusters gave other rows", file=sys.stderr)
        return 1
    seconds = [statistics.median(count["seconds"] for count in counts[1:]) for counts in (one, two)]
    CLUSTER.write_text(json.dumps({"one": seconds[0], "two": seconds[1], "lines": told.lines}), encoding="utf-8")
    print(f"{one[0]['rows']:,} rows of pair support, the same every time")
    print(f"one executor {seconds[0]:.1f} s, two {seconds[1]:.1f} s: {seconds[0] / seconds[1]:.2f} times as fast")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lines", type=int, default=5_000_000, help="order lines to generate, about")
    parser.add_argument("--rounds", type=int, default=3, help="counts of each cluster once it is warm")
    parser.add_argument("--partitions", type=int, default=8, help="parts and shards of a count")
    return parser.parse_args()


def _counts(here: Path, workers: int, told: argparse.Namespace, packages: Path) -> list[dict[str, Any]]:
    out = OUT / str(workers)
    partitions = [str(told.partitions)] * (told.rounds + 1)
    with standalone_cluster(out / "cluster", workers=workers, memory="1500m", is_pinned=True) as cluster:
        code = cluster.submit(
            SCRIPT, [str(here), str(out), "--partitions", *partitions], packages, executor_memory="1400m"
        )
    if code:
        raise SystemExit(f"the count failed; the reason is in {out / 'cluster' / 'submit.log'}")
    return [json.loads(line) for line in (out / "counted.json").read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    sys.exit(main())
