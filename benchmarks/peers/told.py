"""What every peer is told, and the shape of what it gives back; needs nothing but Python.

A peer reads `lines/*.parquet` (basket BIGINT, variant INT; each once) and writes
`pairs/*.parquet`: anchor, candidate, baskets: how many baskets hold both; both directions, nothing with itself;
`lists/*.parquet`: anchor, candidate, score: the DEPTH best of each anchor, larger is better.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

DEPTH = 100


@dataclass(frozen=True)
class Told:
    """Where to read and write, and what may be used."""

    lines: str
    out: Path
    threads: int
    megabytes: int


def told() -> Told:
    """The arguments of the command line; makes the folder of results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("shop", type=Path, help="folder with lines/*.parquet")
    parser.add_argument("out", type=Path, help="folder for pairs and lists")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--megabytes", type=int, required=True, help="memory for the whole process tree")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    return Told(str(given.shop / "lines" / "*.parquet"), given.out, given.threads, given.megabytes)
