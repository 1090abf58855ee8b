"""PySpark's worker daemon with imports done before it forks: a local session's Python workers start warm."""

from __future__ import annotations

import sys
from importlib.util import find_spec


def _leave_archives() -> None:
    """Take pyspark from where this Python has it installed, not from the archives that Spark puts first on the path.

    Every task makes its worker look into all archives of the path anew, which takes longer than most tasks here.
    """
    given = list(sys.path)
    sys.path[:] = [entry for entry in given if not entry.endswith((".zip", ".jar"))]
    if find_spec("pyspark") is None:
        sys.path[:] = given
        return
    for entry in set(given) - set(sys.path):
        sys.path_importer_cache.pop(entry, None)


_leave_archives()

import pandas  # noqa: E402, F401, ICN001
import pyarrow  # noqa: E402, F401, ICN001
from pyspark.daemon import manager  # noqa: E402

import sidecart.base_lists  # noqa: E402
import sidecart.ingest.reading  # noqa: E402
import sidecart.ingest.settlement  # noqa: E402
import sidecart.pairs  # noqa: E402

sidecart.pairs.warm()
sidecart.base_lists.warm()

if __name__ == "__main__":
    manager()  # type: ignore[no-untyped-call]
