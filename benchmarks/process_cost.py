"""What a command takes: seconds on the wall, CPU seconds and peak memory of its whole process tree."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_LOOK_EVERY = 0.2
_WEIGH_EVERY = 1.0
"""Seconds; looking takes time from what is looked at."""
_AFTERMATH = 30.0
"""Seconds that children may outlive the command: a JVM ends after the Python that started it."""


@dataclass(frozen=True)
class Cost:
    """What one run took. Memory is what the tree holds alone plus its share of what it shares, at its highest."""

    wall: float
    cpu: float
    megabytes: float


class CommandFailedError(Exception):
    """A command that did not do its work; the message says why."""


def cost_of(
    command: Sequence[str], log: Path, modules: Path, *, most_seconds: float, most_megabytes: float | None = None
) -> Cost:
    """Run `command`, what it prints going to `log`, and say what it took. Python finds what is in `modules`, and
    this module.

    Raises CommandFailedError when it fails, takes longer than `most_seconds`, or its tree holds more than
    `most_megabytes` at once; it is stopped then.
    """
    begun = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": f"{modules}{os.pathsep}{Path(__file__).parent}"},
        )
    tree = Tree(psutil.Process(process.pid))
    ended: float | None = None
    try:
        while ended is None or (tree.is_alive() and time.monotonic() - ended < _AFTERMATH):
            tree.look()
            if ended is None and process.poll() is not None:
                ended = time.monotonic()
            if most_megabytes is not None and tree.peak > most_megabytes:
                raise CommandFailedError(f"needed more than {most_megabytes:,.0f} MB")
            if time.monotonic() - begun > most_seconds:
                raise CommandFailedError(f"not done after {most_seconds:,.0f} s")
            time.sleep(_LOOK_EVERY)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.returncode:
        raise CommandFailedError(_last_words(log, process.returncode))
    return Cost(ended - begun, tree.cpu, tree.peak)


@dataclass
class Tree:
    """A process and all that it started, those that outlive it included.

    Known by number and start: over an hour of short-lived workers numbers are given to others again.
    """

    root: psutil.Process
    known: set[psutil.Process] = field(default_factory=set)
    """Those that have not ended."""
    seconds: dict[psutil.Process, float] = field(default_factory=dict)
    peak: float = 0.0
    weighed_at: float = 0.0

    @property
    def cpu(self) -> float:
        return sum(self.seconds.values())

    def is_alive(self) -> bool:
        return any(_is_running(process) for process in self.known)

    def look(self) -> None:
        """Note new processes and what each has used so far."""
        # Only when the first process has ended do others have children that are not among its own.
        for process in (self.root,) if _is_running(self.root) else tuple(self.known):
            with suppress(psutil.Error):
                self.known |= {process, *process.children(recursive=True)}
        self.known = {process for process in self.known if process.is_running()}
        for process in self.known:
            with suppress(psutil.Error):
                used = process.cpu_times()
                self.seconds[process] = max(self.seconds.get(process, 0.0), used.user + used.system)
        if time.monotonic() - self.weighed_at >= _WEIGH_EVERY:
            self.weighed_at = time.monotonic()
            self.peak = max(self.peak, sum(map(_megabytes, self.known)))


def cpu_seconds() -> float:
    """Of this process and all below it, so far."""
    me = psutil.Process()
    return sum(_cpu_times(process) for process in (me, *me.children(recursive=True)))


def _cpu_times(process: psutil.Process) -> float:
    """Of one process and its ended children; those of one that ends meanwhile are told by its parent."""
    try:
        return float(sum(process.cpu_times()[:4]))
    except psutil.NoSuchProcess:
        return 0.0


def _is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _megabytes(process: psutil.Process) -> float:
    """Its share of memory; where the system does not tell shares, what is resident."""
    try:
        full = process.memory_full_info()
    except psutil.Error:
        return 0.0
    return float(getattr(full, "pss", full.rss)) / 1e6


def _last_words(log: Path, code: int) -> str:
    """The last line that names an error, or else the last one."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)] or lines
    return f"ended with {code}: {telling[-1][:200] if telling else 'without a word'}"
