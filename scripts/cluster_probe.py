"""A job that proves a cluster: its Python workers run the packed sidecart, and Delta tables are written from there."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import pandas as pd

from sidecart.settings_files import presets
from sidecart.storage.session import build_session


def where_sidecart_is(batches: Iterable[pd.DataFrame]) -> Iterable[pd.DataFrame]:
    """The file from which a worker imports sidecart, and how many presets it finds there."""
    import sidecart
    from sidecart.settings_files import presets as presets_there

    for batch in batches:
        yield batch.assign(file=sidecart.__file__, presets=len(presets_there()))


def main(folder: str) -> int:
    """Write what two partitions saw to a Delta table in `folder`; 1 when a worker took sidecart from elsewhere."""
    spark = build_session("cluster probe")
    seen = spark.range(0, 2, 1, 2).mapInPandas(where_sidecart_is, "id LONG, file STRING, presets LONG")
    seen.write.format("delta").mode("overwrite").save(folder)
    rows = spark.read.format("delta").load(folder).collect()
    for row in rows:
        print(f"worker took sidecart from {row['file']} with {row['presets']} presets")
    is_packed = all(".zip" in row["file"] and row["presets"] == len(presets()) for row in rows)
    return 0 if len(rows) == 2 and is_packed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
