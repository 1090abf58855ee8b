"""Spark's own master and workers on this machine's loopback address: started, waited for, stopped by process id."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pyspark

from sidecart.storage import session

SPARK_HOME = Path(pyspark.__file__).parent
_MASTER = "org.apache.spark.deploy.master.Master"
_WORKER = "org.apache.spark.deploy.worker.Worker"


@dataclass
class Cluster:
    """A master and its workers; `folder` keeps their logs, their scratch space and `pids`.

    `is_pinned`: each worker, with its executors and their Python, keeps to a core of its own, where the system can do
    that. Else an executor of one core makes use of another one: its JVM works while its Python does.
    """

    folder: Path
    url: str = ""
    is_pinned: bool = False
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, workers: int, cores: int, memory: str) -> None:
        """Start all and wait until the master has registered every worker; TimeoutError with the log otherwise."""
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self._launch("master", [_MASTER, "--host", "127.0.0.1", "--port", "0", "--webui-port", "0"])
        self.url = _wait_for(log, r"Starting Spark master at (spark://\S+)", 1)[0]
        for number in range(workers):
            size = ["--cores", str(cores), "--memory", memory, "--work-dir", str(self.folder / f"work-{number}")]
            place = ["--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
            with _core_of_its_own(number) if self.is_pinned else nullcontext():
                self._launch(f"worker-{number}", [_WORKER, *place, *size, self.url])
        _wait_for(log, r"Registering worker (\S+)", workers)

    def stop(self) -> None:
        """End the processes that `start` started, workers first, and no others."""
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()

    def executors(self) -> list[psutil.Process]:
        """The executors that run now, in the order in which they were started."""
        found: dict[float, psutil.Process] = {}
        for process in self.processes:
            with suppress(psutil.Error):
                for child in psutil.Process(process.pid).children(recursive=True):
                    if any("CoarseGrainedExecutorBackend" in word for word in child.cmdline()):
                        found[child.create_time()] = child
        return [found[begun] for begun in sorted(found)]

    def submit(
        self,
        script: Path,
        arguments: Sequence[str],
        packages: Path,
        *,
        driver_memory: str = "1g",
        executor_memory: str = "700m",
    ) -> int:
        """Run `script` under spark-submit with `packages` (a zip) on every worker; returns its exit code.

        What the job prints is shown; Spark's own words go to `submit.log`.
        """
        settings = {
            **session.DELTA_SETTINGS,
            **session.LOCAL_SETTINGS,
            "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={session.QUIET_LOGS}",
            "spark.executor.memory": executor_memory,
            "spark.executor.cores": "1",
            "spark.sql.shuffle.partitions": "4",
            "spark.pyspark.python": sys.executable,
            **session.delta_jars(),
        }
        told = [word for key, value in settings.items() for word in ("--conf", f"{key}={value}")]
        command = [str(SPARK_HOME / "bin" / "spark-submit"), "--master", self.url, "--driver-memory", driver_memory]
        with (self.folder / "submit.log").open("ab") as log:
            return subprocess.run(
                [*command, *told, "--py-files", str(packages), str(script), *arguments],
                check=False,
                stderr=log,
                env=_environment(),
            ).returncode

    def _launch(self, name: str, arguments: Sequence[str]) -> Path:
        log = self.folder / f"{name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [str(SPARK_HOME / "bin" / "spark-class"), *arguments],
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=_environment(),
            )
        self.processes.append(process)
        with (self.folder / "pids").open("a", encoding="utf-8") as pids:
            pids.write(f"{process.pid} {name}\n")
        return log


@contextmanager
def standalone_cluster(
    folder: Path, workers: int = 2, cores: int = 1, memory: str = "700m", *, is_pinned: bool = False
) -> Iterator[Cluster]:
    """A running cluster that is stopped whatever happens inside."""
    cluster = Cluster(folder, is_pinned=is_pinned)
    try:
        cluster.start(workers, cores, memory)
        yield cluster
    finally:
        cluster.stop()


@contextmanager
def _core_of_its_own(worker: int) -> Iterator[None]:
    """What starts inside keeps to one core, and all that it starts."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {sorted(cores)[worker % len(cores)]})
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _environment() -> dict[str, str]:
    """Nothing listens beyond loopback, not even a page for people; daemons stay small."""
    own = {"SPARK_HOME": str(SPARK_HOME), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m"}
    return {**os.environ, **own, "PYSPARK_PYTHON": sys.executable}


def _wait_for(log: Path, pattern: str, times: int, seconds: float = 90) -> list[str]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = re.findall(pattern, log.read_text(encoding="utf-8", errors="replace"))
        if len(found) >= times:
            return found
        time.sleep(0.3)
    raise TimeoutError(f"{pattern!r} was not seen {times} times in {log} within {seconds:.0f} seconds")
