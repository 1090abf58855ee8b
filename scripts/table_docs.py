"""Write docs/tables.md from the contracts; `--check` says whether it is current instead."""

from __future__ import annotations

import sys
from pathlib import Path

from sidecart.contracts import gold, runs, silver, state, views
from sidecart.contracts.model import Contract

DOCS = Path(__file__).resolve().parents[1] / "docs" / "tables.md"

_LAYERS: dict[str, tuple[Contract, ...]] = {
    "Gold: what a shop serves": gold.TABLES,
    "Views for analysts": views.VIEWS,
    "State: counts of all history": state.TABLES,
    "Silver: the current truth": silver.TABLES,
    "Runs: what ran on what": runs.TABLES,
}


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` return 1 where it is not current."""
    if "--check" in arguments:
        return int(DOCS.read_text(encoding="utf-8") != text())
    DOCS.write_text(text(), encoding="utf-8")
    return 0


def text() -> str:
    """The page."""
    parts = ["# Tables and views\n\nMade from the contracts by `make docs`; the same comments stand in the tables.\n"]
    for title, contracts in _LAYERS.items():
        parts.append(f"\n## {title}\n")
        parts += [_section(contract) for contract in contracts]
    return "".join(parts)


def _section(contract: Contract) -> str:
    clustered = f" Clustered by {', '.join(contract.cluster_by)}." if contract.cluster_by else ""
    lines = [
        f"\n### {contract.name}\n",
        f"One row: {contract.one_row}. Key: {', '.join(contract.key)}.{clustered}\n",
        "| column | type | what it is |",
        "|---|---|---|",
        *(f"| {c.name}{'' if c.is_required else '?'} | `{c.type}` | {_cell(c.comment)} |" for c in contract.columns),
    ]
    if contract.checks:
        lines += ["", "Holds of every row: " + "; ".join(f"`{check.condition}`" for check in contract.checks) + "."]
    return "\n".join(lines) + "\n"


def _cell(text_: str) -> str:
    return text_.replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
