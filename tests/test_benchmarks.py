"""The benchmark's own honesty: what differs is found out, and what a process tree took is all of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from comparing import Reference
from process_cost import CommandFailedError, Tree, cost_of

Pairs = dict[tuple[int, int], int]
MET: Pairs = {(1, 2): 5, (2, 1): 5, (1, 3): 4, (3, 1): 4, (2, 3): 4, (3, 2): 4}


def _written(folder: Path, pairs: Pairs, lists: Pairs) -> Path:
    for name, rows, count in (("pairs", pairs, "baskets"), ("lists", lists, "score")):
        (folder / name).mkdir(parents=True)
        columns = {"anchor": [a for a, _ in rows], "candidate": [c for _, c in rows], count: list(rows.values())}
        pq.write_table(pa.table(columns), folder / name / "0.parquet")
    return folder


@pytest.fixture
def reference(tmp_path: Path) -> Reference:
    """What the first peer gave: three variants that all met."""
    kept = Reference(tmp_path / "shop", tmp_path / "reference")
    kept.take(_written(tmp_path / "first", MET, MET))
    return kept


def _compared(reference: Reference, folder: Path, pairs: Pairs, lists: Pairs) -> bool:
    return reference.compared(_written(folder, pairs, lists), has_pairs=True, score="baskets")[1]


def test_the_same_rows_are_the_same_in_any_order(reference: Reference, tmp_path: Path) -> None:
    backwards = dict(reversed(MET.items()))
    assert _compared(reference, tmp_path / "other", backwards, backwards)


@pytest.mark.parametrize(
    ("pairs", "lists"),
    [
        (MET | {(1, 2): 6}, MET),
        ({pair: count for pair, count in MET.items() if pair != (3, 2)}, MET),
        (MET, MET | {(1, 2): 6}),
        (MET, {pair: count for pair, count in MET.items() if pair != (3, 2)}),
        (MET, {(1, 3) if pair == (1, 2) else (1, 2) if pair == (1, 3) else pair: n for pair, n in MET.items()}),
    ],
)
def test_another_count_a_missing_row_or_a_wrong_candidate_is_found_out(
    reference: Reference, tmp_path: Path, pairs: Pairs, lists: Pairs
) -> None:
    assert not _compared(reference, tmp_path / "other", pairs, lists)


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_the_cpu_of_a_child_is_counted(tmp_path: Path) -> None:
    burn = "import time\nwhile time.process_time() < 1.0: pass"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
    found = cost_of(_python(child), tmp_path / "log", tmp_path, most_seconds=60)
    assert 0.8 < found.cpu < 5
    assert found.wall >= 1.0


def test_a_process_that_was_given_the_number_of_an_ended_one_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = psutil.Process()
    monkeypatch.setattr(ended, "_ident", (ended.pid, ended.create_time() - 3600))
    child = subprocess.Popen(_python("import time; time.sleep(60)"))
    tree = Tree(psutil.Process(child.pid), known={ended})
    try:
        tree.look()
    finally:
        child.kill()
        child.wait()
    assert [process.pid for process in tree.known] == [child.pid]
    assert [process.pid for process in tree.seconds] == [child.pid]


def test_a_command_that_fails_is_told_by_its_error(tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError, match="ended with 1: ValueError: no such shop"):
        cost_of(_python("raise ValueError('no such shop')"), tmp_path / "log", tmp_path, most_seconds=60)


def test_a_command_that_holds_too_much_is_stopped(tmp_path: Path) -> None:
    hog = "import time; held = bytearray(b'x' * 400_000_000); time.sleep(60)"
    with pytest.raises(CommandFailedError, match="needed more than 200 MB"):
        cost_of(_python(hog), tmp_path / "log", tmp_path, most_seconds=60, most_megabytes=200)


def test_a_command_that_does_not_end_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError, match="not done after 1 s"):
        cost_of(_python("import time; time.sleep(60)"), tmp_path / "log", tmp_path, most_seconds=1)
