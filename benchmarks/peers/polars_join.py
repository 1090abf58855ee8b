"""Polars: the same self-join in its streaming engine."""

from __future__ import annotations

import polars as pl

from told import DEPTH, told


def main() -> None:
    given = told()
    for folder in ("pairs", "lists"):
        (given.out / folder).mkdir()
    lines = pl.scan_parquet(given.lines)
    met = lines.join(lines, on="basket", suffix="_high").filter(pl.col("variant") < pl.col("variant_high"))
    half = met.group_by("variant", "variant_high").agg(pl.len().cast(pl.Int32).alias("baskets"))
    counted = half.collect(engine="streaming")
    names = ["anchor", "candidate", "baskets"]
    other_way = counted.select("variant_high", "variant", "baskets")
    pairs = pl.concat([frame.rename(dict(zip(frame.columns, names, strict=True))) for frame in (counted, other_way)])
    pairs.write_parquet(given.out / "pairs" / "0.parquet")
    best = pairs.lazy().sort(["anchor", "baskets", "candidate"], descending=[False, True, False])
    lists = best.group_by("anchor", maintain_order=True).head(DEPTH).rename({"baskets": "score"})
    lists.collect(engine="streaming").write_parquet(given.out / "lists" / "0.parquet")


main()
