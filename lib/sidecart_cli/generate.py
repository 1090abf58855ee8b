"""Write a generated shop."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What a generated shop must know."""
    parser.add_argument("target", type=Path, help="folder for the landing files; what was planted goes to _planted below")
    parser.set_defaults(do=lambda told: None)
