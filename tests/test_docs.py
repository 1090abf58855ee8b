"""The documentation says what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_page_of_tables_is_made_from_the_contracts_as_they_are() -> None:
    done = subprocess.run([sys.executable, "scripts/table_docs.py", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "docs/tables.md is old; run `make docs`"
