"""Texts to values: for each kind of column the value, and the code of what is wrong with the text.

Each function takes a text column (trimmed, empty is null) and gives a `Parsed`: both members are columns, so that
nothing is counted or collected here. Nothing is guessed: what the declared notation does not allow is refused.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.contracts.model import InputColumn, InputContract, Kind
from sidecart.ingest.currencies import ISO_4217
from sidecart.settings import Settings

_NUMBER = r"^[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?$"
_INTEGER = r"^[+-]?[0-9]{1,18}$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_LOCAL = r"^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]{1,9})?)?)?"
_OFFSET = r"(?: ?(Z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?))?$"
_EPOCH = {"seconds": (r"^[0-9]{1,11}$", 1_000_000), "milliseconds": (r"^[0-9]{1,14}$", 1_000)}
_TRUE = ("true", "t", "yes", "y", "1")
_FALSE = ("false", "f", "no", "n", "0")
_MISSING = {
    "order_id": "ORDER_ID_MISSING",
    "variant_id": "ITEM_MISSING",
    "quantity": "QTY_MISSING",
    "ordered_at": "TS_MISSING",
    "viewed_at": "TS_MISSING",
}


@dataclass(frozen=True)
class Parsed:
    """A value column, and a column with the code of what is wrong with the text, null where nothing is."""

    value: Column
    fault: Column


@dataclass(frozen=True)
class Moment:
    """What times are measured against: the run's moment and the shop's settings."""

    as_of: datetime
    settings: Settings


def typed_rows(raw: DataFrame, contract: InputContract, moment: Moment) -> DataFrame:
    """Raw rows with the contract's columns as values: source_file, source_line, fault (code, column), the texts as they
    came (struct `came`, raw text included) and one column per contract column."""
    parsed = {column.name: parse(column, moment) for column in contract.columns}
    earlier = fault(F.col("fault_code").isNotNull(), F.col("fault_code"), F.col("fault_column"))
    faults = [fault(parsed[name].fault.isNotNull(), parsed[name].fault, F.lit(name)) for name in contract.column_names]
    return raw.select(
        "source_file",
        "source_line",
        F.struct("raw", *contract.column_names).alias("came"),
        F.coalesce(earlier, *faults).alias("fault"),
        *(parsed[name].value.alias(name) for name in contract.column_names),
    )


def fault(is_bad: Column, code: Column | str, column: Column | str | None = None) -> Column:
    """A struct of code and column where the condition holds, else null. Texts are the code and column themselves."""
    code = F.lit(code) if isinstance(code, str) else code
    column = F.lit(column).cast("string") if column is None or isinstance(column, str) else column
    return F.when(is_bad, F.struct(code.alias("code"), column.alias("column")))


def parse(column: InputColumn, moment: Moment) -> Parsed:
    """The column parsed as its kind says; a required one that is empty is at fault."""
    text = F.col(column.name)
    parsed = _by_kind(text, column, moment)
    if not column.is_required:
        return parsed
    missing = F.when(text.isNull(), F.lit(_MISSING.get(column.name, "VALUE_MISSING")))
    return Parsed(parsed.value, F.coalesce(missing, parsed.fault))


def _by_kind(text: Column, column: InputColumn, moment: Moment) -> Parsed:
    ingest = moment.settings.ingest
    match column.kind:
        case Kind.NUMBER:
            return number(text, "QTY", ingest.decimal_comma)
        case Kind.MONEY:
            return money(text, ingest.decimal_comma)
        case Kind.INTEGER:
            return integer(text)
        case Kind.CURRENCY:
            return currency(text)
        case Kind.BOOLEAN:
            return boolean(text)
        case Kind.CHOICE:
            return choice(text, column.choices)
        case Kind.TIMESTAMP:
            return timestamp(text, moment)
        case Kind.DATE:
            value = F.when(text.rlike(_DATE), text).try_cast("date")
            return _checked(text, value, "DATE_INVALID")
        case Kind.MAP:
            return Parsed(F.from_json(text, "map<string,string>"), _no_fault())
    return Parsed(text, _no_fault())


def number(text: Column, prefix: str, decimal_comma: bool) -> Parsed:
    """A DECIMAL(18,4), rounded half up; codes <prefix>_NOT_NUMBER and <prefix>_RANGE."""
    plain = F.translate(text, ",.", ".,") if decimal_comma else text
    is_number = plain.rlike(_NUMBER)
    value = F.when(is_number, plain).try_cast("decimal(18,4)")
    out_of_range = F.when(text.isNotNull() & value.isNull(), F.lit(f"{prefix}_RANGE"))
    return Parsed(value, F.when(~is_number, F.lit(f"{prefix}_NOT_NUMBER")).otherwise(out_of_range))


def money(text: Column, decimal_comma: bool) -> Parsed:
    """A price: a number that is not negative; codes PRICE_*."""
    parsed = number(text, "PRICE", decimal_comma)
    return Parsed(parsed.value, F.coalesce(parsed.fault, F.when(parsed.value < 0, F.lit("PRICE_NEGATIVE"))))


def integer(text: Column) -> Parsed:
    """A BIGINT of at most 18 digits."""
    return _checked(text, F.when(text.rlike(_INTEGER), text).try_cast("bigint"), "INTEGER_INVALID")


def currency(text: Column) -> Parsed:
    """An ISO 4217 code, in capitals."""
    code = F.upper(text)
    return _checked(text, F.when(code.isin(*sorted(ISO_4217)), code), "CURRENCY_UNKNOWN")


def boolean(text: Column) -> Parsed:
    """true, t, yes, y, 1 and false, f, no, n, 0, in any case."""
    word = F.lower(text)
    value = F.when(word.isin(*_TRUE), F.lit(True)).when(word.isin(*_FALSE), F.lit(False))
    return _checked(text, value, "BOOLEAN_INVALID")


def choice(text: Column, choices: tuple[str, ...]) -> Parsed:
    """One of the words, in small letters."""
    word = F.lower(text)
    return _checked(text, F.when(word.isin(*choices), word), "CHOICE_UNKNOWN")


def timestamp(text: Column, moment: Moment) -> Parsed:
    """An instant; without an offset it is the shop's time. A time that a clock change skips moves forward by the gap,
    one that happens twice is the first. Codes TS_*."""
    value = F.coalesce(_written_instant(text, moment.settings.shop.timezone), _epoch_instant(text, moment))
    is_digits = text.rlike("^[0-9]+$")
    if moment.settings.ingest.epoch_unit == "none":
        invalid = F.when(is_digits, F.lit("TS_EPOCH_UNIT")).when(value.isNull(), F.lit("TS_INVALID"))
    else:
        invalid = F.when(value.isNull(), F.lit("TS_INVALID"))
    return Parsed(value, F.when(text.isNotNull(), F.coalesce(invalid, _implausible(value, moment))))


def _written_instant(text: Column, zone: str) -> Column:
    pattern = _LOCAL + _OFFSET
    part = [F.regexp_extract(text, pattern, i) for i in range(5)]
    day, minute, second = part[1], _or(part[2], "00:00"), _or(part[3], ":00")
    offset = F.regexp_replace(part[4], r"^([+-][0-9]{2}):?([0-9]{2})$", "$1:$2")
    offset = F.regexp_replace(offset, r"^([+-][0-9]{2})$", "$1:00")
    local = F.concat(day, F.lit(" "), minute, second)
    return F.when(text.rlike(pattern), F.concat_ws(" ", local, _or(offset, zone))).try_cast("timestamp")


def _or(text: Column, default: str) -> Column:
    return F.when(text == "", F.lit(default)).otherwise(text)


def _epoch_instant(text: Column, moment: Moment) -> Column:
    unit = moment.settings.ingest.epoch_unit
    if unit == "none":
        return F.lit(None).cast("timestamp")
    pattern, micros = _EPOCH[unit]
    return F.timestamp_micros(F.when(text.rlike(pattern), text).try_cast("bigint") * micros)


def _implausible(value: Column, moment: Moment) -> Column:
    ingest = moment.settings.ingest
    latest = moment.as_of + timedelta(minutes=ingest.future_tolerance_minutes)
    earliest = datetime(ingest.earliest_year, 1, 1, tzinfo=moment.settings.shop.zone)
    return (
        F.when(value > _instant(latest), F.lit("TS_FUTURE"))
        .when(value < _instant(earliest), F.lit("TS_IMPLAUSIBLE"))
        .when(value == F.timestamp_micros(F.lit(0)), F.lit("TS_IMPLAUSIBLE"))
    )


def _instant(at: datetime) -> Column:
    """The moment as a literal that no session time zone can shift."""
    return F.timestamp_micros(F.lit(calendar.timegm(at.utctimetuple()) * 1_000_000 + at.microsecond))


def _checked(text: Column, value: Column, code: str) -> Parsed:
    return Parsed(value, F.when(text.isNotNull() & value.isNull(), F.lit(code)))


def _no_fault() -> Column:
    return F.lit(None).cast("string")
