"""The reason codes: why a row or a file was refused. Codes are stable, docs/inputs.md lists them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What a code does."""

    REFUSE = "row refused"
    HOLD = "row held"
    DROP = "row dropped, counted"
    FAIL = "run fails"
    WARN = "warning"


@dataclass(frozen=True)
class Reason:
    """One code: what it does, when it is given and what to do about it."""

    code: str
    outcome: Outcome
    meaning: str
    remedy: str


def _reasons(outcome: Outcome, *texts: tuple[str, str, str]) -> tuple[Reason, ...]:
    return tuple(Reason(code, outcome, meaning, remedy) for code, meaning, remedy in texts)


ROW_REASONS = _reasons(
    Outcome.REFUSE,
    ("ORDER_ID_MISSING", "a sale or adjustment without an order id", "name the order; only returns may lack it"),
    ("ITEM_MISSING", "no variant id", "name the variant"),
    ("VALUE_MISSING", "a required column is empty", "fill it"),
    ("ID_TOO_LONG", "an id above 256 bytes (a region's: 128)", "shorten it"),
    ("ID_BAD_CHARS", "an id with a control character", "remove it"),
    ("ID_RESERVED", "the region is called __HIVE_DEFAULT_PARTITION__", "export the region itself"),
    ("BAD_ENCODING", "bytes that are not of the declared encoding, or U+FFFD in an id", "export again, or declare it"),
    ("BOM_INSIDE", "a byte order mark inside the file", "don't glue files together with their marks"),
    ("REGION_MISSING", "no region, and the shop has no default one", "set shop.default_region"),
    ("REGION_UNKNOWN", "a region that the input regions lacks", "add it to regions"),
    ("QTY_MISSING", "no quantity", "fill it"),
    ("QTY_NOT_NUMBER", "a quantity that is no number in the declared notation", "see ingest.decimal_comma"),
    ("QTY_RANGE", "a quantity above ingest.max_quantity", "check the unit, or raise the setting"),
    ("QTY_ZERO", "a quantity of zero", "leave such lines out"),
    ("QTY_NEGATIVE", "a negative quantity in a sale or adjustment", "set status to return or cancel"),
    ("QTY_FRACTION", "a fraction of goods that are sold by unit", "set sold_by to weight in the catalogue"),
    ("PRICE_NOT_NUMBER", "a price that is no number in the declared notation", "see ingest.decimal_comma"),
    ("PRICE_RANGE", "a price above 99,999,999,999,999", "check the unit"),
    ("PRICE_NEGATIVE", "a price below zero", "book credits as adjust, with quantity and no price"),
    ("CURRENCY_UNKNOWN", "no ISO 4217 code", "write EUR, USD, …"),
    ("TS_MISSING", "no time", "fill it"),
    ("TS_INVALID", "a time that is none, 30 February for one", "write 2024-05-01T12:30:00, with an offset if known"),
    ("TS_EPOCH_UNIT", "a time that is a plain number, and no unit is declared", "set ingest.epoch_unit"),
    ("TS_FUTURE", "a time after the run's moment and its tolerance", "check clocks, zone and --as-of"),
    ("TS_IMPLAUSIBLE", "a time before ingest.earliest_year, or 1970-01-01 exactly", "look for empty dates upstream"),
    ("DATE_INVALID", "a date that is none", "write 2024-05-01"),
    ("INTEGER_INVALID", "a whole number that is none, or too large", "write digits only"),
    ("BOOLEAN_INVALID", "a truth value that is none", "write true or false"),
    ("CHOICE_UNKNOWN", "a word outside the column's list", "use one of the listed words"),
    ("MAP_INVALID", "attributes that are no JSON object of texts", 'write {"colour": "green"}'),
    ("PII_RAW", "an e-mail address or a telephone number as buyer or session id", "hand over the customer number"),
    ("TEST_ORDER", "an order id that ingest.test_order_pattern matches", "nothing: that is what it is for"),
    ("FIELD_COUNT", "a row with more or fewer fields than the header", "quote fields that hold commas"),
    ("UNCLOSED_QUOTE", "a quote that is never closed, or closed in the middle of a field", 'write "a ""b"" c"'),
    ("JSON_INVALID", "a line that is not one JSON value", "one object per line, nothing behind it"),
    ("JSON_DUP_KEY", "an object with one key twice", "write each key once"),
    ("JSON_NOT_OBJECT", "a line that is a list, null or a plain value", "one object per line"),
    ("JSON_VALUE", "a list or object where a plain value belongs", "flatten it"),
    ("JSON_KEY_CASE", "a key that differs from a column's name by case only", "write the names as documented"),
    ("ROW_TOO_LARGE", "a row above ingest.max_row_bytes, or nested without end", "check the export"),
    ("DUPLICATE_KEY", "two rows of one key with different content in one file; the newer stays", "hand over one"),
    ("RULE_DATES", "a rule that ends before it starts", "swap the dates"),
    ("RULE_SELF", "a rule between a variant and itself", "remove it: no variant stands in its own list"),
)

