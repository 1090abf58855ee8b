"""Write a generated shop: landing files, and beside them what was planted."""

from __future__ import annotations

import argparse
from pathlib import Path

from sidecart.generator import settings as shapes
from sidecart.generator.settings import GeneratorSettings
from sidecart.generator.shop import PLANTED_FOLDER, write_shop


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What a generated shop must know."""
    parser.add_argument("target", type=Path, help=f"landing folder; what was planted goes to {PLANTED_FOLDER}/ in it")
    parser.add_argument("--segment", choices=("grocery", "fashion"), default="grocery")
    parser.add_argument("--seed", type=int, default=1, help="another seed is another shop of the same shape")
    parser.add_argument("--lines", type=int, help="about so many order lines; the small demo's size without it")
    parser.add_argument("--format", choices=("parquet", "csv"), default="parquet")
    parser.set_defaults(do=generate)


def generate(told: argparse.Namespace) -> None:
    """Write the shop and say how to run it."""
    planted = write_shop(told.target, _settings(told), told.format)
    print(", ".join(f"{name} {count:,}" for name, count in planted.rows.items()))
    print(f"sidecart run --landing {told.target} --warehouse WAREHOUSE --as-of {planted.as_of.isoformat()}")


def _settings(told: argparse.Namespace) -> GeneratorSettings:
    if told.lines is None:
        return shapes.small(told.segment, told.seed)
    return shapes.bench(told.lines, told.segment, told.seed)
