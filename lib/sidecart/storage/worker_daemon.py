"""PySpark's worker daemon with imports done before it forks: a local session's Python workers start warm."""

from __future__ import annotations

import pandas  # noqa: F401, ICN001
import pyarrow  # noqa: F401, ICN001
from pyspark.daemon import manager

import sidecart.base_lists
import sidecart.ingest.reading
import sidecart.ingest.settlement
import sidecart.pairs  # noqa: F401

if __name__ == "__main__":
    manager()  # type: ignore[no-untyped-call]
