"""The one place that starts, finds and configures a Spark session.

Three cases: a session that is already there (a notebook, Databricks, Connect), a driver that spark-submit started,
and a local session that this module starts with Delta's jars, quiet logs and nothing listening beyond loopback.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from sidecart.errors import StorageError

DELTA_PACKAGE = "io.delta:delta-spark_4.1_2.13:4.4.0"
"""Names both engines: Delta's own helper would pair it with whichever Spark it meets."""

FETCHED_JARS = Path(sys.prefix) / "share" / "sidecart" / DELTA_PACKAGE.replace(":", "-")
"""Delta's jars as set-up left them: resolving them anew costs every start seconds. Another version, another folder."""

_DRIVER_OPTIONS = (
    # Batch work on few cores wants throughput, not short pauses.
    "-XX:+UseParallelGC"
    # What Spark holds on to (memory.fraction) and what it does not count must fit the old generation.
    " -XX:NewRatio=4"
    # Hundreds of generated classes: in the default 240 MB the sweeper throws out what is compiled again at once.
    " -XX:ReservedCodeCacheSize=512m"
    # Compiling for the last tenth of speed at four times the default calls: on two cores it starves short stages.
    " -XX:Tier4InvocationThreshold=20000 -XX:Tier4MinInvocationThreshold=2400"
    " -XX:Tier4CompileThreshold=60000 -XX:Tier4BackEdgeThreshold=160000"
    # A stage of many columns becomes a method above 8,000 bytecodes, which Java would interpret for ever.
    " -XX:-DontCompileHugeMethods"
    # Delta keeps the newest state of up to 10,000 tables it has seen for an hour; a shop has fewer than sixty.
    " -Ddelta.log.cacheSize=100"
)

QUIET_LOGS = Path(__file__).with_name("log4j2.properties").as_uri()
"""Spark's warnings and errors, and nothing else."""

DELTA_SETTINGS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
"""What a cluster that brings its own Delta has in its defaults, and what spark-submit must be told."""

RESULT_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
}
"""Settings that results depend on; they hold in every session, also one that was there before."""

SAFETY_SETTINGS = {
    # Without it flipped bytes in a page give wrong sums silently.
    "parquet.page.verify-checksum.enabled": "true",
    # A retried stage that gives other rows than the first time starts over instead of mixing both.
    "spark.sql.shuffle.orderIndependentChecksum.enabled": "true",
    "spark.sql.shuffle.orderIndependentChecksum.enableFullRetryOnMismatch": "true",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.files.ignoreCorruptFiles": "false",
    # A fallback would turn a missing Arrow type into a silent crawl.
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.pyspark.fallback.enabled": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
    # Its largest value switches off a look at every column's size after every row, half the cost of a wide batch.
    "spark.sql.execution.arrow.maxBytesPerBatch": str(2**31 - 1),
    # A row of pair_support holds thousands of pairs: the default of 4,096 rows is a gigabyte of columns in a task.
    "spark.sql.parquet.columnarReaderBatchSize": "512",
    "spark.sql.autoBroadcastJoinThreshold": str(64 * 2**20),
    # A fifth smaller than the default, and no slower to write.
    "spark.sql.parquet.compression.codec": "zstd",
    # Ascending candidates as their differences: two fifths off pair_support, and a fifth of the CPU of writing it.
    "parquet.writer.version": "v2",
    "parquet.enable.dictionary#met.list.element.candidates.list.element": "false",
}
"""Set in local and submitted sessions; a managed platform keeps its own."""

LOCAL_SETTINGS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # Nobody looks at a history without a page; by default that of a thousand queries fills the driver's memory.
    "spark.sql.ui.retainedExecutions": "10",
    "spark.ui.retainedJobs": "10",
    "spark.ui.retainedStages": "10",
    "spark.ui.retainedTasks": "100",
    # The defaults are sized for clusters: 200 shuffle tasks, 50 to read a small log, 10,000 to list a folder.
    "spark.sql.shuffle.partitions": "4",
    "spark.databricks.delta.snapshotPartitions": "1",
    # By default 64 MB in a heap of 4 GB, which each of a query's broadcast tables takes at least: thirty at once.
    "spark.buffer.pageSize": "8m",
    # By default .6: with a tenth of the heap that Spark does not count, more than an old generation of two thirds.
    "spark.memory.fraction": "0.5",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
}


BRIEF_SETTINGS = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.buffer.pageSize": "1m",
}
"""For a small shop: compiling plans and planning them anew costs more there than its rows. Results are the same."""

_SMALL_BYTES = 8 * 2**20


def options_for(*folders: str | Path) -> dict[str, str]:
    """Options of a local session that works on these folders: brief where their files are few megabytes in all."""
    sizes = (file.stat().st_size for folder in folders for file in Path(folder).rglob("*") if file.is_file())
    for total in itertools.accumulate(sizes):
        if total > _SMALL_BYTES:
            return {}
    return dict(BRIEF_SETTINGS)


