"""Execute the notebooks and keep the executed copies in .cache/notebooks; a cell that fails fails the run."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]


def main(names: list[str]) -> int:
    """Execute `names`, or all of notebooks/; returns 0, or 1 when there was nothing to execute."""
    files = [Path(name) for name in names] or sorted((ROOT / "notebooks").glob("*.ipynb"))
    kept = ROOT / ".cache" / "notebooks"
    kept.mkdir(parents=True, exist_ok=True)
    for file in files:
        notebook = nbformat.read(file, as_version=4)  # type: ignore[no-untyped-call]
        NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": ROOT}}).execute()
        nbformat.write(notebook, kept / file.name)  # type: ignore[no-untyped-call]
        print(f"executed {file.name}, kept in {kept}")
    return 0 if files else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
