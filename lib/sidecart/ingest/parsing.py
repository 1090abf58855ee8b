"""Texts to values: for each kind of column the value, and the code of what is wrong with the text.

A value function takes a text column (trimmed, empty is null) and is null where the text is no such value; `complaint`
then says why. Nothing is guessed: what the declared notation does not allow is refused.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.contracts.model import InputColumn, InputContract, Kind
from sidecart.ingest.currencies import ISO_4217
from sidecart.settings import Settings

_NUMBER = r"^[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?$"
_INTEGER = r"^[+-]?[0-9]{1,18}$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_OFFSET = r"(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)$"
_TIME = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?))?)?$"
)
_DATE_LENGTH = 10
_EPOCH = {"seconds": (r"^[0-9]{1,11}$", 1_000_000), "milliseconds": (r"^[0-9]{1,14}$", 1_000)}
_TRUE = ("true", "t", "yes", "y", "1")
_FALSE = ("false", "f", "no", "n", "0")
_INVALID = {
    Kind.INTEGER: "INTEGER_INVALID",
    Kind.CURRENCY: "CURRENCY_UNKNOWN",
    Kind.BOOLEAN: "BOOLEAN_INVALID",
    Kind.CHOICE: "CHOICE_UNKNOWN",
    Kind.DATE: "DATE_INVALID",
    Kind.MAP: "MAP_INVALID",
}
_MISSING = {
    "order_id": "ORDER_ID_MISSING",
    "variant_id": "ITEM_MISSING",
    "quantity": "QTY_MISSING",
    "ordered_at": "TS_MISSING",
    "viewed_at": "TS_MISSING",
}


@dataclass(frozen=True)
class Moment:
    """What times are measured against: the run's moment and the shop's settings."""

    as_of: datetime
    settings: Settings

    @property
    def day(self) -> date:
        """The day it is in the shop."""
        return self.as_of.astimezone(self.settings.shop.zone).date()


def typed_rows(raw: DataFrame, contract: InputContract, moment: Moment) -> DataFrame:
    """Raw rows with the contract's columns as values: source_file, source_line, fault (code, column), the texts as they
    came (struct `came`, raw text included) and one column per contract column.

    Values first, faults from them next, so that no text is parsed twice.
    """
    valued = raw.select(
        "source_file",
        "source_line",
        "fault_code",
        "fault_column",
        F.struct("raw", *contract.column_names).alias("came"),
        *(value(F.col(column.name), column, moment).alias(column.name) for column in contract.columns),
    )
    earlier = fault(F.col("fault_code").isNotNull(), F.col("fault_code"), F.col("fault_column"))
    codes = {column.name: _code(column, moment) for column in contract.columns}
    faults = [fault(code.isNotNull(), code, name) for name, code in codes.items()]
    return valued.withColumn("fault", F.coalesce(earlier, *faults)).drop("fault_code", "fault_column")


def fault(is_bad: Column, code: Column | str, column: Column | str | None = None) -> Column:
    """A struct of code and column where the condition holds, else null. Texts are the code and column themselves."""
    code = F.lit(code) if isinstance(code, str) else code
    column = F.lit(column).cast("string") if column is None or isinstance(column, str) else column
    return F.when(is_bad, F.struct(code.alias("code"), column.alias("column")))


def _code(column: InputColumn, moment: Moment) -> Column:
    text, parsed = F.col(f"came.{column.name}"), F.col(column.name)
    code = complaint(text, parsed, column, moment)
    missing = F.lit(_MISSING.get(column.name, "VALUE_MISSING") if column.is_required else None).cast("string")
    return F.when(text.isNull(), missing).otherwise(code)


def value(text: Column, column: InputColumn, moment: Moment) -> Column:
    """The text as its kind's value, null where it is none."""
    if column.kind in (Kind.NUMBER, Kind.MONEY):
        return number(text, decimal_comma=moment.settings.ingest.decimal_comma)
    if column.kind == Kind.CHOICE:
        return choice(text, column.choices)
    if column.kind == Kind.TIMESTAMP:
        return timestamp(text, moment)
    return _SIMPLE[column.kind](text)


def complaint(text: Column, parsed: Column, column: InputColumn, moment: Moment) -> Column:
    """The code of what is wrong with a text that is not null, given its parsed value; null where nothing is."""
    match column.kind:
        case Kind.NUMBER:
            return _number_complaint(text, parsed, "QTY", moment)
        case Kind.MONEY:
            negative = F.when(parsed < 0, F.lit("PRICE_NEGATIVE"))
            return F.coalesce(_number_complaint(text, parsed, "PRICE", moment), negative)
        case Kind.TIMESTAMP:
            return _time_complaint(text, parsed, moment)
    return F.when(parsed.isNull(), F.lit(_INVALID.get(column.kind)).cast("string"))


def number(text: Column, *, decimal_comma: bool = False) -> Column:
    """A DECIMAL(18,4), rounded half up; null for what is no number in the declared notation, or too large."""
    plain = _with_point(text, decimal_comma=decimal_comma)
    return F.when(plain.rlike(_NUMBER), plain).try_cast("decimal(18,4)")


def integer(text: Column) -> Column:
    """A BIGINT of at most 18 digits."""
    return F.when(text.rlike(_INTEGER), text).try_cast("bigint")


