"""Gates: what must hold of tables before they are published, derived from their contracts.

One pass aggregates every table to a row of violation counts, all tables in one query; Great Expectations judges the
counts, so that its report names every check while Spark reads each table once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from threading import Thread

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.contracts.model import Contract
from sidecart.errors import GateError


@dataclass(frozen=True)
class Gated:
    """A table to judge, and the smallest number of rows it may have."""

    frame: DataFrame
    contract: Contract
    at_least: int = 0


@dataclass(frozen=True)
class Verdict:
    """What the gates found of one table: its rows, and the failed checks with how many rows break each."""

    table: str
    rows: int
    failures: dict[str, int]

    @property
    def passed(self) -> bool:
        return not self.failures


def load_judge() -> None:
    """Begin to import Great Expectations, which takes seconds, beside what the caller does until it judges."""

    def load() -> None:
        with suppress(ImportError):  # judge() says it where someone hears it
            import_module("great_expectations.expectations.core")

    Thread(target=load, name="great-expectations", daemon=True).start()


def violations(frame: DataFrame, contract: Contract) -> DataFrame:
    """One row: `rows`, and per check of the contract the rows that break it.

    Checks: required columns without nulls (`required_<column>`), the contract's own conditions by name, and
    `key_unique` (rows beyond the first of their key).
    """
    counts = {"rows": F.count(F.lit(1))} | {name: F.count_if(broken) for name, broken in _row_checks(contract).items()}
    return frame.agg(*(count.alias(name) for name, count in counts.items())).crossJoin(_repeated(frame, contract))


def judge(*tables: Gated) -> list[Verdict]:
    """Judge tables by their contracts, in the order given."""
    counted = [_by_name(violations(table.frame, table.contract), table.contract) for table in tables]
    found = {row["table"]: row["counts"] for row in reduce(DataFrame.unionByName, counted).collect()}
    failed = _failed_checks(tables, found)
    return [
        Verdict(name, found[name]["rows"], {check: found[name][check] for check in failed.get(name, ())})
        for name in (table.contract.name for table in tables)
    ]


def require(verdicts: list[Verdict], remedies: Mapping[str, str] | None = None) -> None:
    """Raise GateError that names every failed check of every table, and its remedy where `table.check` has one."""
    remedies = remedies or {}
    broken = [
        f"{v.table}.{name}: {v.rows if name == 'rows' else count:,} rows" + (" (too few)" if name == "rows" else "")
        for v in verdicts
        for name, count in v.failures.items()
    ]
    if broken:
        told = "".join(
            f". {remedies[f'{v.table}.{name}']}"
            for v in verdicts
            for name in v.failures
            if f"{v.table}.{name}" in remedies
        )
        raise GateError(f"not published, the tables stay as they were; failed: {'; '.join(broken)}{told}")


def _row_checks(contract: Contract) -> dict[str, Column]:
    missing = {f"required_{c.name}": F.col(c.name).isNull() for c in contract.columns if c.is_required}
    # A check that is null says nothing: nulls are the business of required_*.
    return missing | {check.name: ~F.expr(check.condition) for check in contract.checks}


def _repeated(frame: DataFrame, contract: Contract) -> DataFrame:
    of_key = frame.groupBy(*contract.key).agg((F.count(F.lit(1)) - 1).alias("extra"))
    return of_key.agg(F.coalesce(F.sum("extra"), F.lit(0)).alias("key_unique"))


def _by_name(counts: DataFrame, contract: Contract) -> DataFrame:
    """The row of counts as a map, so that tables with different checks stand in one frame."""
    entries = [part for name in counts.columns for part in (F.lit(name), F.col(name))]
    return counts.select(F.lit(contract.name).alias("table"), F.create_map(*entries).alias("counts"))


def _failed_checks(tables: Sequence[Gated], found: Mapping[str, Mapping[str, int]]) -> dict[str, list[str]]:
    """Table to its failed checks: a column of the judged row is one check of one table."""
    # Imported here: it takes seconds, and only gates need it.
    import great_expectations as gx
    import pandas as pd
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.expectations.core.expect_column_max_to_be_between import ExpectColumnMaxToBeBetween
    from great_expectations.expectations.core.expect_column_min_to_be_between import ExpectColumnMinToBeBetween

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    batches = (
        context.data_sources.add_pandas("gates")
        .add_dataframe_asset("counts")
        .add_batch_definition_whole_dataframe("all")
    )
    suite = gx.ExpectationSuite(name="contracts")
    judged = {}
    for table in tables:
        for check, count in found[table.contract.name].items():
            column = f"{table.contract.name}.{check}"
            judged[column] = [count]
            if check == "rows":
                suite.add_expectation(ExpectColumnMinToBeBetween(column=column, min_value=table.at_least))
            else:
                suite.add_expectation(ExpectColumnMaxToBeBetween(column=column, max_value=0))
    failed: dict[str, list[str]] = {}
    for result in batches.get_batch({"dataframe": pd.DataFrame(judged)}).validate(suite).results:
        if not result.success and result.expectation_config:
            name, check = result.expectation_config.kwargs["column"].split(".", 1)
            failed.setdefault(name, []).append(check)
    return failed
