"""Increments beside recounts: every table that a run adds to, compared with what all of history gives."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.contracts import silver, state
from sidecart.contracts.frames import conform
from sidecart.contracts.model import Contract
from sidecart.ingest.settlement import order_lines, unmatched_returns
from sidecart.storage.run import Run
from sidecart.storage.warehouse import Warehouse
from sidecart_jobs import ingest_landing
from sidecart_jobs.count_history import count_history

COUNTED = tuple(c for c in state.TABLES if c not in state.CHANGES_OF.values())
_INPUTS = (silver.ORDER_LINES, silver.CATALOG, silver.CATEGORIES, silver.REGIONS, silver.VIEWS, state.VARIANT_IDS)


def require_equal_to_recount(run: Run, again: Path) -> None:
    """Every state table as a count of all history (in a new warehouse at `again`) writes it, and order lines as all
    events settle them.
    """
    events, catalog = run.read(silver.ORDER_EVENTS), run.read(silver.CATALOG)
    require_same(run.read(silver.ORDER_LINES), order_lines(events, catalog), silver.ORDER_LINES)
    require_same(run.read(silver.UNMATCHED_RETURNS), unmatched_returns(events, catalog), silver.UNMATCHED_RETURNS)
    fresh = Run.start(Warehouse(run.warehouse.spark, str(again)), run.settings, run.as_of)
    for contract in _INPUTS:
        fresh.write(contract, run.read(contract))
    count_history(fresh)
    for contract in COUNTED:
        require_same(run.read(contract), fresh.read(contract), contract)


def require_same(found: DataFrame, expected: DataFrame, contract: Contract, without: tuple[str, ...] = ()) -> None:
    """The same rows as often, but for columns that name their run; where not, the error shows some of either side."""
    columns = [_plain(c.name, c.type) for c in contract.columns if c.name not in without]
    sides = [conform(side, contract).select(*columns) for side in (found, expected)]
    if _digest(sides[0]) != _digest(sides[1]):
        only = [_some(one.exceptAll(other)) for one, other in (sides, reversed(sides))]
        raise AssertionError(f"{contract.name}: found {only[0]}, expected {only[1]}")


def _plain(name: str, type_: str) -> Column:
    """The column as something that can be hashed and compared."""
    return F.to_json(name).alias(name) if type_.startswith("MAP") else F.col(name)


def _digest(frame: DataFrame) -> tuple[Any, ...]:
    """What tables of the same rows have in common: large ones are not fetched."""
    hashed = frame.select(F.xxhash64(*(F.struct(F.col(name).isNull(), name) for name in frame.columns)).alias("hash"))
    total = F.sum(F.col("hash").cast("decimal(38,0)"))
    return tuple(hashed.agg(F.count(F.lit(1)), total).collect()[0])


def _some(rows: DataFrame) -> list[str]:
    return sorted(str(row) for row in rows.limit(5).collect())


class KilledError(Exception):
    """What a test kills a run with."""


@contextmanager
def killed_after(writes: int) -> Iterator[None]:
    """Runs die when they have written so many tables."""
    begun = itertools.count(1)

    def dying(write: Callable[..., int]) -> Callable[..., int]:
        def write_or_die(*given: Any, **named: Any) -> int:
            if next(begun) > writes:
                raise KilledError
            return write(*given, **named)

        return write_or_die

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "write", dying(Run.write))
        patch.setattr(Run, "merge", dying(Run.merge))
        yield


@contextmanager
def killed_when_judged() -> Iterator[None]:
    """Ingest dies when it has written everything."""

    def die(*_: Any) -> None:
        raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest_landing, "require_silver", die)
        yield
