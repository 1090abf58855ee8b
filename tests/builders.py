"""Small shops in shop words: rows made from the contracts, with the columns that a test is not about filled in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from sidecart.contracts import gold, silver, state
from sidecart.contracts.frames import rows
from sidecart.contracts.model import Contract
from sidecart.list_depths import shelves, watched
from sidecart.list_places import Places
from sidecart.settings import ListSettings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""When things happen where a test does not say."""

_DEFAULTS: dict[str, Any] = {
    "region_id": "root",
    "source_seq": 0,
    "quantity": 1,
    "quantity_left": 1,
    "sold_by": "unit",
    "basis": "offers",
    "is_available": True,
    "is_guest": False,
    "is_extreme": False,
    "anchor_by": "any",
    "candidate_by": "any",
    "priority": 0,
    "buyers": 0,
    "baskets": 0,
    "status": "sale",
}
_OF_TYPE: dict[str, Any] = {
    "STRING": "-",
    "INT": 1,
    "BIGINT": 1,
    "DOUBLE": 1.0,
    "BOOLEAN": False,
    "TIMESTAMP": NOON,
    "DATE": date(2026, 3, 1),
    "DECIMAL(18,4)": 1,
    "DECIMAL(18,6)": 1,
    "ARRAY<INT>": [],
    "ARRAY<STRING>": [],
    state.PAIR_GROUPS: [],
    "MAP<STRING,STRING>": {},
}
_FLAT_PAIRS = "region_id STRING, anchor INT, candidate INT, pair_buyers INT, pair_baskets INT"