OTHER_REASONS = (
    *_reasons(
        Outcome.HOLD,
        ("ITEM_UNKNOWN", "an order line whose variant the catalogue lacks", "hand over the catalogue: it joins then"),
    ),
    *_reasons(
        Outcome.DROP,
        ("DUP", "a row equal to one already accepted, or replaced by a newer one of its key", "nothing"),
        (
            "BUYER_ERASED",
            "a row of a buyer whom `sidecart forget` erased; the quarantine keeps its file and line, not its text",
            "nothing; `sidecart forget --lift` where the buyer came back",
        ),
    ),
)

FILE_REASONS = _reasons(
    Outcome.FAIL,
    ("INPUT_MISSING", "no file for a required input", "put orders.csv and catalog.csv into the folder"),
    ("FILE_EMPTY", "all files of a required input are empty", "check the export"),
    ("FILE_CHANGED", "an orders or views file that was read before has new content", "hand it over as a new file"),
    ("FILE_DAMAGED", "a compressed or Parquet file that can't be read to its end", "copy it again"),
    ("FILE_INCOMPLETE", "files disagree with _manifest.json, or _temporary is there", "wait until it is complete"),
    ("FILE_TOO_LARGE", "more than ingest.max_file_bytes after decompression", "split it, or raise the setting"),
    ("PATH_OUTSIDE", "a link or path that leaves the landing folder", "copy the file into the folder"),
    ("FORMAT_UNKNOWN", "a file that is no CSV, JSON lines, Parquet or Delta", "convert it"),
    ("ENCODING", "a file in another encoding than declared", "set ingest.encoding"),
    ("HEADER_DUPLICATE", "a column name twice", "rename one"),
    ("COLUMN_MISSING", "a required column is missing", "name it in the header exactly as documented"),
    ("COLUMN_CASE", "a column that differs from a documented name by case only", "write it as documented"),
    ("TYPE_CHANGED", "a Parquet or Delta column of a type its kind can't have", "cast it, or write text"),
    ("CATEGORY_CYCLE", "categories that are their own parents", "break the circle"),
    ("CATEGORY_DEPTH", "categories more than 32 levels deep", "flatten the tree"),
    ("REGION_CYCLE", "regions that are their own parents", "break the circle"),
    ("REGION_DEPTH", "regions more than 32 levels deep", "flatten the tree"),
    ("BUYER_KEY_MISSING", "no key to hash buyers with", "set SIDECART_BUYER_KEY or SIDECART_BUYER_KEY_FILE"),
    ("BUYER_KEY_SHORT", "a key of less than 16 bytes", "make a random one"),
    ("BUYER_KEY_EXPOSED", "a key file that others can read", "run chmod 600 on it"),
    (
        "RULE_VALUE",
        "a rule by price without a band, or by attribute without an equals sign",
        "write 10..25, ..5, 100.. or colour=green",
    ),
    (
        "RULE_WILDCARD",
        "a rule with `any` on one side that chooses more than ingest.max_wildcard_share of the catalogue on the other",
        "name what it is about, or run with --force",
    ),
    ("DEFAULT_REGION", "shop.default_region is not in the input regions", "add it, or correct the setting"),
)

WARNINGS = _reasons(
    Outcome.WARN,
    ("EMPTY_FILE", "one of several files has no rows", "nothing, if that is true"),
    ("COLUMN_IGNORED", "columns that no contract names", "nothing: they are ignored"),
    ("INPUT_UNKNOWN", "a file or folder that no contract names", "check its name"),
    (
        "FILE_LEFT_OUT",
        'a file of orders or views that can\'t be read, under ingest.on_broken_file = "quarantine"',
        "hand it over again, whole",
    ),
    (
        "SNAPSHOT_NOT_READ",
        "a history folder holds an input that says how things are now; what the newest release holds stays",
        "hand it over with the live files",
    ),
    ("PRICE_MISSING", "sales without a price; they count all the same", "hand it over where offers come from sales"),
    ("CURRENCY_MIXED", "orders with lines in several currencies; prices are never summed", "check the export"),
    ("TS_SKIPPED", "times that a clock change skipped, moved forward by the gap", "write times with an offset"),
    ("TS_TWICE", "times that a clock change made twice, taken as the first", "write times with an offset"),
    ("REGION_EMPTY", "a region that offers nothing, nor does any below it; it has no lists", "hand over its offers"),
    ("CATEGORY_ORPHAN", "a category whose parent, or a variant whose category, the tree lacks", "add it"),
    ("REGION_ORPHAN", "a region whose parent the tree lacks; it hangs under the root", "add it"),
    (
        "RULE_INACTIVE",
        "a rule that names a variant, group, category, brand, attribute or region nobody knows",
        "correct it",
    ),
    ("RULE_CONFLICT", "an allow and a deny of the same pairs at one priority; deny wins", "raise one's priority"),
)

REASONS = {reason.code: reason for reason in (*ROW_REASONS, *OTHER_REASONS, *FILE_REASONS, *WARNINGS)}
