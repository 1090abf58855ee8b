"""Whether peers gave the same rows: pairs by a sum of hashes over all rows, lists row by row."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb

_FLAT = (
    "SELECT anchor::INT AS anchor, candidate::INT AS candidate, {count}::INT AS baskets FROM read_parquet('{files}')"
)
_ARRAYS = """
SELECT anchor, unnest(alike.candidates)::INT AS candidate, alike.pair_baskets::INT AS baskets
FROM (SELECT anchor, unnest(met) AS alike FROM read_parquet('{files}') WHERE region_id = 'root')
"""
_ALL = "SELECT count(*), coalesce(sum(hash(anchor, candidate, baskets)::HUGEINT), 0) FROM {pairs}"
_LISTS = """
CREATE OR REPLACE TEMP TABLE {name} AS
SELECT anchor::INT AS anchor, candidate::INT AS candidate, score::DOUBLE AS score,
       row_number() OVER (PARTITION BY anchor ORDER BY score DESC) AS place
FROM ({source})
"""
_COSINES = """
SELECT anchor, candidate, baskets / sqrt(a.held::DOUBLE * c.held) AS score
FROM pairs JOIN held a ON anchor = a.variant JOIN held c ON candidate = c.variant
"""
_BUYERS = """
WITH lines AS (FROM '{lines}'), met AS (
    SELECT a.variant AS anchor, b.variant AS candidate, a.buyer_key FROM lines a JOIN lines b USING (basket)
    WHERE a.variant <> b.variant GROUP BY ALL
)
SELECT anchor, candidate, count(*) AS score FROM met GROUP BY ALL
"""
_DIFFERING = """
SELECT count(*) FROM theirs FULL JOIN (FROM {expected} WHERE place <= 100) AS ours USING (anchor, place)
WHERE theirs.score IS NULL OR ours.score IS NULL OR abs(theirs.score - ours.score) > 1e-5 * ours.score
"""
"""Of equal scores each tool takes which it likes, so places are compared, not candidates …"""
_UNTRUE = """
SELECT count(*) FROM theirs LEFT JOIN {expected} AS ours USING (anchor, candidate)
WHERE ours.score IS NULL OR abs(theirs.score - ours.score) > 1e-5 * ours.score
"""
"""… and beside them that each candidate has the count it is listed with …"""
_TWICE = "SELECT count(*) - count(DISTINCT (anchor, candidate)) FROM theirs"
"""… and is listed once."""


class Reference:
    """What the first peer gave for a shop, and how others compare with it."""

    def __init__(self, shop: Path, folder: Path) -> None:
        self._folder = folder
        self._shop = shop
        shutil.rmtree(folder, ignore_errors=True)
        self._engine = duckdb.connect()
        self._engine.execute("SET memory_limit = '8GB'")

    @property
    def is_there(self) -> bool:
        return self._folder.is_dir()

    def take(self, out: Path) -> None:
        """Keep what a peer wrote as the reference."""
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        out.rename(self._folder)
        shutil.copytree(self._folder, out)
        self._engine.execute(f"CREATE OR REPLACE TEMP VIEW pairs AS {_pairs_of(self._folder)}")
        self._engine.execute(_LISTS.format(name="ours", source=_lists_of(self._folder)))

    def compared(self, out: Path, *, has_pairs: bool, score: str) -> tuple[str, bool]:
        """What was compared in words, and whether all of it is the same."""
        if score == "above a floor":
            return self._above(out)
        said, is_same = [], True
        if has_pairs:
            rows, theirs = self._one(_ALL.format(pairs=f"({_pairs_of(out)})"))
            is_same = (rows, theirs) == self._one(_ALL.format(pairs="pairs"))
            said.append(f"{rows:,} pairs{'' if is_same else ' differ'}")
        self._engine.execute(_LISTS.format(name="theirs", source=_lists_of(out)))
        (listed,) = self._one("SELECT count(*) FROM theirs")
        differing = self._differing(score) + int(self._one(_TWICE)[0])
        said.append(f"{listed:,} rows of lists{f', {differing:,} differ' if differing else ''}")
        return ", ".join(said), is_same and not differing and bool(listed)

    def _differing(self, score: str) -> int:
        """Places of lists whose score is another one, and candidates with a score that is not theirs."""
        expected = ("ours", "(SELECT anchor, candidate, baskets AS score FROM pairs)")
        if score != "baskets":
            lines = self._shop / "lines" / "*.parquet"
            self._engine.execute(
                f"CREATE OR REPLACE TEMP TABLE held AS SELECT variant, count(*) AS held FROM '{lines}' GROUP BY variant"
            )
            source = {"cosine": _COSINES, "buyers": _BUYERS.format(lines=lines)}[score]
            self._engine.execute(_LISTS.format(name="scored", source=source))
            expected = ("scored", "scored")
        differing, untrue = _DIFFERING.format(expected=expected[0]), _UNTRUE.format(expected=expected[1])
        return int(self._one(differing)[0]) + int(self._one(untrue)[0])

    def _above(self, out: Path) -> tuple[str, bool]:
        """A tool that gives pairs of a least count only: those must be right, and none may be missing."""
        floor = int((out / "floor").read_text(encoding="ascii"))
        rows, theirs = self._one(_ALL.format(pairs=f"({_pairs_of(out)})"))
        same = (rows, theirs) == self._one(_ALL.format(pairs=f"(FROM pairs WHERE baskets >= {floor})"))
        return f"only {rows:,} pairs, of {floor:,} baskets and more{'' if same else ', and they differ'}", same

    def _one(self, query: str) -> tuple[Any, ...]:
        return self._engine.execute(query).fetchall()[0]


def _pairs_of(out: Path) -> str:
    if (out / "pair_support").is_dir():
        return _ARRAYS.format(files=out / "pair_support" / "*.parquet")
    return _FLAT.format(count="baskets", files=out / "pairs" / "*.parquet")


def _lists_of(out: Path) -> str:
    return f"SELECT anchor, candidate, score FROM read_parquet('{out}/lists/*.parquet')"
