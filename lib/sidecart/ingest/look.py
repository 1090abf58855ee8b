"""Which landing files a run reads: those that are new, checked before any row is parsed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from sidecart.contracts.inputs import INPUTS
from sidecart.errors import InputError
from sidecart.ingest.delta import survey_delta
from sidecart.ingest.files import FoundFile, find_files, fingerprint
from sidecart.ingest.reasons import REASONS
from sidecart.ingest.survey import LandingFile, survey
from sidecart.settings import IngestSettings

EVENT_INPUTS = ("orders", "views")
"""Inputs whose files are read once; the others are snapshots, read in full by every run."""

Files = dict[str, list[LandingFile]]


@dataclass(frozen=True)
class Folder:
    """A folder of landing files: what its files' names begin with in tables, and whose snapshots hold.

    `is_history`: its orders and views are read, and snapshots are those of the newest release.
    """

    path: Path
    prefix: str = ""
    is_history: bool = False

    def find(self) -> tuple[dict[str, list[FoundFile]], list[str]]:
        """The files by input, and warnings; raises InputError as `find_files` does."""
        if not self.is_history:
            return find_files(self.path, prefix=self.prefix)
        found, warnings = find_files(self.path, required=(), prefix=self.prefix)
        if not any(found[name] for name in EVENT_INPUTS):
            raise InputError("INPUT_MISSING", f"{self.path} has no {' or '.join(f'{n}.csv' for n in EVENT_INPUTS)}")
        snapshots = [name for name, files in found.items() if files and name not in EVENT_INPUTS]
        warnings += [f"SNAPSHOT_NOT_READ: {name} of {self.path.name}: the newest release's stays" for name in snapshots]
        return found | {name: [] for name in snapshots}, warnings


@dataclass(frozen=True)
class KnownFiles:
    """What earlier runs know of files: INGESTED_FILES, and LANDED_FILES where the stream of files tells what is new."""

    ingested: DataFrame
    landed: DataFrame | None = None


@dataclass(frozen=True)
class LeftOut:
    """A file of events that can't be read as a whole, and the code of why."""

    found: FoundFile
    code: str

    @property
    def why(self) -> str:
        """What the code means and what to do. The error itself may quote a header, and that may be a row of buyers."""
        return f"{REASONS[self.code].meaning}; {REASONS[self.code].remedy}"


@dataclass
class Look:
    """What a folder holds for a run: the files to read by input, those left out, and warnings."""

    files: Files = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def look(spark: SparkSession, folder: Folder, settings: IngestSettings, known: KnownFiles) -> Look:
    """The files to read. Orders and views that were read before, or left out under the same name, are not among them.

    Raises InputError for every fault of a folder, a file or a header; where `on_broken_file` says so, a broken file of
    orders or views is left out instead.
    """
    found, warnings = folder.find()
    seen = Look(warnings=warnings)
    for name, candidates in found.items():
        unread = _unread(spark, candidates, known) if name in EVENT_INPUTS else _Unread(_distinct(candidates))
        files = [_surveyed(spark, file, unread.read_names, settings, seen) for file in unread.files]
        seen.files[name] = [file for file in files if file]
        if seen.files[name] and unread.is_first:
            _require_rows(name, seen.files[name])
        seen.warnings += _file_warnings(seen.files[name])
    seen.warnings += [f"FILE_LEFT_OUT: {out.found.relative}: {out.code}, {out.why}" for out in seen.left_out]
    return seen


@dataclass(frozen=True)
class _Unread:
    """Files to read, the names that runs have read, and whether they read none of the input's files."""

    files: list[FoundFile]
    read_names: frozenset[str] = frozenset()
    is_first: bool = True


def _surveyed(
    spark: SparkSession, found: FoundFile, read_names: Collection[str], settings: IngestSettings, seen: Look
) -> LandingFile | None:
    """The file as surveyed; None, and `seen` tells of it, where it is broken and is to be left out."""
    try:
        _require_new_name(found, read_names)
        return survey_delta(spark, found) if found.format == "delta" else survey(found, settings)
    except InputError as error:
        if settings.on_broken_file == "stop" or found.input not in EVENT_INPUTS:
            raise
        seen.left_out.append(LeftOut(found, error.code))
        return None


