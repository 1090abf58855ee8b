"""A run: what it speaks of, what it read and wrote, and how it ends."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart import __version__
from sidecart.contracts.frames import rows
from sidecart.contracts.model import Contract, Layer
from sidecart.contracts.runs import RUNS, STAGES
from sidecart.contracts.state import CHANGES_OF, LAYOUT
from sidecart.errors import StorageError
from sidecart.settings import Settings
from sidecart.storage.releases import Narrow, all_rows, current_versions, publish, release_versions, with_changes
from sidecart.storage.warehouse import RELEASED, Mode, Warehouse, Written

_LOG = logging.getLogger("sidecart.run")


_TABLES_AT_ONCE = 4
"""Tables written together: a small one mostly waits for plans and commits, on one core."""


@dataclass(frozen=True)
class Output:
    """One table to write: its rows, the table it mainly reads, and whether it adds to what is there."""

    contract: Contract
    frame: DataFrame
    reads: Contract | None = None
    mode: Mode = "overwrite"


@dataclass(frozen=True)
class Stage:
    """One table that a run wrote."""

    name: str
    rows_in: int
    rows_out: int
    seconds: float


@dataclass
class Run:
    """Reads and writes tables in the name of one run, and says on the way what it does."""

    warehouse: Warehouse
    settings: Settings
    as_of: datetime
    run_id: str
    started_at: datetime
    buyer_key_id: str | None = None
    stages: list[Stage] = field(default_factory=list)
    _rows: dict[str, int] = field(default_factory=dict)

    @staticmethod
    def start(warehouse: Warehouse, settings: Settings, as_of: datetime, run_id: str | None = None) -> Run:
        """Begin a run, or go on with one that another process began under `run_id`."""
        now = datetime.now(UTC)
        return Run(warehouse, settings, as_of, run_id or f"run-{now:%Y%m%dT%H%M%S%f}", now)

    @property
    def release_id(self) -> str:
        """The release this run publishes if it may; ids sort by time."""
        return self.run_id.replace("run-", "release-", 1)

    def rewind(self) -> None:
        """Take back what a run that never ended left after the newest release."""
        rewound = self.warehouse.rewind(release_versions(self.warehouse))
        if rewound:
            _LOG.warning("took back unpublished commits of %s", ", ".join(rewound))

    def withdraw(self, *contracts: Contract) -> None:
        """Take away what an earlier try of this run added to tables that no run takes back: it would be told twice."""
        for contract in contracts:
            if not self.read_or_empty(contract).where(F.col("run_id") == F.lit(self.run_id)).isEmpty():
                self.warehouse.withdraw(contract, self.run_id)
                _LOG.warning("took back an earlier try's rows of %s", contract.name)

    def read(self, contract: Contract, narrow: Narrow = all_rows) -> DataFrame:
        """The table as this run sees it: its newest version, with all that runs added to it.

        Only those rows that `narrow` leaves, see with_changes.
        """
        return with_changes(contract, self.read_stored, narrow)

    def read_stored(self, contract: Contract) -> DataFrame:
        """The same without what runs added; no rows of a table that does not exist yet but was to be added to."""
        return self.read_or_empty(contract) if contract in CHANGES_OF.values() else self.warehouse.read(contract)

    def rewind_state(self) -> None:
        """Take back what an earlier try of this run wrote to state tables, so that it is not counted twice."""
        state = [contract for contract in RELEASED if contract.layer == Layer.STATE]
        if rewound := self.warehouse.rewind(release_versions(self.warehouse), state):
            _LOG.warning("took back unpublished commits of %s", ", ".join(rewound))

    def read_root(self, contract: Contract) -> DataFrame:
        """Rows of the whole shop of a table by region."""
        is_root = F.col("region_id") == F.lit(self.settings.shop.root_region)
        return self.read(contract, lambda rows: rows.where(is_root))

    def read_or_empty(self, contract: Contract) -> DataFrame:
        """The table, or no rows of it where it does not exist yet."""
        if self.warehouse.exists(contract):
            return self.warehouse.read(contract)
        return rows(self.warehouse.spark, contract, [])

    def write(
        self, contract: Contract, frame: DataFrame, reads: Contract | None = None, mode: Mode = "overwrite"
    ) -> int:
        """Write a stage's result and report it: rows in (of the table it mainly reads), rows out, seconds."""
        begun = time.monotonic()
        written = self.warehouse.write(contract, frame, self.run_id, mode)
        rows_in = self._rows_of(reads) if reads else written.rows
        self._report(contract, written, Stage(contract.name, rows_in, written.rows, time.monotonic() - begun))
        return written.rows

    def merge(self, contract: Contract, changes: DataFrame) -> int:
        """Change rows of a table (see Warehouse.merge) and report it: rows changed, seconds."""
        begun = time.monotonic()
        written = self.warehouse.merge(contract, changes, self.run_id)
        self._report(contract, written, Stage(contract.name, written.rows, written.rows, time.monotonic() - begun))
        self._rows.pop(contract.name)
        return written.rows

    def write_together(self, *outputs: Output) -> None:
        """Write tables that do not read one another, several at a time; an error is raised when all have ended."""
        with ThreadPoolExecutor(_TABLES_AT_ONCE) as pool:
            done = [pool.submit(self.write, o.contract, o.frame, o.reads, o.mode) for o in outputs]
        for write in done:
            write.result()

    def publish(self) -> None:
        """Make what this run wrote what readers see, and close its record."""
        now = datetime.now(UTC)
        publish(self.warehouse, self.release_id, self.run_id, self.as_of, now, current_versions(self.warehouse))
        self._close("published", None, self.release_id)

    def fail(self, outcome: str, reason: str) -> None:
        """Take back what this run wrote and record why; `outcome` is refused (a gate) or failed (an error)."""
        self.rewind()
        self._close(outcome, reason[:4000], None)

    def use_buyer_key(self, key_id: str) -> None:
        """Note which key hashes this run's buyers.

        Raises StorageError where the shop's history was hashed with another.
        """
        last = self._last_buyer_key_id()
        if last not in (None, key_id):
            raise StorageError(
                f"the buyer key has changed (id {key_id}, history has {last}): every buyer would be"
                " a new one; give the old key, or import all of history into a new warehouse"
            )
        self.buyer_key_id = key_id

    def _last_buyer_key_id(self) -> str | None:
        """The key of the newest published run; None before the first."""
        if not self.warehouse.exists(RUNS):
            return None
        published = self.read(RUNS).where("outcome = 'published' AND buyer_key_id IS NOT NULL")
        row = published.agg(F.max_by("buyer_key_id", "started_at").alias("key_id")).first()
        return row["key_id"] if row else None

    def _rows_of(self, contract: Contract) -> int:
        if contract.name not in self._rows:
            # Without what runs added: to sum both for a line of the log would cost more than many a stage.
            self._rows[contract.name] = self.read_stored(contract).count()
        return self._rows[contract.name]

    def _report(self, contract: Contract, written: Written, stage: Stage) -> None:
        self._rows[contract.name] = written.rows
        self.stages.append(stage)
        _LOG.info(
            "%-26s %12s rows in %12s out %8.1f s",
            stage.name,
            f"{stage.rows_in:,}",
            f"{stage.rows_out:,}",
            stage.seconds,
            extra={
                "stage": stage.name,
                "rows_in": stage.rows_in,
                "rows_out": stage.rows_out,
                "version": written.version,
            },
        )

    def _close(self, outcome: str, reason: str | None, release_id: str | None) -> None:
        record = {
            "run_id": self.run_id,
            "as_of": self.as_of,
            "started_at": self.started_at,
            "ended_at": datetime.now(UTC),
            "outcome": outcome,
            "reason": reason,
            "code_version": __version__,
            "settings_hash": self.settings.digest(),
            "state_layout": LAYOUT,
            "settings": self.settings.as_json(),
            "release_id": release_id,
            "buyer_key_id": self.buyer_key_id,
        }
        spark = self.warehouse.spark
        done = [
            {"run_id": self.run_id, "stage": s.name, "rows_in": s.rows_in, "rows_out": s.rows_out, "seconds": s.seconds}
            for s in self.stages
        ]
        self.warehouse.write(STAGES, rows(spark, STAGES, done).coalesce(1), self.run_id, mode="append")
        self.warehouse.write(RUNS, rows(spark, RUNS, [record]).coalesce(1), self.run_id, mode="append")
