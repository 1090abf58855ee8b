"""Every code for a refused row has a row here that gets it. The landing folder below is read once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest.conftest import Read
from sidecart.ingest.reasons import ROW_REASONS
from sidecart.settings import IngestSettings, Settings

_ORDER = {
    "order_id": "o1",
    "buyer_id": "ann",
    "variant_id": "milk",
    "region_id": "north",
    "quantity": "1",
    "unit_price": "2.50",
    "ordered_at": "2026-03-01T12:00:00",
    "currency": "EUR",
    "status": "sale",
    "source_seq": "1",
}
_ORDERS: list[tuple[str, dict[str, str]]] = [
    ("ORDER_ID_MISSING", {"order_id": ""}),
    ("ORDER_ID_MISSING", {"order_id": "   "}),
    ("ITEM_MISSING", {"variant_id": ""}),
    ("ID_TOO_LONG", {"order_id": "o" * 257}),
    ("ID_TOO_LONG", {"region_id": "r" * 129}),
    ("ID_BAD_CHARS", {"order_id": "o\x001"}),
    ("ID_BAD_CHARS", {"variant_id": "mi\x1flk"}),
    ("ID_RESERVED", {"region_id": "__HIVE_DEFAULT_PARTITION__"}),
    ("BAD_ENCODING", {"order_id": "o\ufffd"}),
    ("BOM_INSIDE", {"order_id": "\ufeffo1"}),
    ("REGION_MISSING", {"region_id": ""}),
    ("REGION_UNKNOWN", {"region_id": "atlantis"}),
    ("QTY_MISSING", {"quantity": ""}),
    ("QTY_NOT_NUMBER", {"quantity": "12x"}),
    ("QTY_NOT_NUMBER", {"quantity": "NaN"}),
    ("QTY_NOT_NUMBER", {"quantity": "Infinity"}),
    ("QTY_NOT_NUMBER", {"quantity": "\uff11\uff12"}),
    ("QTY_RANGE", {"quantity": "3e9"}),
    ("QTY_ZERO", {"quantity": "0"}),
    ("QTY_NEGATIVE", {"quantity": "-2"}),
    ("QTY_NEGATIVE", {"quantity": "-2", "status": "adjust"}),
    ("QTY_FRACTION", {"quantity": "1.5"}),
    ("PRICE_NOT_NUMBER", {"unit_price": "cheap"}),
    ("PRICE_RANGE", {"unit_price": "1e400"}),
    ("PRICE_NEGATIVE", {"unit_price": "-0.01"}),
    ("CURRENCY_UNKNOWN", {"currency": "EURO"}),
    ("TS_MISSING", {"ordered_at": ""}),
    ("TS_INVALID", {"ordered_at": "2026-02-30"}),
    ("TS_EPOCH_UNIT", {"ordered_at": "1772366400"}),
    ("TS_FUTURE", {"ordered_at": "2026-03-31T12:05:01Z"}),
    ("TS_IMPLAUSIBLE", {"ordered_at": "1999-12-31"}),
    ("TS_IMPLAUSIBLE", {"ordered_at": "1970-01-01T00:00:00Z"}),
    ("INTEGER_INVALID", {"source_seq": "1.0"}),
    ("CHOICE_UNKNOWN", {"status": "sold"}),
    ("PII_RAW", {"buyer_id": "ann@example.org"}),
    ("PII_RAW", {"buyer_id": "+49 151 234567"}),
    ("TEST_ORDER", {"order_id": "TEST-1"}),
]
_LINES: list[tuple[str, str]] = [
    ("FIELD_COUNT", "o1,ann,milk,north,1,2.50,2026-03-01,EUR,sale,1,extra"),
    ("UNCLOSED_QUOTE", 'o1,ann,"milk,north,1,2.50,2026-03-01,EUR,sale,1'),
    ("ROW_TOO_LARGE", "o" * 6000 + ",ann,milk,north,1,2.50,2026-03-01,EUR,sale,1"),
]
_VIEWS: list[tuple[str, str]] = [
    ("JSON_INVALID", '{"session_id": "s1"} and more'),
    ("JSON_DUP_KEY", '{"session_id": "s1", "session_id": "s2"}'),
    ("JSON_NOT_OBJECT", "[]"),
    ("JSON_NOT_OBJECT", "null"),
    ("JSON_VALUE", '{"session_id": ["s1"]}'),
    ("JSON_KEY_CASE", '{"Session_ID": "s1"}'),
    ("ROW_TOO_LARGE", "[" * 4500),
    ("VALUE_MISSING", '{"variant_id": "milk", "viewed_at": "2026-03-01", "region_id": "north"}'),
    ("BAD_ENCODING", '{"session_id": "\\ud83d", "variant_id": "milk", "viewed_at": "2026-03-01"}'),
    ("TS_MISSING", '{"session_id": "s1", "variant_id": "milk", "region_id": "north"}'),
    ("PII_RAW", '{"session_id": "s@example.org", "variant_id": "milk", "viewed_at": "2026-03-01"}'),
]
_RULES: list[tuple[str, str]] = [
    ("VALUE_MISSING", "r1,deny,,,variant,,,,"),
    ("VALUE_MISSING", "r2,deny,category,,variant,milk,,,"),
    ("RULE_DATES", "r3,deny,,,variant,milk,2026-03-02,2026-03-01,"),
    ("RULE_SELF", "r4,deny,variant,milk,variant,milk,,,"),
    ("DATE_INVALID", "r5,deny,,,variant,milk,2026-02-30,,"),
    ("CHOICE_UNKNOWN", "r6,forbid,,,variant,milk,,,"),
    ("INTEGER_INVALID", "r7,deny,,,variant,milk,,,high"),
]
_OFFERS = [
    ("BOOLEAN_INVALID", "north,milk,perhaps,1.00"),
    ("PRICE_NOT_NUMBER", 'north,milk,true,"1,00"'),
    ("REGION_UNKNOWN", "atlantis,milk,true,1.00"),
]
_CATALOG = [
    ("MAP_INVALID", "ham,,[1]"),
    ("MAP_INVALID", 'egg,,"{""size"": {""of"": ""egg""}}"'),
    ("DUPLICATE_KEY", "milk,Milk of yesterday,"),
]


def _expected() -> dict[tuple[str, int], str]:
    """The code of every bad row by file and line."""
    orders = [code for code, _ in _ORDERS] + [code for code, _ in _LINES]
    parts = {
        "orders.csv": (2, orders),
        "views.jsonl": (1, [code for code, _ in _VIEWS]),
        "rules.csv": (2, [code for code, _ in _RULES]),
        "offers.csv": (2, [code for code, _ in _OFFERS]),
        "catalog.csv": (2, [code for code, _ in _CATALOG]),
    }
    return {(file, first + i): code for file, (first, codes) in parts.items() for i, code in enumerate(codes)}


def _write(folder: Path) -> None:
    header = ",".join(_ORDER)
    rows = [",".join({**_ORDER, **change}.values()) for _, change in _ORDERS]
    _lines(folder / "orders.csv", header, *rows, *(line for _, line in _LINES), ",".join(_ORDER.values()))
    _lines(folder / "views.jsonl", *(line for _, line in _VIEWS))
    header = "rule_id,action,anchor_by,anchor_value,candidate_by,candidate_value,starts_on,ends_on,priority"
    _lines(folder / "rules.csv", header, *(line for _, line in _RULES))
    _lines(folder / "offers.csv", "region_id,variant_id,available,price", *(line for _, line in _OFFERS))
    _lines(folder / "catalog.csv", "variant_id,name,attributes", *(line for _, line in _CATALOG), "milk,Milk,")
    _lines(folder / "regions.csv", "region_id", "north")


def _lines(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def refused(read: Read, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], dict[str, str]]:
    """The quarantine of the folder, by file and line."""
    folder = tmp_path_factory.mktemp("bad")
    _write(folder)
    settings = Settings(ingest=IngestSettings(test_order_pattern="^TEST-", max_row_bytes=5000))
    rows = read(folder, settings).quarantine.collect()
    assert len({(row["source_file"], row["source_line"]) for row in rows}) == len(rows)
    return {(row["source_file"], row["source_line"]): row.asDict() for row in rows}


@pytest.mark.parametrize(("place", "code"), _expected().items(), ids=lambda value: str(value).replace(" ", ""))
def test_a_bad_row_is_refused_with_its_code(
    refused: dict[tuple[str, int], dict[str, str]], place: tuple[str, int], code: str
) -> None:
    assert refused.get(place, {}).get("reason_code") == code


def test_no_good_row_is_refused(refused: dict[tuple[str, int], dict[str, str]]) -> None:
    assert set(refused) == set(_expected())


def test_every_code_for_rows_has_a_row_here() -> None:
    assert set(_expected().values()) == {reason.code for reason in ROW_REASONS}


def test_no_buyer_or_visit_is_legible_in_the_quarantine(refused: dict[tuple[str, int], dict[str, str]]) -> None:
    raw = json.dumps([row["raw"] for row in refused.values()])
    assert "ann" not in raw
    assert "example.org" not in raw
    assert "151 234567" not in raw
    assert "s1" not in raw


def test_the_rest_of_a_refused_row_is_as_it_came(refused: dict[tuple[str, int], dict[str, str]]) -> None:
    row = next(row for row in refused.values() if row["reason_code"] == "QTY_NOT_NUMBER")
    assert row["raw"] == "o1,***,milk,north,12x,2.50,2026-03-01T12:00:00,EUR,sale,1"
    assert row["column_name"] == "quantity"


def test_where_the_buyer_is_cannot_be_told_letters_and_digits_are_hidden(
    refused: dict[tuple[str, int], dict[str, str]],
) -> None:
    row = next(row for row in refused.values() if row["reason_code"] == "FIELD_COUNT")
    assert row["raw"] == "xx,xxx,xxxx,xxxxx,x,x.xx,xxxx-xx-xx,xxx,xxxx,x,xxxxx"
