"""Which files a landing folder holds for which input. Nothing outside the folder is ever opened."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from sidecart.contracts.inputs import INPUTS
from sidecart.errors import InputError

_FORMATS = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".jsonl.gz": "json",
    ".ndjson.gz": "json",
    ".json.gz": "json",
    ".parquet": "parquet",
}
_MANIFEST = "_manifest.json"
_REQUIRED = tuple(name for name, contract in INPUTS.items() if contract.is_required)
UNKNOWN_FORMAT = "unknown"


@dataclass(frozen=True)
class FoundFile:
    """One landing file, or one version of a Delta table; `relative` is its path below the landing folder.

    `format` is csv, json, parquet, delta or UNKNOWN_FORMAT.
    """

    input: str
    path: Path
    relative: str
    format: str


def find_files(
    landing: Path, required: Collection[str] = _REQUIRED, prefix: str = ""
) -> tuple[dict[str, list[FoundFile]], list[str]]:
    """The files of each input, in name order, and a warning for each entry that no contract names.

    `prefix` stands before each relative path. Raises InputError for a missing folder, a `required` input that is not
    there, a folder within an input, a link out of the folder or an unkept manifest.
    """
    if not landing.is_dir():
        raise InputError("INPUT_MISSING", f"{landing} is no folder; give the folder of landing files")
    root = landing.resolve()
    found: dict[str, list[FoundFile]] = {name: [] for name in INPUTS}
    warnings = []
    _check_manifest(root)
    for entry in _visible(root):
        name = entry.name if entry.is_dir() else _stem(entry)
        if name not in INPUTS:
            warnings.append(f"INPUT_UNKNOWN: {entry.name} is no input; inputs are {', '.join(INPUTS)}")
        else:
            found[name] += _of_folder(name, entry, root) if entry.is_dir() else [_file(name, entry, root)]
    missing = [name for name in required if not found[name]]
    if missing:
        raise InputError("INPUT_MISSING", f"{landing} has no {', '.join(f'{n}.csv or {n}/' for n in missing)}")
    named = {n: [replace(f, relative=f"{prefix}{f.relative}") for f in files] for n, files in found.items()}
    return named, warnings


def files_at(path: Path, name: str) -> list[FoundFile]:
    """The files of a file, folder or Delta table anywhere, read as the input of that name.

    Raises InputError where nothing is there.
    """
    if not path.exists():
        raise InputError("INPUT_MISSING", f"{path} is not there; give the path of a {name} file, folder or Delta table")
    root = path.absolute().parent.resolve()
    place = root / path.absolute().name
    return _of_folder(name, place, root) if place.is_dir() else [_file(name, place, root)]


def _of_folder(name: str, folder: Path, root: Path) -> list[FoundFile]:
    _inside(folder, root)
    if (folder / "_temporary").exists():
        raise InputError("FILE_INCOMPLETE", f"{name}/_temporary: a job is still writing, or died; wait or write again")
    if (folder / "_delta_log").is_dir():
        return [_delta_version(name, folder, root)]
    _check_manifest(folder)
    return [_file(name, entry, root) for entry in _visible(folder)]


def _file(name: str, path: Path, root: Path) -> FoundFile:
    relative = path.relative_to(root).as_posix()
    _inside(path, root)
    suffix = path.name[len(_stem(path)) :].lower()
    if path.is_dir():
        raise InputError("FORMAT_UNKNOWN", f"{relative} is a folder; the folder of an input holds files only")
    return FoundFile(name, path, relative, _FORMATS.get(suffix, UNKNOWN_FORMAT))


def require_known_format(found: FoundFile) -> None:
    """Raise InputError for a file whose ending says no format."""
    if found.format == UNKNOWN_FORMAT:
        raise InputError("FORMAT_UNKNOWN", f"{found.relative}: files end in {', '.join(_FORMATS)}")


def _delta_version(name: str, folder: Path, root: Path) -> FoundFile:
    commits = sorted((folder / "_delta_log").glob("*.json"))
    if not commits:
        raise InputError("FILE_DAMAGED", f"{name}/_delta_log has no commit; write the table again")
    _inside(commits[-1], root)
    return FoundFile(name, commits[-1], commits[-1].relative_to(root).as_posix(), "delta")


def _inside(path: Path, root: Path) -> None:
    if path.is_symlink() or not path.resolve().is_relative_to(root):
        raise InputError("PATH_OUTSIDE", f"{path.name}: links are not followed; copy the file into the landing folder")


def _visible(folder: Path) -> list[Path]:
    return [entry for entry in sorted(folder.iterdir()) if not entry.name.startswith(("_", "."))]


def _stem(path: Path) -> str:
    """The file name before its known suffix, or before its last dot."""
    suffix = max((s for s in _FORMATS if path.name.lower().endswith(s)), key=len, default=path.suffix)
    return path.name[: -len(suffix)] if suffix else path.name


def _check_manifest(folder: Path) -> None:
    """`{"files": [{"name": …, "bytes": …, "sha256": …}]}`: names are relative, bytes and sha256 optional."""
    path = folder / _MANIFEST
    if not path.exists():
        return
    _inside(path, folder)
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["files"]
        for entry in listed:
            _check_listed(folder, entry["name"], entry.get("bytes"), entry.get("sha256"))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(
            "FILE_INCOMPLETE", f'{folder.name}/{_MANIFEST}: write {{"files": [{{"name": "a.csv", "bytes": 10}}]}}'
        ) from None


def _check_listed(folder: Path, name: str, size: int | None, sha256: str | None) -> None:
    path = folder / name
    _inside(path, folder)
    if not path.is_file():
        raise InputError("FILE_INCOMPLETE", f"{name}: {_MANIFEST} names it and it is not there; wait until it is")
    if size is not None and path.stat().st_size != size:
        raise InputError("FILE_INCOMPLETE", f"{name}: {path.stat().st_size} bytes, {_MANIFEST} says {size}")
    if sha256 is not None and content_hash(path) != sha256:
        raise InputError("FILE_INCOMPLETE", f"{name}: its content is not what {_MANIFEST} says; copy it again")


def fingerprint(found: FoundFile) -> str:
    """What tells the file's content from any other: the sha-256 of its bytes; of a Delta table, of its last commit."""
    digest = content_hash(found.path)
    return hashlib.sha256(f"{found.path.name} {digest}".encode()).hexdigest() if found.format == "delta" else digest


def content_hash(path: Path) -> str:
    """sha-256 of the file's bytes, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
