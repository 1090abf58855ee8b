"""The examples of docs/inputs.md are a shop that works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ingest.conftest import Read, rows_of
from sidecart.ingest.settlement import order_lines
from sidecart.settings import Settings, ShopSettings

ROOT = Path(__file__).resolve().parents[2]


def _examples() -> dict[str, str]:
    """The CSV example of each input, from the page itself."""
    page = (ROOT / "docs" / "inputs.md").read_text(encoding="utf-8").split("# The inputs")[1]
    sections = [part for part in page.split("\n## ") if "```csv" in part]
    return {part.split(" ", 1)[0]: part.split("```csv\n")[1].split("```")[0] for part in sections}


def test_the_tables_of_the_inputs_page_are_current() -> None:
    done = subprocess.run([sys.executable, "scripts/input_docs.py", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "docs/inputs.md is old; run `make docs`"


def test_the_examples_are_one_shop_without_a_refused_row(landing: Path, read: Read) -> None:
    for name, example in _examples().items():
        (landing / f"{name}.csv").write_text(example)
    taken = read(landing, Settings(shop=ShopSettings(default_region="berlin")))
    assert [row["raw"] for row in taken.quarantine.collect()] == []
    assert taken.warnings == ()
    assert taken.views_new.count() == 3
    left = order_lines(taken.order_events_new, taken.catalog)
    assert rows_of(left.selectExpr("order_id", "line_key", "int(quantity_left) n"), "order_id", "line_key", "n") == [
        ("1001", "1", 1),
        ("1001", "2", 0),
        ("1002", "1", 3),
    ]