def build_session(
    app_name: str,
    master: str | None = None,
    driver_memory: str | None = None,
    shuffle_partitions: int | None = None,
    *,
    for_analysts: bool = False,
    options: Mapping[str, str] | None = None,
) -> SparkSession:
    """The session to work in: the active one, spark-submit's, or a new local one (`master` defaults to `local[*]`).

    `master`, `driver_memory` and `options` hold for a new local session only. `for_analysts` refuses SQL that
    names files instead of tables. Raises StorageError when Spark can't start or has no Delta.
    """
    session = SparkSession.getActiveSession()
    if session is None and "SPARK_REMOTE" in os.environ:
        session = SparkSession.builder.appName(app_name).getOrCreate()
    if session is None and "PYSPARK_GATEWAY_PORT" in os.environ:
        session = _submitted(app_name)
    if session is None:
        local = {"spark.master": master or "local[*]", "spark.driver.memory": driver_memory or "2g"}
        session = _local(app_name, {**local, **(options or {})})
    _apply(session, RESULT_SETTINGS)
    if shuffle_partitions is not None:
        _apply(session, {"spark.sql.shuffle.partitions": str(shuffle_partitions)})
    if for_analysts:
        _apply(session, {"spark.sql.runSQLOnFiles": "false"})
    return session


def log_file() -> Path:
    """Where a local session's Spark writes its warnings: `spark.log` in SIDECART_LOGS or the user's cache folder."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(os.environ.get("SIDECART_LOGS") or Path(cache) / "sidecart")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "spark.log"


def delta_jars() -> dict[str, str]:
    """Settings that bring Delta's jars: from the folder that SIDECART_JARS names, from the one that set-up filled in
    this Python environment, or resolved by Ivy.
    """
    folder = os.environ.get("SIDECART_JARS") or (str(FETCHED_JARS) if FETCHED_JARS.is_dir() else None)
    if not folder:
        return jars_by_ivy()
    jars = sorted(str(jar) for jar in Path(folder).glob("*.jar"))
    if not any("delta-spark" in jar for jar in jars):
        raise StorageError(
            f"{folder} (SIDECART_JARS) holds no delta-spark jar; put {DELTA_PACKAGE} and its parts there"
        )
    return {"spark.jars": ",".join(jars)}


def jars_by_ivy() -> dict[str, str]:
    """Settings that let Spark's Ivy resolve Delta's jars, through the network or from its cache."""
    return {
        "spark.jars.packages": DELTA_PACKAGE,
        "spark.jars.ivySettings": str(Path(__file__).with_name("ivysettings.xml")),
    }


def _submitted(app_name: str) -> SparkSession:
    session = SparkSession.builder.appName(app_name).getOrCreate()
    if "delta" not in (session.conf.get("spark.sql.extensions", "") or "").lower():
        told = " ".join(f"--conf {key}={value}" for key, value in DELTA_SETTINGS.items())
        raise StorageError(f"this Spark has no Delta: submit with --packages {DELTA_PACKAGE} {told}")
    _apply(session, SAFETY_SETTINGS)
    return session


def _local(app_name: str, options: Mapping[str, str]) -> SparkSession:
    settings = {
        **DELTA_SETTINGS,
        **RESULT_SETTINGS,
        **SAFETY_SETTINGS,
        **LOCAL_SETTINGS,
        # The default of 200 is sized for clusters; here it costs more than the work.
        "spark.sql.shuffle.partitions": str(max(4, 2 * (os.cpu_count() or 1))),
        **delta_jars(),
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={QUIET_LOGS} {_DRIVER_OPTIONS}",
        # Every worker would import the same seconds of packages for itself.
        "spark.python.daemon.module": "sidecart.storage.worker_daemon",
        "spark.pyspark.python": sys.executable,
        "spark.pyspark.driver.python": sys.executable,
        **options,
    }
    # pyspark itself asks the environment which Python its workers are; only spark-submit reads the setting.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(app_name)
    for key, value in settings.items():
        builder = builder.config(key, value)
    log = log_file()
    try:
        with _output_to(log):
            return builder.getOrCreate()
    except (PySparkException, OSError) as error:
        raise StorageError(f"Spark did not start ({error}): {_cause(log)} The whole log: {log}") from error


def _cause(log: Path) -> str:
    text = log.read_text(encoding="utf-8", errors="replace")[-20_000:]
    if "unresolved dependency" in text or "Server access error" in text:
        return "Delta's jars could not be fetched; check the network or a proxy, or name their folder in SIDECART_JARS."
    if "UnsupportedClassVersionError" in text or "JAVA_HOME" in text or "java: command not found" in text:
        return "Spark needs Java 17 or 21; install one and point JAVA_HOME at it."
    return "See the last lines of the log."


def _apply(session: SparkSession, settings: Mapping[str, str]) -> None:
    for key, value in settings.items():
        session.conf.set(key, value)


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Send what this process prints to `log` meanwhile: a JVM that starts here inherits it for its life."""
    if log.exists() and log.stat().st_size > 5 * 2**20:
        log.replace(log.with_suffix(".old.log"))
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    kept = {stream: os.dup(stream) for stream in (1, 2)}
    try:
        _flush()
        for stream in kept:
            os.dup2(target, stream)
        yield
    finally:
        _flush()
        for stream, copy in kept.items():
            os.dup2(copy, stream)
            os.close(copy)
        os.close(target)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
