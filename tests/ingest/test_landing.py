"""A landing folder as silver: the least a shop can hand over, twice the same, and one truth in four formats."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from ingest.conftest import Read, rows_of
from sidecart.contracts.frames import conform
from sidecart.contracts.runs import BOOKS
from sidecart.errors import InputError, RuleError
from sidecart.ingest.books import books
from sidecart.ingest.landing import KnownTables, Silver
from sidecart.settings import IngestSettings, Settings, ShopSettings

_ORDERS: list[dict[str, str | None]] = [
    {
        "order_id": "007",
        "line_no": "1",
        "buyer_id": "ann",
        "variant_id": "milk",
        "region_id": "north",
        "quantity": "2",
        "unit_price": "1.25",
        "ordered_at": "2026-03-01T12:00:00+01:00",
    },
    {
        "order_id": "007",
        "line_no": "2",
        "buyer_id": "ann",
        "variant_id": "cre\u0300me",
        "region_id": "north",
        "quantity": "0.5",
        "unit_price": None,
        "ordered_at": "2026-03-01T12:00:00+01:00",
    },
]
_NEWS = (
    ("007", "1", "milk", "north", Decimal("2.0000"), Decimal("1.2500"), datetime(2026, 3, 1, 11)),  # noqa: DTZ001
    ("007", "2", "cr\u00e8me", "north", Decimal("0.5000"), None, datetime(2026, 3, 1, 11)),  # noqa: DTZ001
)
_SHOWN = ("order_id", "line_no", "variant_id", "region_id", "quantity", "unit_price", "ordered_at")


def _books(spark: SparkSession, taken: Silver) -> dict[str, tuple[int, ...]]:
    frame = books(spark, taken.files, taken.entered, "run-1")
    return {row["input"]: tuple(row)[2:] for row in conform(frame, BOOKS).collect()}


def _known(taken: Silver) -> KnownTables:
    none = KnownTables.none(taken.views_new.sparkSession)
    return KnownTables(taken.ingested_files_new, taken.order_events_new, taken.views_new, none.erased_buyers)


def test_the_least_a_shop_can_hand_over_is_enough(spark: SparkSession, shop: Path, read: Read) -> None:
    taken = read(shop)
    assert rows_of(taken.order_events_new, "order_id", "variant_id", "region_id", "status", "currency") == [
        ("o1", "bread", "root", "sale", "EUR"),
        ("o1", "milk", "root", "sale", "EUR"),
    ]
    assert rows_of(taken.catalog, "variant_id", "group_id", "name", "sold_by") == [
        ("bread", "bread", "bread", "unit"),
        ("milk", "milk", "milk", "unit"),
    ]
    assert rows_of(taken.regions, "region_id", "depth") == [("root", 0)]
    assert taken.offers is None
    assert taken.warnings == ()
    assert _books(spark, taken) == {"orders": (2, 2, 0, 0, 0), "catalog": (2, 2, 0, 0, 0)}


def test_a_file_read_twice_changes_nothing_and_a_changed_one_stops(shop: Path, read: Read) -> None:
    known = _known(read(shop))
    (shop / "orders").mkdir()
    (shop / "orders" / "again.csv").write_bytes((shop / "orders.csv").read_bytes())
    again = read(shop, known=known)
    assert [file.input for file in again.files] == ["catalog"]
    assert again.order_events_new.isEmpty()
    (shop / "orders.csv").write_text("order_id,variant_id,quantity,ordered_at\n")
    with pytest.raises(InputError) as error:
        read(shop, known=known)
    assert error.value.code == "FILE_CHANGED"


def test_equal_rows_drop_and_unknown_variants_wait_and_the_books_balance(
    spark: SparkSession, shop: Path, read: Read
) -> None:
    line = "o1,milk,1,2026-03-01\n"
    (shop / "orders.csv").write_text(
        f"order_id,variant_id,quantity,ordered_at\n{line}{line}o2,beer,1,2026-03-01\n,,,\n"
    )
    assert _books(spark, read(shop))["orders"] == (4, 1, 1, 1, 1)


def _as_csv(folder: Path) -> None:
    with (folder / "orders.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(_ORDERS[0]), quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(_ORDERS)


def _as_json(folder: Path) -> None:
    (folder / "orders.jsonl").write_text("".join(json.dumps(row) + "\n" for row in _ORDERS), encoding="utf-8")


def _table() -> pa.Table:
    typed: list[dict[str, Any]] = [
        {
            **row,
            "line_no": int(row["line_no"] or 0),
            "quantity": float(row["quantity"] or 0),
            "unit_price": row["unit_price"] and Decimal(row["unit_price"]),
            "ordered_at": datetime(2026, 3, 1, 11, tzinfo=UTC),
        }
        for row in _ORDERS
    ]
    return pa.Table.from_pylist(typed)


def _as_parquet(folder: Path) -> None:
    (folder / "orders").mkdir()
    pq.write_table(_table(), folder / "orders" / "part 1 [a].parquet")


@pytest.mark.parametrize("write", [_as_csv, _as_json, _as_parquet], ids=["csv", "json", "parquet"])
def test_every_format_says_the_same(landing: Path, read: Read, write: Any) -> None:
    (landing / "catalog.csv").write_text("variant_id,sold_by\nmilk,unit\ncr\u00e8me,weight\n", encoding="utf-8")
    write(landing)
    taken = read(landing, Settings(ingest=IngestSettings(decimal_comma=False)))
    assert rows_of(taken.order_events_new, *_SHOWN) == list(_NEWS)
    assert rows_of(taken.regions, "region_id", "parent_id") == [("north", "root"), ("root", None)]
    keys = {row["buyer_key"] for row in taken.order_events_new.collect()}
    assert len(keys) == 1
    assert "ann" not in keys


def test_a_delta_table_says_the_same(spark: SparkSession, landing: Path, read: Read) -> None:
    (landing / "catalog.csv").write_text("variant_id,sold_by\nmilk,unit\ncr\u00e8me,weight\n", encoding="utf-8")
    _as_parquet(landing.parent)
    frame = spark.read.parquet(str(landing.parent / "orders"))
    frame.write.format("delta").save(str(landing / "orders"))
    taken = read(landing)
    assert rows_of(taken.order_events_new, *_SHOWN) == list(_NEWS)
    assert [(file.relative, file.rows) for file in taken.files if file.input == "orders"] == [
        ("orders/_delta_log/00000000000000000000.json", 2)
    ]


def test_trees_hang_together_and_orphans_are_named(shop: Path, read: Read) -> None:
    (shop / "categories.csv").write_text("category_id,parent_id\ndairy,food\nfood,\nlost,nowhere\n")
    (shop / "regions.csv").write_text("region_id,parent_id\nberlin,de\nde,\nfar,nowhere\n")
    (shop / "catalog.csv").write_text("variant_id,category_id\nmilk,dairy\nbread,bakery\n")
    taken = read(shop, Settings(shop=ShopSettings(default_region="berlin")))
    assert rows_of(taken.categories, "category_id", "parent_id", "depth", "path") == [
        ("bakery", None, 1, ["bakery"]),
        ("dairy", "food", 2, ["food", "dairy"]),
        ("food", None, 1, ["food"]),
        ("lost", None, 1, ["lost"]),
    ]
    assert rows_of(taken.regions, "region_id", "depth", "path") == [
        ("berlin", 2, ["root", "de", "berlin"]),
        ("de", 1, ["root", "de"]),
        ("far", 1, ["root", "far"]),
        ("root", 0, ["root"]),
    ]
    assert [warning.split(":")[0] for warning in taken.warnings] == [
        "CATEGORY_ORPHAN",
        "CATEGORY_ORPHAN",
        "REGION_ORPHAN",
    ]


_BROKEN = [
    ("CATEGORY_CYCLE", "categories.csv", "category_id,parent_id\na,b\nb,c\nc,b\n"),
    (
        "REGION_DEPTH",
        "regions.csv",
        "region_id,parent_id\n" + "".join(f"r{i},{f'r{i - 1}' if i else ''}\n" for i in range(33)),
    ),
    ("DEFAULT_REGION", "regions.csv", "region_id\nnorth\n"),
    ("FILE_EMPTY", "orders.csv", "order_id,variant_id,quantity,ordered_at\n"),
]


@pytest.mark.parametrize(("code", "name", "content"), _BROKEN, ids=[code for code, _, _ in _BROKEN])
def test_a_broken_input_stops_the_run_by_name(shop: Path, read: Read, code: str, name: str, content: str) -> None:
    (shop / name).write_text(content)
    default = "south" if code == "DEFAULT_REGION" else None
    with pytest.raises(InputError) as error:
        read(shop, Settings(shop=ShopSettings(default_region=default)))
    assert error.value.code == code


_RULES = "rule_id,action,anchor_by,anchor_value,candidate_by,candidate_value\n"


def test_rules_that_name_nothing_or_contradict_are_told(shop: Path, read: Read) -> None:
    (shop / "rules.csv").write_text(
        _RULES + "r1,deny,,,variant,beer\nr2,deny,,,variant,milk\nr3,allow,,,variant,milk\n"
    )
    taken = read(shop)
    assert rows_of(taken.rules, "rule_id", "action", "anchor_by", "priority") == [
        ("r1", "deny", "any", 0),
        ("r2", "deny", "any", 0),
        ("r3", "allow", "any", 0),
    ]
    assert taken.warnings == ("RULE_CONFLICT: 1 rules, r2 for one", "RULE_INACTIVE: 1 rules, r1 for one")


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ("r1,deny,,,any,", "RULE_WILDCARD: rule r1: denies every candidate to every anchor"),
        ("r1,deny,,,price,10-25", "RULE_VALUE: rule r1: candidate_value '10-25' is no price band; write 10..25"),
        ("r1,deny,,,price,25..10", "RULE_VALUE: rule r1: candidate_value '25..10' is no price band"),
        ("r1,deny,attribute,green,variant,milk", "RULE_VALUE: rule r1: anchor_value 'green' is no attribute; write"),
    ],
)
def test_a_rule_that_cannot_be_applied_stops_the_run(shop: Path, read: Read, rule: str, complaint: str) -> None:
    (shop / "rules.csv").write_text(_RULES + "r0,deny,,,variant,milk\n" + rule + "\n")
    with pytest.raises(RuleError, match=complaint.replace(".", r"\.")):
        read(shop)


def test_rules_name_groups_brands_and_attributes_and_are_told_which_nobody_knows(shop: Path, read: Read) -> None:
    (shop / "catalog.csv").write_text(
        'variant_id,group_id,brand,attributes\nmilk,milks,Tine,"{""fat"": ""1""}"\nbread,,,\n'
    )
    good = "r1,deny,brand,Tine,group,milks\nr2,deny,group,bread,attribute,fat=1\n"
    (shop / "rules.csv").write_text(_RULES + good + "r3,deny,brand,Acme,attribute,fat=2\n")
    assert read(shop).warnings == ("RULE_INACTIVE: 1 rules, r3 for one",)


def test_a_rule_by_an_attribute_that_an_offer_has_is_known(shop: Path, read: Read) -> None:
    (shop / "offers.csv").write_text('region_id,variant_id,attributes\nnorth,milk,"{""fat"": ""2""}"\n')
    (shop / "rules.csv").write_text(_RULES + "r1,deny,,,attribute,fat=2\nr2,deny,,,attribute,fat=3\n")
    assert read(shop).warnings == ("RULE_INACTIVE: 1 rules, r2 for one",)


def test_price_bands_are_written_as_the_shop_writes_numbers(shop: Path, read: Read) -> None:
    (shop / "rules.csv").write_text(_RULES + 'r1,deny,,,price,"1,50..2,75"\n')
    taken = read(shop, Settings(ingest=IngestSettings(decimal_comma=True)))
    assert rows_of(taken.rules, "rule_id", "candidate_value") == [("r1", "1.50..2.75")]


def test_a_region_that_sells_nothing_is_named_but_not_one_above_others(shop: Path, read: Read) -> None:
    (shop / "regions.csv").write_text("region_id,parent_id\nde,\nberlin,de\nbonn,de\nfr,\n")
    (shop / "offers.csv").write_text("region_id,variant_id\nberlin,milk\n")
    taken = read(shop, Settings(shop=ShopSettings(default_region="berlin")))
    assert [note for note in taken.warnings if "REGION" in note] == ["REGION_EMPTY: 2 without offers, bonn for one"]


def test_the_newest_offer_counts_and_nothing_is_sold_for_nothing(shop: Path, read: Read) -> None:
    (shop / "offers").mkdir()
    (shop / "offers" / "1.csv").write_text(
        "region_id,variant_id,available,price,updated_at\n"
        "north,milk,true,2.00,2026-03-02\nnorth,milk,true,1.00,2026-03-01\nnorth,bread,yes,0,\n"
    )
    (shop / "offers" / "2.csv").write_text("region_id,variant_id,price\nsouth,milk,3\nsouth,milk,4\n")
    taken = read(shop)
    assert taken.offers is not None
    assert rows_of(taken.offers, "region_id", "variant_id", "is_available", "price") == [
        ("north", "bread", False, Decimal("0.0000")),
        ("north", "milk", True, Decimal("2.0000")),
        ("south", "milk", True, Decimal("4.0000")),
    ]


def test_times_and_numbers_are_read_as_the_shop_declares_them(shop: Path, read: Read) -> None:
    (shop / "orders.csv").write_text(
        "order_id,variant_id,quantity,ordered_at\n"
        'gap,milk,"1,0",2026-03-29 02:30\n'
        'twice,milk,"2,0",2025-10-26T02:30:00\n'
        "epoch,milk,3,1772366400\n"
    )
    shop_settings = ShopSettings(timezone="Europe/Berlin")
    taken = read(shop, Settings(shop=shop_settings, ingest=IngestSettings(decimal_comma=True, epoch_unit="seconds")))
    assert rows_of(taken.order_events_new, "order_id", "quantity", "ordered_at") == [
        ("epoch", Decimal("3.0000"), datetime(2026, 3, 1, 12)),  # noqa: DTZ001
        ("gap", Decimal("1.0000"), datetime(2026, 3, 29, 1, 30)),  # noqa: DTZ001
        ("twice", Decimal("2.0000"), datetime(2025, 10, 26, 0, 30)),  # noqa: DTZ001
    ]


def test_a_region_column_that_is_empty_everywhere_is_no_region(shop: Path, read: Read) -> None:
    (shop / "orders.csv").write_text("order_id,variant_id,quantity,ordered_at,region_id\no1,milk,1,2026-03-01,\n")
    assert rows_of(read(shop).order_events_new, "order_id", "region_id") == [("o1", "root")]


def test_what_is_taken_as_it_is_and_may_be_wrong_is_told(shop: Path, read: Read) -> None:
    (shop / "orders.csv").write_text(
        "order_id,line_no,variant_id,quantity,ordered_at,unit_price,currency\n"
        "gap,1,milk,1,2026-03-29 02:30,1.00,EUR\n"
        "twice,1,milk,1,2025-10-26T02:30:00,1.00,EUR\n"
        "told,1,milk,1,2025-10-26T02:30:00+01:00,1.00,EUR\n"
        "plain,1,milk,1,2026-03-29 03:30,1.00,EUR\n"
        "day,1,milk,1,2026-03-29,1.00,EUR\n"
        "both,1,milk,1,2026-03-01 12:00,1.00,EUR\n"
        "both,2,bread,1,2026-03-01 12:00,1.00,USD\n"
        "free,1,milk,1,2026-03-01 12:00,,EUR\n"
    )
    warnings = read(shop, Settings(shop=ShopSettings(timezone="Europe/Berlin"))).warnings
    assert warnings == (
        "PRICE_MISSING: 1 rows, of order free for one",
        "TS_SKIPPED: 1 rows, of order gap for one",
        "TS_TWICE: 1 rows, of order twice for one",
        "CURRENCY_MIXED: 1 orders, both for one",
    )
