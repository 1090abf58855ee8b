"""Which landing files a run reads: those that are new, checked before any row is parsed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from sidecart.contracts.inputs import INPUTS
from sidecart.errors import InputError
from sidecart.ingest.delta import survey_delta
from sidecart.ingest.files import FoundFile, find_files, fingerprint
from sidecart.ingest.survey import LandingFile, survey
from sidecart.settings import Settings

EVENT_INPUTS = ("orders", "views")
"""Inputs whose files are read once; the others are snapshots, read in full by every run."""

Files = dict[str, list[LandingFile]]


def look(spark: SparkSession, landing: Path, settings: Settings, known_files: DataFrame) -> tuple[Files, list[str]]:
    """The files to read by input, and warnings. Orders and views that were read before (INGESTED_FILES) are left out.

    Raises InputError for every fault of a folder, a file or a header.
    """
    found, warnings = find_files(landing)
    files: Files = {}
    for name, candidates in found.items():
        unread = _unread(spark, candidates, known_files) if name in EVENT_INPUTS else _distinct(candidates)
        files[name] = [survey_delta(spark, f) if f.format == "delta" else survey(f, settings.ingest) for f in unread]
        if files[name] and len(unread) == len(_distinct(candidates)):
            _require_rows(name, files[name])
        warnings += _file_warnings(files[name])
    return files, warnings


def _unread(spark: SparkSession, candidates: Sequence[FoundFile], known_files: DataFrame) -> list[FoundFile]:
    if not candidates:
        return []
    known = _known(spark, candidates, known_files)
    read = {row["sha256"] for row in known}
    named = {row["source_file"] for row in known}
    unread = [file for file in _distinct(candidates) if fingerprint(file) not in read]
    for file in unread:
        if file.relative in named:
            raise InputError(
                "FILE_CHANGED", f"{file.relative}: was read before with other content; hand it over under a new name"
            )
    return unread


def _known(spark: SparkSession, candidates: Sequence[FoundFile], known_files: DataFrame) -> list[Row]:
    """What was read before under the name or with the content of a candidate."""
    here = [(file.input, key) for file in candidates for key in (file.relative, fingerprint(file))]
    keyed = known_files.withColumn("key", F.explode(F.array("source_file", "sha256")))
    wanted = F.broadcast(spark.createDataFrame(here, "input string, key string"))
    same = keyed.join(wanted, ["input", "key"], "left_semi")
    return same.select("source_file", "sha256").distinct().collect()


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
