"""The only place that knows Delta: create, read, write and rewind a shop's tables."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from itertools import pairwise
from threading import Lock
from typing import Literal
from uuid import uuid4

from pyspark.errors import AnalysisException, StreamingQueryException
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from sidecart.contracts.frames import TABLES, conform, schema
from sidecart.contracts.model import Contract, Layer
from sidecart.contracts.runs import INGESTED_FILES
from sidecart.contracts.silver import QUARANTINE
from sidecart.errors import StorageError
from sidecart.storage.location import Location, local_path, location_of

_LOG = logging.getLogger("sidecart.run")

Mode = Literal["overwrite", "append"]

RELEASED = tuple(
    contract
    for contract in TABLES.values()
    if (contract.layer != Layer.RUNS and contract != QUARANTINE) or contract == INGESTED_FILES
)
"""Tables that a release names and a failed run takes back; the books of all runs stay."""

_RETENTION = {
    "delta.logRetentionDuration": "interval 60 days",
    "delta.deletedFileRetentionDuration": "interval 60 days",
}
_VECTORS = "delta.enableDeletionVectors"
_COMMIT_MARK = "spark.databricks.delta.commitInfo.userMetadata"
_TELLING = Lock()
"""What is told to the session holds for its every thread; writes beside it name what they need themselves."""
_CUTTING = _RETENTION | {"delta.checkpointInterval": "1", "delta.deletedFileRetentionDuration": "interval 0 hours"}
_CUT = _RETENTION | {"delta.checkpointInterval": "10"}
_VACUUMING = {
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",
    "spark.databricks.delta.vacuum.logging.enabled": "false",
}
_TIDYING = {
    "spark.databricks.delta.optimize.minFileSize": str(16 * 2**20),
    "spark.databricks.delta.optimize.maxFileSize": str(32 * 2**20),
}
"""Files small enough that a day opens a few of a long table's, and large enough that a query is not many files."""
_TIDIED_EVERY = 64
"""Commits to a table after which its small files become large ones."""
_TURNS = (0, 1)
"""Of the versions; the one may have been given to a commit that takes others back."""
_LONG_BYTES = 64 * 2**20
"""A write of more to a table that is long in time is clustered at once: years of orders."""
_LONG_SHARE = 0.25
"""Of the table: clustering writes all of it, which a large shop's day is no reason for."""
_CHANGED_ROWS = ("numTargetRowsUpdated", "numTargetRowsDeleted")
_STATISTICS = "delta.dataSkippingStatsColumns"
_DAY = 86_400
_SPANS = 16
"""Stretches of days that a merge names: changes of a day are of the last weeks, and of some days before."""
_PEOPLE = ("buyer_key", "session_id")


@dataclass(frozen=True)
class Written:
    """What a write left: the table's version and how many rows it added."""

    version: int
    rows: int


@dataclass(frozen=True)
class Size:
    """The files of a table that its newest version reads."""

    files: int
    bytes: int