def filled(contract: Contract, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with every required column that it leaves out; a name the contract lacks is an error."""
    strange = set(row) - set(contract.column_names)
    if strange:
        raise KeyError(f"{contract.name} has no column {', '.join(sorted(strange))}")
    whole = {
        c.name: row.get(c.name, _DEFAULTS.get(c.name, _OF_TYPE[c.type]) if c.is_required else None)
        for c in contract.columns
    }
    decimals = {c.name for c in contract.columns if c.type.startswith("DECIMAL")}
    return {n: Decimal(str(v)) if n in decimals and v is not None else v for n, v in whole.items()}


def frame_of(spark: SparkSession, contract: Contract, *given: Mapping[str, Any]) -> DataFrame:
    """A frame of the contract from what a test says of each row."""
    return rows(spark, contract, [filled(contract, row) for row in given])


@dataclass(frozen=True)
class Frames:
    """Tables that a test made, read as those of a release or a run are."""

    by_contract: Mapping[Contract, DataFrame]

    def read(self, contract: Contract) -> DataFrame:
        """The table's rows."""
        return self.by_contract[contract]

    def but(self, changed: Mapping[Contract, DataFrame]) -> Frames:
        """The same with some tables changed."""
        return Frames({**self.by_contract, **changed})


@contextmanager
def configured(spark: SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    """A session with other settings for a while."""
    before = {name: spark.conf.get(name) or "" for name in settings}
    try:
        for name, value in settings.items():
            spark.conf.set(name, value)
        yield
    finally:
        for name, value in before.items():
            spark.conf.set(name, value)


def told(frame: DataFrame, *columns: str) -> list[Any]:
    """These columns of all rows, sorted, nulls first; a single column as plain values. Times come as UTC."""
    found = [tuple(_aware(value) for value in row) for row in frame.select(*columns).collect()]
    found.sort(key=lambda row: [(value is not None, value) for value in row])
    return [row[0] for row in found] if len(columns) == 1 else found


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def paths(*branches: str) -> dict[str, list[str]]:
    """Every node of branches such as `"root > north > oslo"` with its path."""
    found: dict[str, list[str]] = {}
    for branch in branches:
        steps = [step.strip() for step in branch.split(">")]
        found |= {step: steps[: place + 1] for place, step in enumerate(steps)}
    return found


@dataclass
class Shop:
    """A shop in words; a word gets its integer when it is first said."""

    spark: SparkSession
    numbers: dict[str, int] = field(default_factory=dict)

    def number(self, word: str) -> int:
        """The variant's integer."""
        return self.numbers.setdefault(word, len(self.numbers) + 1)

    def word(self, number: int) -> str:
        """The variant of an integer."""
        return next(word for word, known in self.numbers.items() if known == number)

    def frame(self, contract: Contract, *given: Mapping[str, Any]) -> DataFrame:
        """Rows of any contract."""
        return frame_of(self.spark, contract, *given)

    def variant_ids(self, words: str = "") -> DataFrame:
        """The integers of these words, or of all said so far."""
        wanted = words.split() or list(self.numbers)
        return self.frame(state.VARIANT_IDS, *({"variant_id": w, "variant": self.number(w)} for w in wanted))

    def order_lines(self, *lines: Mapping[str, Any]) -> DataFrame:
        """Order lines; each has a line_key of its own."""
        keyed = ({"line_key": str(place)} | dict(line) for place, line in enumerate(lines, 1))
        return self.frame(silver.ORDER_LINES, *keyed)

    def baskets(self, **orders: str) -> DataFrame:
        """Stored baskets: `b1="milk bread"` is a guest's at the root, `b2="ann@oslo: milk milk"` is Ann's in Oslo."""
        return self.frame(state.BASKETS, *(self._basket(order, text) for order, text in orders.items()))

    def _basket(self, order: str, text: str) -> dict[str, Any]:
        who, _, what = text.rpartition(":")
        buyer, _, region = who.partition("@")
        return {
            "order_id": order,
            "buyer_key": buyer or f"guest:{order}",
            "is_guest": not buyer,
            "region_id": region or "root",
            "variants": sorted({self.number(word) for word in what.split()}),
        }

    def regions(self, *branches: str) -> DataFrame:
        """The tree of regions: `"root > north > oslo"`; the root alone where nothing is said."""
        found = paths("root", *branches)
        return self.frame(
            silver.REGIONS,
            *(
                {"region_id": r, "name": r, "depth": len(p) - 1, "path": p, "parent_id": p[-2] if len(p) > 1 else None}
                for r, p in found.items()
            ),
        )

    def categories(self, *branches: str) -> DataFrame:
        """The tree of categories: `"food > dairy > milk"`."""
        return self.frame(
            silver.CATEGORIES,
            *({"category_id": c, "name": c, "depth": len(p), "path": p} for c, p in paths(*branches).items()),
        )

    def catalog(self, **variants: str) -> DataFrame:
        """Variants with their category and, after a slash, their group: `tee_red="shirts/tee"`; empty is unknown."""
        return self.frame(silver.CATALOG, *(self._variant(word, text) for word, text in variants.items()))

    def _variant(self, word: str, text: str) -> dict[str, Any]:
        self.number(word)
        category, _, group = text.partition("/")
        return {"variant_id": word, "name": word, "category_id": category or None, "group_id": group or word}

    def offers(self, **regions: str) -> DataFrame:
        """What regions sell: `oslo="milk bread=2.50 -jam"`; a minus means that it can't be bought now."""
        return self.frame(
            silver.OFFERS, *(_offer(region, word) for region, words in regions.items() for word in words.split())
        )

    def facts(self, **variants: Mapping[str, Any]) -> DataFrame:
        """Variant facts; a variant is a group of its own and all its baskets recent, unless the test says otherwise."""
        order = {word: place for place, word in enumerate(sorted(variants), 1)}
        groups: dict[str, int] = {}
        for word, fact in variants.items():
            group = fact.get("group_id", word)
            groups[group] = min(self.number(word), groups.get(group, self.number(word)))
        return self.frame(
            state.VARIANT_FACTS,
            *(
                {"variant": self.number(word), "variant_id": word, "group_id": word, "id_order": order[word]}
                | {"group_variant": groups[fact.get("group_id", word)], "brand_mode": "off"}
                | {"recent_baskets": fact.get("baskets", 0)}
                | dict(fact)
                for word, fact in variants.items()
            ),
        )

    def rules(self, *rules: Mapping[str, Any]) -> DataFrame:
        """Rules; each has an id of its own."""
        named = ({"rule_id": f"r{place}", "action": "deny"} | dict(rule) for place, rule in enumerate(rules, 1))
        return self.frame(silver.RULES, *named)

    def places(self, regions: DataFrame, offers: DataFrame, settings: ListSettings, variants: int = 40) -> Places:
        """The regions as slots of lists, on a first day."""
        seen = watched(shelves(offers), self.frame(gold.LIST_REGIONS), None, 0.0)
        sold = offers.select("variant_id").distinct().count()
        return Places.of(regions).keeping(seen, sold, variants, settings)

    def flat_pairs(self, *pairs: str) -> DataFrame:
        """One direction of a pair each, as counted in a region: `"oslo: milk bread 5"`; at the root without a name."""
        return self.spark.createDataFrame([self._pair(text) for text in pairs], _FLAT_PAIRS)

    def _pair(self, text: str) -> tuple[Any, ...]:
        where, _, what = text.rpartition(":")
        anchor, candidate, count = what.split()
        return (where or "root", self.number(anchor), self.number(candidate), int(count), int(count))

    def pairs_in_words(self, flat: DataFrame) -> dict[tuple[str, str, str], tuple[int, int]]:
        """Flat pairs as (region, anchor, candidate): (buyers, baskets)."""
        return {
            (p["region_id"], self.word(p["anchor"]), self.word(p["candidate"])): (p["pair_buyers"], p["pair_baskets"])
            for p in flat.collect()
        }


def _offer(region: str, text: str) -> dict[str, Any]:
    word, _, price = text.removeprefix("-").partition("=")
    return {
        "region_id": region,
        "variant_id": word,
        "is_available": not text.startswith("-"),
        "price": price or None,
    }
