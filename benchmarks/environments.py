"""Python environments of the peers, each with what it needs and apart from sidecart's own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_UV = Path(sys.executable).with_name("uv")


class NotInstalledError(Exception):
    """A peer that can't be installed here; the message says why."""


def python_with(packages: Sequence[str], folder: Path) -> Path:
    """The interpreter of an environment in `folder` with these packages, made where it is not there yet.

    Without packages it is the one that runs this. Raises NotInstalledError with the installer's last words.
    """
    if not packages:
        return Path(sys.executable)
    python, made = folder / "bin" / "python", folder / "packages.txt"
    wanted = "\n".join(packages)
    if made.is_file() and made.read_text(encoding="utf-8") == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    _run(["venv", "--quiet", "--python", sys.executable, str(folder)])
    _run(["pip", "install", "--quiet", "--python", str(python), *packages])
    made.write_text(wanted, encoding="utf-8")
    return python


def versions(python: Path, packages: Sequence[str]) -> dict[str, str]:
    """Installed versions by distribution name."""
    code = "import importlib.metadata as m, sys; print(*(m.version(n) for n in sys.argv[1:]), sep='\\n')"
    told = subprocess.run([str(python), "-c", code, *packages], check=True, capture_output=True, text=True)  # noqa: S603
    return dict(zip(packages, told.stdout.split(), strict=True))


def _run(arguments: list[str]) -> None:
    done = subprocess.run([str(_UV), *arguments], check=False, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise NotInstalledError(said[-1][:300] if said else f"uv ended with {done.returncode}")