class Warehouse:
    """A shop's tables in one location.

    Reads and writes go by contract, so that no other module names a path, a format or a Delta option.
    """

    def __init__(self, spark: SparkSession, location: Location | str) -> None:
        self.spark = spark
        self.location = location_of(location) if isinstance(location, str) else location
        self._seen: set[str] = set()
        self._left_at: dict[str, int] = {}

    def exists(self, contract: Contract) -> bool:
        """Whether the table was ever created here; once seen it is not looked for again, as no run drops tables."""
        if contract.name not in self._seen and self.location.exists(self.spark, contract):
            self._seen.add(contract.name)
        return contract.name in self._seen

    def ensure(self, contract: Contract) -> None:
        """Create the table where it is missing, empty, with its comments and clustering."""
        if self.exists(contract):
            return
        from delta.tables import DeltaTable

        builder = self.location.place(DeltaTable.create(self.spark), contract).comment(_sentence(contract))
        for column, field in zip(contract.columns, schema(contract).fields, strict=True):
            builder = builder.addColumn(
                column.name, field.dataType, nullable=not column.is_required, comment=column.comment
            )
        of_table = {_STATISTICS: _statistics(contract), _VECTORS: str(contract.is_merged).lower()}
        for key, value in (_RETENTION | of_table).items():
            builder = builder.property(key, value)
        if contract.cluster_by:
            builder = builder.clusterBy(*contract.cluster_by)
        builder.execute()
        self._left_at[contract.name] = 0

    def read(self, contract: Contract, version: int | None = None) -> DataFrame:
        """The table's rows as they stand in it, now or at a version; what runs added since is a table of its own.

        Raises StorageError where the table does not exist.
        """
        if not self.exists(contract):
            raise StorageError(f"no table {contract.name} in {self.location}; run `sidecart run` first")
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        return self.location.load(reader, contract)

    def write(self, contract: Contract, frame: DataFrame, run_id: str, mode: Mode = "overwrite") -> Written:
        """Write the frame, conformed to its contract, as one commit that carries the run, and read the commit back.

        An overwrite is a replace of every row: of all ways to overwrite, it is the one that keeps the clustering.
        """
        self.ensure(contract)
        before = self.left_at(contract)
        mark = _mark(contract, run_id, before)
        writer = (
            conform(frame, contract)
            .write.format("delta")
            .mode("append" if before == 0 else mode)
            .option("userMetadata", mark)
            .option("txnAppId", f"sidecart/{run_id}/{contract.name}")
            .option("txnVersion", before + 1)
        )
        # A table that was just made has no rows to replace, and to look for them costs a query.
        if mode == "overwrite" and before > 0:
            writer = writer.option("replaceWhere", "true")
        self.location.save(writer, contract)
        commit = self._read_back(contract, mark)
        return self._tidied(contract, commit, _counted(commit, "numOutputRows"))

    def merge(self, contract: Contract, changes: DataFrame, run_id: str) -> Written:
        """Change the rows that `changes` (row_changes.changed_rows) names, as one commit that carries the run, read
        back; nothing is written where it names none. `rows` of what is returned: how many changed.

        Files that hold none of these rows stay as they are. New rows alone are appended, without a look at the others.
        """
        self.ensure(contract)
        day = F.floor(F.unix_seconds(f"was.{contract.time}") / _DAY) if contract.time else F.lit(0)
        kinds = changes.groupBy("is_known", F.when(F.col("is_known"), day).alias("day")).count().collect()
        if not kinds:
            return Written(self.left_at(contract), 0)
        if not any(row["is_known"] for row in kinds):
            return self.write(contract, changes, run_id, mode="append")
        is_same = reduce(Column.__and__, map(_is_same, contract.key))
        if contract.time:
            is_same &= _is_of(contract.time, sorted(row["day"] for row in kinds if row["is_known"]))
        mark = _mark(contract, run_id, self.left_at(contract))
        row = {name: F.col(f"changed.{name}") for name in contract.column_names}
        merging = (
            self.location.table(self.spark, contract)
            .alias("stored")
            .merge(changes.alias("changed"), is_same)
            .whenMatchedDelete("changed.is_gone")
            .whenMatchedUpdate(set=dict(row))
            .whenNotMatchedInsert("NOT changed.is_gone", values=dict(row))
        )
        with self._session_told({_COMMIT_MARK: mark}):
            merging.execute()
        commit = self._read_back(contract, mark)
        found, known = _counted(commit, *_CHANGED_ROWS), sum(row["count"] for row in kinds if row["is_known"])
        if found != known:
            raise StorageError(
                f"{contract.name}: {found:,} of {known:,} rows to change were found; the run is taken back, report it"
            )
        return self._tidied(contract, commit, _counted(commit, *_CHANGED_ROWS, "numTargetRowsInserted"))

    def _tidied(self, contract: Contract, commit: Row, rows: int) -> Written:
        """What a commit wrote; where it is due, the table's small files are made large ones, clustered."""
        if not self._is_to_be_tidied(contract, commit):
            return Written(int(commit["version"]), rows)
        try:
            with self._session_told(_TIDYING):
                self.location.table(self.spark, contract).optimize().executeCompaction()
        except Exception:  # noqa: BLE001 - the rows are written, maybe published: their disorder fails no run
            _LOG.warning("%s could not be put in order; the next turn tries again", contract.name, exc_info=True)
        self._left_at[contract.name] = self.version(contract)
        return Written(self._left_at[contract.name], rows)

    def _is_to_be_tidied(self, contract: Contract, commit: Row) -> bool:
        is_added_to = commit["operation"] == "MERGE" or commit["operationParameters"].get("mode") == "Append"
        if is_added_to and commit["version"] >= _TIDIED_EVERY and commit["version"] % _TIDIED_EVERY in _TURNS:
            return True
        written = _counted(commit, "numOutputBytes")
        is_long = contract.time is not None and written > _LONG_BYTES
        return is_long and written > _LONG_SHARE * self.size(contract).bytes

    def withdraw(self, contract: Contract, run_id: str) -> None:
        """Delete the rows that name the run."""
        self.location.table(self.spark, contract).delete(F.col("run_id") == F.lit(run_id))
        self._left_at.pop(contract.name, None)

    def append_stream(self, contract: Contract, frame: DataFrame, checkpoint: str) -> None:
        """Append what a streaming frame has and `checkpoint` does not know yet, each row once, and come back.

        Raises StorageError where the stream fails.
        """
        self.ensure(contract)
        writer = conform(frame, contract).writeStream.format("delta").outputMode("append")
        try:
            query = self.location.stream(
                writer.option("checkpointLocation", checkpoint).trigger(availableNow=True), contract
            )
            query.awaitTermination()
        except (AnalysisException, StreamingQueryException) as error:
            raise StorageError(
                f"{contract.name}: the stream with checkpoint {checkpoint} failed: {str(error)[:500]}; a damaged"
                " checkpoint can be removed: what a release holds is not read again"
            ) from error
        self._left_at.pop(contract.name, None)

    def version(self, contract: Contract) -> int:
        """The table's newest version."""
        return int(self._newest(contract)["version"])

    def size(self, contract: Contract) -> Size:
        """How large the table is now."""
        row = self.location.table(self.spark, contract).detail().select("numFiles", "sizeInBytes").collect()[0]
        return Size(int(row["numFiles"]), int(row["sizeInBytes"]))

    def left_at(self, contract: Contract) -> int:
        """The version this warehouse's own last write left, or the table's newest where it has written none."""
        return self._left_at[contract.name] if contract.name in self._left_at else self.version(contract)

    def cut(self, contract: Contract) -> int:
        """Begin the table's log anew; the version that is left, whose log names no deleted file from `cut` - 1 on.

        Files that hold rows which are marked as gone are written without them. Then the first of two commits of
        properties alone writes a checkpoint, the second puts the properties back.
        """
        table = f"delta.`{local_path(self.location, contract)}`"
        if contract.is_merged:
            # REORG would be the command, but passes over marked files that an OPTIMIZE has clustered.
            self.write(contract, self.read(contract), "purge")
        self.spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ({_listed(_CUTTING)})")
        self.spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ({_listed(_CUT)})")
        self._left_at[contract.name] = self.version(contract)
        return self._left_at[contract.name]

    def vacuum(self, contract: Contract) -> None:
        """Delete every file that the table's newest version does not hold: no older version can be read after it.

        What Delta checks, and that it commits nothing, is said to the session.
        """
        with self._session_told(_VACUUMING):
            self.location.table(self.spark, contract).vacuum(0)

    def rewind(self, versions: dict[str, int], tables: Collection[Contract] = RELEASED) -> tuple[str, ...]:
        """Take back every commit to `tables` after the given versions (those not named become empty); their names.

        Whatever a killed or refused run left behind is undone here, so that the next run starts from the release.
        """
        rewound = []
        for contract in tables:
            target = versions.get(contract.name, 0)
            if self.exists(contract) and not self._stands_at(contract, target):
                self.location.table(self.spark, contract).restoreToVersion(target)
                self._left_at.pop(contract.name, None)
                rewound.append(contract.name)
        return tuple(rewound)

    @contextmanager
    def _session_told(self, settings: Mapping[str, str]) -> Iterator[None]:
        """The session with these settings, for one command at a time: some of Delta's take theirs from nowhere else."""
        with _TELLING:
            for key, value in settings.items():
                self.spark.conf.set(key, value)
            try:
                yield
            finally:
                for key in settings:
                    self.spark.conf.unset(key)

    def _stands_at(self, contract: Contract, target: int) -> bool:
        """Whether the table is at the version, or was taken back to it last."""
        newest = self._newest(contract)
        restored = newest["operation"] == "RESTORE" and newest["operationParameters"].get("version")
        return bool(newest["version"] == target or restored == str(target))

    def _newest(self, contract: Contract) -> Row:
        row = self.location.table(self.spark, contract).history(1).first()
        if row is None:
            raise StorageError(f"{contract.name}: its Delta log is empty; restore the table from a backup")
        return row

    def _read_back(self, contract: Contract, mark: str) -> Row:
        """The commit that the warehouse just made."""
        row = self._newest(contract)
        if row["userMetadata"] != mark:
            raise StorageError(
                f"{contract.name}: version {row['version']} is not this run's commit;"
                " another writer is at work, or the same transaction was written before"
            )
        self._left_at[contract.name] = int(row["version"])
        return row


