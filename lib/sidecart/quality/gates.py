"""Gates: what must hold of a table before it is published, derived from its contract.

One pass aggregates a table to one row of violation counts; Great Expectations judges that row, so that its
report names every check while Spark reads the table once.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.contracts.model import Contract
from sidecart.errors import GateError


@dataclass(frozen=True)
class Verdict:
    """What the gates found of one table: its rows, and the failed checks with how many rows break each."""

    table: str
    rows: int
    failures: dict[str, int]

    @property
    def passed(self) -> bool:
        return not self.failures


def violations(frame: DataFrame, contract: Contract) -> DataFrame:
    """One row: `rows`, and per check of the contract the rows that break it.

    Checks: required columns without nulls (`required_<column>`), the contract's own conditions by name, and
    `key_unique` (rows beyond the first of their key).
    """
    counts = {"rows": F.count(F.lit(1))} | {name: F.count_if(broken) for name, broken in _row_checks(contract).items()}
    return frame.agg(*(count.alias(name) for name, count in counts.items())).crossJoin(_repeated(frame, contract))


def judge(frame: DataFrame, contract: Contract, at_least: int = 0) -> Verdict:
    """Judge a table by its contract; `at_least` is the smallest number of rows it may have."""
    counted = violations(frame, contract).toPandas()
    rows = int(counted["rows"].iloc[0])
    failed = {name: int(counted[name].iloc[0]) for name in _failed_checks(counted, at_least)}
    return Verdict(contract.name, rows, failed)


def require(verdicts: list[Verdict]) -> None:
    """Raise GateError that names every failed check of every table."""
    broken = [
        f"{v.table}.{name}: {v.rows if name == 'rows' else count:,} rows" + (" (too few)" if name == "rows" else "")
        for v in verdicts
        for name, count in v.failures.items()
    ]
    if broken:
        raise GateError("not published, the tables stay as they were; failed: " + "; ".join(broken))


def _row_checks(contract: Contract) -> dict[str, Column]:
    missing = {f"required_{c.name}": F.col(c.name).isNull() for c in contract.columns if c.is_required}
    # A check that is null says nothing: nulls are the business of required_*.
    return missing | {check.name: ~F.expr(check.condition) for check in contract.checks}


def _repeated(frame: DataFrame, contract: Contract) -> DataFrame:
    of_key = frame.groupBy(*contract.key).agg((F.count(F.lit(1)) - 1).alias("extra"))
    return of_key.agg(F.coalesce(F.sum("extra"), F.lit(0)).alias("key_unique"))


def _failed_checks(counted: pd.DataFrame, at_least: int) -> list[str]:
    # Imported here: it takes seconds, and only gates need it.
    import great_expectations as gx
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
    suite = gx.ExpectationSuite(name="contract")
    suite.add_expectation(ExpectColumnMinToBeBetween(column="rows", min_value=at_least))
    for name in counted.columns.drop("rows"):
        suite.add_expectation(ExpectColumnMaxToBeBetween(column=name, max_value=0))
    result = batches.get_batch({"dataframe": counted}).validate(suite)
    failed = [r.expectation_config for r in result.results if not r.success]
    return [config.kwargs["column"] for config in failed if config]
