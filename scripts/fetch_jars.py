"""Let Ivy fetch Delta's jars into this Python environment, and prove that Spark writes a Delta table with them."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlparse

from pyspark.sql import SparkSession

from sidecart.errors import SidecartError
from sidecart.storage.session import FETCHED_JARS, build_session, jars_by_ivy


def main() -> int:
    """0 when the jars are there and a Delta table can be written; otherwise the reason on standard error and 1."""
    has_folder = bool(os.environ.get("SIDECART_JARS"))
    shutil.rmtree(FETCHED_JARS, ignore_errors=True)
    try:
        spark = build_session(
            "fetch jars", "local[1]", driver_memory="512m", options={} if has_folder else jars_by_ivy()
        )
    except SidecartError as error:
        print(f"sidecart: {error}", file=sys.stderr)
        return 1
    if not has_folder:
        _keep_jars(spark)
    with tempfile.TemporaryDirectory() as folder:
        spark.range(1).write.format("delta").save(str(Path(folder) / "table"))
    spark.stop()
    return 0


def _keep_jars(spark: SparkSession) -> None:
    """Copy what Ivy resolved; into a folder that gets its name last, so that half of them is never taken for all."""
    half = FETCHED_JARS.with_name(f"{FETCHED_JARS.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    for jar in (spark.conf.get("spark.jars") or "").split(","):
        shutil.copy(urlparse(jar).path, half)
    half.rename(FETCHED_JARS)


if __name__ == "__main__":
    sys.exit(main())