def _require_new_name(found: FoundFile, read_names: Collection[str]) -> None:
    if found.relative in read_names:
        raise InputError(
            "FILE_CHANGED", f"{found.relative}: was read before with other content; hand it over under a new name"
        )


def _unread(spark: SparkSession, candidates: Sequence[FoundFile], known: KnownFiles) -> _Unread:
    """Of the candidates one file of each content that no run read or left out under its name."""
    fresh = candidates if known.landed is None else _unsettled(spark, candidates, known.ingested, known.landed)
    if not fresh:
        return _Unread([], is_first=not candidates)
    prints = {file.relative: fingerprint(file) for file in fresh}
    rows = _known(spark, fresh, prints, known.ingested)
    read = {row["sha256"] for row in rows if row["reason_code"] is None}
    left_out = {(row["source_file"], row["sha256"]) for row in rows if row["reason_code"] is not None}
    again = [f for f in fresh if prints[f.relative] not in read and (f.relative, prints[f.relative]) not in left_out]
    first_of = {prints[file.relative]: file for file in reversed(again)}
    read_names = frozenset(row["source_file"] for row in rows if row["reason_code"] is None)
    return _Unread(list(first_of.values())[::-1], read_names, len(fresh) == len(candidates) and not read)


def _unsettled(
    spark: SparkSession, candidates: Sequence[FoundFile], ingested: DataFrame, landed: DataFrame
) -> list[FoundFile]:
    """The candidates without those that the stream told of, that nobody changed since, and that a run has read.

    So a file waits until a release holds it, whatever became of the run it was told to, and one that the stream never
    tells of (an empty one, a Delta table's log) is looked at each time.
    """
    here = [(f.relative, f.path.stat().st_size, _modified_at(f.path)) for f in candidates]
    if not here:
        return []
    as_they_are = spark.createDataFrame(here, "source_file string, bytes bigint, modified_at timestamp")
    told = as_they_are.join(landed, ["source_file", "bytes", "modified_at"], "left_semi")
    settled = {row["source_file"] for row in told.join(ingested, "source_file", "left_semi").collect()}
    return [file for file in candidates if file.relative not in settled]


def _modified_at(path: Path) -> datetime:
    """When the file was changed last, in milliseconds as Spark tells it."""
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=path.stat().st_mtime_ns // 1_000_000)


def _known(
    spark: SparkSession, candidates: Sequence[FoundFile], prints: Mapping[str, str], ingested: DataFrame
) -> list[Row]:
    """What was read or left out before under the name or with the content of a candidate."""
    here = [(file.input, key) for file in candidates for key in (file.relative, prints[file.relative])]
    keyed = ingested.withColumn("key", F.explode(F.array("source_file", "sha256")))
    wanted = F.broadcast(spark.createDataFrame(here, "input string, key string"))
    same = keyed.join(wanted, ["input", "key"], "left_semi")
    return same.select("source_file", "sha256", "reason_code").distinct().collect()


def _distinct(candidates: Sequence[FoundFile]) -> list[FoundFile]:
    """The files without those that repeat an earlier one's content."""
    return list({fingerprint(file): file for file in reversed(candidates)}.values())[::-1]


def _require_rows(name: str, files: Sequence[LandingFile]) -> None:
    if INPUTS[name].is_required and not any(file.rows for file in files):
        raise InputError("FILE_EMPTY", f"{', '.join(file.relative for file in files)}: no rows; check the export")


def _file_warnings(files: Sequence[LandingFile]) -> list[str]:
    empty = [f"EMPTY_FILE: {file.relative} has no rows" for file in files if not file.rows]
    ignored = [f"COLUMN_IGNORED: {file.relative}: {', '.join(file.ignored)}" for file in files if file.ignored]
    return empty + ignored