def _counted(commit: Row, *metrics: str) -> int:
    return sum(int(commit["operationMetrics"].get(name, 0)) for name in metrics)


def _mark(contract: Contract, run_id: str, before: int) -> str:
    """Of one commit: Delta ignores a repeated transaction, and its first commit must not pass for this one."""
    return json.dumps({"run_id": run_id, "table": contract.name, "after_version": before, "write": uuid4().hex})


def _listed(properties: dict[str, str]) -> str:
    return ", ".join(f"'{name}' = '{value}'" for name, value in properties.items())


def _is_same(key: str) -> Column:
    return F.col(f"stored.{key}") == F.col(f"changed.{key}")


def _is_of(time: str, days: list[int]) -> Column:
    """Whether a stored row is of one of these days (from 1970), or between two that are near: Delta opens no file whose
    statistics say that it has none.
    """
    gaps = sorted(((after - day, place) for place, (day, after) in enumerate(pairwise(days), 1)), reverse=True)
    cuts = sorted(place for gap, place in gaps[: _SPANS - 1] if gap > 1)
    spans = [days[since:until] for since, until in pairwise([0, *cuts, len(days)])]
    at = F.col(f"stored.{time}")
    is_within = [(at >= _midnight(span[0])) & (at < _midnight(span[-1] + 1)) for span in spans]
    return reduce(Column.__or__, is_within)


def _midnight(day: int) -> Column:
    return F.lit(datetime.fromtimestamp(day * _DAY, UTC))


def _sentence(contract: Contract) -> str:
    return f"One row: {contract.one_row}. Key: {', '.join(contract.key)}."


def _statistics(contract: Contract) -> str:
    """File statistics of the columns readers select by; keys of people stay out of them."""
    types = {column.name: column.type for column in contract.columns}
    wanted = dict.fromkeys((*contract.cluster_by, *contract.key, *([contract.time] if contract.time else [])))
    return ",".join(n for n in wanted if n not in _PEOPLE and not types[n].startswith(("ARRAY", "MAP", "BOOLEAN")))
