"""DuckDB: a self-join that counts each pair once, then both directions and the best of each anchor."""

from __future__ import annotations

import duckdb

from told import DEPTH, told

_COUNT = """
CREATE TEMP TABLE half AS
SELECT a.variant AS low, b.variant AS high, count(*)::INT AS baskets
FROM read_parquet('{lines}') a JOIN read_parquet('{lines}') b ON a.basket = b.basket AND a.variant < b.variant
GROUP BY ALL;
CREATE TEMP VIEW pairs AS
SELECT low AS anchor, high AS candidate, baskets FROM half UNION ALL SELECT high, low, baskets FROM half;
COPY pairs TO '{out}/pairs' (FORMAT parquet, PER_THREAD_OUTPUT);
COPY (
    SELECT anchor, best.candidate AS candidate, best.baskets AS score FROM (
        SELECT anchor, unnest(max({{'baskets': baskets, 'last': -candidate, 'candidate': candidate}}, {depth})) AS best
        FROM pairs GROUP BY anchor
    )
) TO '{out}/lists' (FORMAT parquet, PER_THREAD_OUTPUT)
"""


def main() -> None:
    given = told()
    engine = duckdb.connect()
    # What is spilt and read back is beside its limit; leave it room.
    engine.execute(f"SET threads = {given.threads}; SET memory_limit = '{given.megabytes * 3 // 4}MB'")
    engine.execute(f"SET temp_directory = '{given.out}/spilt'; SET preserve_insertion_order = false")
    engine.execute(_COUNT.format(lines=given.lines, out=given.out, depth=DEPTH))


main()
