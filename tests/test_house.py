"""What a stranger meets before any of the code runs: the preflight's sentences, the lock, the wheel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def _preflight(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(ROOT / "scripts" / "preflight.sh"), *words],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def _fake_java(folder: Path, said: str) -> str:
    java = folder / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho '{said}' >&2\n", encoding="utf-8")
    java.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("said", ['openjdk version "17.0.15" 2025-04-15', 'openjdk version "21" 2023-09-19'])
def test_java_17_and_21_will_do(tmp_path: Path, said: str) -> None:
    assert _preflight("java", JAVA_HOME=_fake_java(tmp_path, said)).returncode == 0


@pytest.mark.parametrize(
    ("said", "named"), [('java version "1.8.0_402"', "is 8"), ('openjdk version "11.0.2"', "is 11")]
)
def test_another_java_is_named_with_the_remedy(tmp_path: Path, said: str, named: str) -> None:
    told = _preflight("java", JAVA_HOME=_fake_java(tmp_path, said))
    assert told.returncode == 1
    assert named in told.stderr
    assert "install one of them and set JAVA_HOME" in told.stderr
    assert told.stderr.count("\n") == 1


def test_a_missing_java_is_said_in_one_sentence(tmp_path: Path) -> None:
    told = _preflight("java", JAVA_HOME=str(tmp_path))
    assert told.returncode == 1
    assert told.stderr.startswith("sidecart: Java is missing")
    assert told.stderr.count("\n") == 1


def test_a_missing_python_is_said_in_one_sentence(tmp_path: Path) -> None:
    told = _preflight("python", PYTHON=str(tmp_path / "python"))
    assert told.returncode == 1
    assert told.stderr.startswith("sidecart: Python 3.11, 3.12 or 3.13 is needed")
    assert told.stderr.count("\n") == 1


def test_this_python_will_do() -> None:
    assert _preflight("python", PYTHON=sys.executable).stdout.strip() == sys.executable


def test_a_registry_out_of_reach_is_told_from_another_failure(tmp_path: Path) -> None:
    log = tmp_path / "setup.log"
    log.write_text("ERROR: Could not find a version (connection refused)\n", encoding="utf-8")
    assert "can't be reached" in _preflight("explain", str(log)).stderr
    log.write_text("error: command 'gcc' failed\n", encoding="utf-8")
    assert "the installation failed" in _preflight("explain", str(log)).stderr


def test_the_lock_pins_every_package_by_hash_and_names_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    packages = re.findall(r"^[a-z0-9][^\n]*", lock, flags=re.MULTILINE)
    assert packages
    assert all("==" in package and package.endswith("\\") for package in packages)
    assert "://" not in lock


def test_the_wheel_carries_library_jobs_and_presets(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(tmp_path), str(ROOT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("sidecart-*.whl")
    carried = set(zipfile.ZipFile(wheel).namelist())
    folders = {"sidecart": ROOT / "lib" / "sidecart", "sidecart_jobs": ROOT / "jobs", "sidecart_presets": ROOT / "conf"}
    expected = {
        f"{package}/{file.relative_to(folder).as_posix()}"
        for package, folder in folders.items()
        for ending in ("*.py", "*.toml", "*.xml", "*.properties")
        for file in folder.rglob(ending)
    }
    assert expected <= carried