def currency(text: Column) -> Column:
    """An ISO 4217 code, in capitals."""
    code = F.upper(text)
    return F.when(code.isin(*sorted(ISO_4217)), code)


def boolean(text: Column) -> Column:
    """true, t, yes, y, 1 and false, f, no, n, 0, in any case."""
    word = F.lower(text)
    return F.when(word.isin(*_TRUE), F.lit(True)).when(word.isin(*_FALSE), F.lit(False))


def choice(text: Column, choices: tuple[str, ...]) -> Column:
    """One of the words, in small letters."""
    word = F.lower(text)
    return F.when(word.isin(*choices), word)


def timestamp(text: Column, moment: Moment) -> Column:
    """An instant; without an offset it is the shop's time. A time that a clock change skips moves forward by the gap,
    one that happens twice is the first. A plain number is a time only in a shop that declares an epoch unit.
    """
    zone = f" {moment.settings.shop.timezone}"
    minute, behind = F.substring(text, 1, 16), F.substring(text, 17, 64)
    to_second = F.when(behind.startswith(":"), text).otherwise(F.concat(minute, F.lit(":00"), behind))
    complete = (
        F.when(F.length(text) == _DATE_LENGTH, F.concat(text, F.lit(" 00:00:00"), F.lit(zone)))
        .when(text.rlike(_OFFSET), to_second)
        .otherwise(F.concat(to_second, F.lit(zone)))
    )
    written = F.when(text.rlike(_TIME), complete).try_cast("timestamp")
    unit = moment.settings.ingest.epoch_unit
    if unit == "none":
        return written
    pattern, micros = _EPOCH[unit]
    return F.coalesce(written, F.timestamp_micros(F.when(text.rlike(pattern), text).try_cast("bigint") * micros))


def clock_change(text: Column, parsed: Column, moment: Moment) -> Column:
    """`skipped` where the shop's clocks never showed the time, `twice` where they showed it twice, else null.

    `text` is what `timestamp` made `parsed` of; a time with an offset is never in doubt.
    """
    zone = moment.settings.shop.timezone
    if zone == "UTC":
        return F.lit(None).cast("string")
    is_day = F.length(text) == _DATE_LENGTH
    written = F.when(is_day, F.concat(text, F.lit(" 00:00"))).otherwise(F.translate(F.substring(text, 1, 16), "T", " "))
    is_local = text.rlike(_TIME) & (is_day | ~text.rlike(_OFFSET))

    def shown(instant: Column) -> Column:
        return F.date_format(F.from_utc_timestamp(instant, zone), "yyyy-MM-dd HH:mm")

    an_hour_later = parsed + F.make_dt_interval(hours=F.lit(1))
    return F.when(is_local & (shown(parsed) != written), F.lit("skipped")).when(
        is_local & (shown(an_hour_later) == written), F.lit("twice")
    )


def day(text: Column) -> Column:
    """A DATE written as 2024-05-01."""
    return F.when(text.rlike(_DATE), text).try_cast("date")


def attributes(text: Column) -> Column:
    """A map of texts from the one JSON form that washing leaves."""
    return F.from_json(text, "map<string,string>")


def _as_it_is(text: Column) -> Column:
    return text


_SIMPLE: dict[Kind, Callable[[Column], Column]] = {
    Kind.ID: _as_it_is,
    Kind.TEXT: _as_it_is,
    Kind.INTEGER: integer,
    Kind.CURRENCY: currency,
    Kind.BOOLEAN: boolean,
    Kind.DATE: day,
    Kind.MAP: attributes,
}


def _number_complaint(text: Column, parsed: Column, prefix: str, moment: Moment) -> Column:
    is_number = _with_point(text, decimal_comma=moment.settings.ingest.decimal_comma).rlike(_NUMBER)
    code = F.when(is_number, F.lit(f"{prefix}_RANGE")).otherwise(F.lit(f"{prefix}_NOT_NUMBER"))
    return F.when(parsed.isNull(), code)


def _with_point(text: Column, *, decimal_comma: bool) -> Column:
    return F.translate(text, ",.", ".,") if decimal_comma else text


def _time_complaint(text: Column, parsed: Column, moment: Moment) -> Column:
    ingest = moment.settings.ingest
    latest = moment.as_of + timedelta(minutes=ingest.future_tolerance_minutes)
    earliest = datetime(ingest.earliest_year, 1, 1, tzinfo=moment.settings.shop.zone)
    has_unit = ingest.epoch_unit != "none"
    invalid = F.when(text.rlike("^[0-9]+$") & ~F.lit(has_unit), F.lit("TS_EPOCH_UNIT")).otherwise(F.lit("TS_INVALID"))
    return (
        F.when(parsed.isNull(), invalid)
        .when(parsed > instant(latest), F.lit("TS_FUTURE"))
        .when((parsed < instant(earliest)) | (parsed == F.timestamp_micros(F.lit(0))), F.lit("TS_IMPLAUSIBLE"))
    )


def moment_of(micros: int) -> datetime:
    """The moment of F.unix_micros, in UTC: a time that Spark collects has no zone."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)


def instant(at: datetime) -> Column:
    """The moment as a literal that no session time zone can shift."""
    return F.timestamp_micros(F.lit(calendar.timegm(at.utctimetuple()) * 1_000_000 + at.microsecond))
