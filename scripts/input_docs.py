"""Write the tables of docs/inputs.md from the landing contracts and the reason codes; `--check` says whether they are
current instead. The text before "# The inputs" is written by hand.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sidecart.contracts.inputs import INPUTS
from sidecart.contracts.model import InputColumn, InputContract
from sidecart.ingest.reasons import FILE_REASONS, OTHER_REASONS, ROW_REASONS, WARNINGS, Reason

DOCS = Path(__file__).resolve().parents[1] / "docs" / "inputs.md"
_LAST_BY_HAND = "A question mark says that the column may be absent or empty.\n"

EXAMPLES = {
    "orders": """\
order_id,line_no,buyer_id,variant_id,region_id,quantity,unit_price,ordered_at,currency,status,source_seq
1001,1,C-17,shirt-green-l,berlin,2,19.90,2026-03-01T09:30:00+01:00,EUR,,
1001,2,C-17,socks,berlin,1,4.50,2026-03-01T09:30:00+01:00,EUR,sale,1
1002,1,,socks,hamburg,3,4.50,2026-03-02 17:05,,,
1001,1,C-17,shirt-green-l,berlin,-1,19.90,2026-03-09 11:00,EUR,return,
,,C-17,socks,,1,,2026-03-10 11:00,,return,
""",
    "views": """\
session_id,buyer_id,variant_id,region_id,viewed_at,kind
5f1c,C-17,shirt-green-l,berlin,2026-03-01 09:12:44,view
5f1c,C-17,socks,berlin,2026-03-01 09:14:02,cart
a7d0,,socks,,2026-03-02 16:58:31,
""",
    "catalog": """\
variant_id,group_id,category_id,brand,name,attributes,listed_at,sold_by
shirt-green-l,shirt,shirts,Northwind,"Shirt, green, L","{""colour"": ""green"", ""size"": ""L""}",2025-09-01,unit
shirt-red-l,shirt,shirts,Northwind,"Shirt, red, L","{""colour"": ""red"", ""size"": ""L""}",2025-09-01,
socks,,socks,,Socks,,,
""",
    "categories": """\
category_id,parent_id,name
clothes,,Clothes
shirts,clothes,Shirts
socks,clothes,Socks
""",
    "offers": """\
region_id,variant_id,available,price,list_price,attributes,updated_at
berlin,shirt-green-l,true,17.90,19.90,,2026-03-10 06:00
berlin,socks,true,4.50,,,2026-03-10 06:00
hamburg,socks,false,4.50,,"{""shelf"": ""B7""}",2026-03-10 06:00
""",
    "regions": """\
region_id,parent_id,name
germany,,Germany
berlin,germany,Berlin
hamburg,germany,Hamburg
""",
    "rules": """\
rule_id,action,anchor_by,anchor_value,candidate_by,candidate_value,region_id,starts_on,ends_on,priority
no-socks,deny,category,shirts,category,socks,hamburg,2026-03-01,2026-03-31,
but-these,allow,variant,shirt-green-l,variant,socks,,,,10
""",
}
"""One example per input; a test reads them all as one landing folder of a shop whose default region is berlin."""


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` return 1 where it is not current."""
    page = DOCS.read_text(encoding="utf-8")
    by_hand = page[: page.index(_LAST_BY_HAND) + len(_LAST_BY_HAND)]
    if "--check" in arguments:
        return int(page != by_hand + text())
    DOCS.write_text(by_hand + text(), encoding="utf-8")
    return 0


def text() -> str:
    """The part of the page that is made: a section per input, and the codes."""
    inputs = "".join(_section(contract) for contract in INPUTS.values())
    codes = [
        ("Rows that are refused", ROW_REASONS),
        ("Rows that wait or drop", OTHER_REASONS),
        ("What stops a run", FILE_REASONS),
        ("Warnings", WARNINGS),
    ]
    return inputs + "\n# Reason codes\n\nCodes are stable.\n" + "".join(_codes(title, rows) for title, rows in codes)


def _section(contract: InputContract) -> str:
    need = "required" if contract.is_required else "optional"
    lines = [
        f"\n## {contract.name} ({need})\n",
        f"One row: {contract.one_row}. Key: {', '.join(contract.key)}.\n",
        "| column | kind | what it is |",
        "|---|---|---|",
        *(_row(column) for column in contract.columns),
        "",
        *(note + "\n" for note in contract.notes),
        f"```csv\n{EXAMPLES[contract.name]}```",
    ]
    return "\n".join(lines) + "\n"


def _row(column: InputColumn) -> str:
    kind = ", ".join(column.choices) if column.choices else column.kind.value
    return f"| {column.name}{'' if column.is_required else '?'} | {kind} | {column.comment} |"


def _codes(title: str, reasons: tuple[Reason, ...]) -> str:
    rows = "\n".join(f"| `{reason.code}` | {reason.meaning} | {reason.remedy} |" for reason in reasons)
    return f"\n## {title}\n\n| code | when | remedy |\n|---|---|---|\n{rows}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
