"""Start Spark once, so that Delta's jars are in Ivy's cache, and prove that a Delta table can be written."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from sidecart.errors import SidecartError
from sidecart.storage.session import build_session


def main() -> int:
    """0 when Spark starts and writes a Delta table; otherwise the reason on standard error and 1."""
    try:
        spark = build_session("fetch jars", master="local[1]", driver_memory="512m")
    except SidecartError as error:
        print(f"sidecart: {error}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        spark.range(1).write.format("delta").save(str(Path(folder) / "table"))
    spark.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
