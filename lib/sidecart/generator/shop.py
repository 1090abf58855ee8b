"""A generated shop as a landing folder, and beside it what was planted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sidecart.generator import names
from sidecart.generator.assortment import Goods, goods_of
from sidecart.generator.baskets import Baskets, Crowd, baskets, chunk_count, crowd_of
from sidecart.generator.layout import COLOURS
from sidecart.generator.lines import buyer_ids, order_ids, order_rows
from sidecart.generator.places import places_of, region_tree
from sidecart.generator.settings import GeneratorSettings
from sidecart.generator.visits import offer_rows, view_rows
from sidecart.landing_files import Format, clear_parts, write_input

PLANTED_FOLDER = "_planted"
"""Below the landing folder; no input has this name, so that ingest passes it by."""


@dataclass(frozen=True)
class Planted:
    """What is true of the shop by construction; the tables also lie as Parquet in `folder`."""

    folder: Path
    as_of: datetime
    rows: dict[str, int]
    """Rows per input."""
    statuses: dict[str, int]
    """Order rows per status; `unlinked` returns are counted apart from `return`."""
    complements: pa.Table
    """anchor_id, candidate_id, chance: what is bought because of the anchor. Colour matches are not among them."""
    colour_matches: pa.Table
    """anchor_id, candidate_id, colour: the variant of the complement in the anchor's colour."""
    bananas: pa.Table
    """variant_id, basket_share: bought with everything by chance."""
    related: pa.Table
    """category_id, complement_id: the shelves whose goods are bought on the same missions."""
    extreme_buyers: pa.Table
    """buyer_id."""
    extreme_orders: pa.Table
    """order_id: hundreds of lines each."""


def write_shop(target: Path, settings: GeneratorSettings, fmt: Format = "parquet") -> Planted:
    """Write the shop's landing folder, and what was planted below it in `_planted`.

    Orders and views are drawn and written chunk by chunk, so that memory does not grow with the shop's size.
    """
    goods = goods_of(settings)
    crowd = crowd_of(settings, goods, places_of(settings, goods))
    clear_parts(target)
    rows: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    for name, table in _standing_inputs(crowd):
        rows[name] += write_input(target, name, table, fmt)
    ids = names.variant_ids(goods)
    for chunk in range(chunk_count(settings)):
        bought = baskets(crowd, chunk)
        orders = order_rows(crowd, chunk, bought, ids)
        rows["orders"] += write_input(target, "orders", orders, fmt, chunk)
        statuses.update(_statuses(orders))
        if settings.views_per_line:
            rows["views"] += write_input(target, "views", view_rows(crowd, chunk, bought, ids), fmt, chunk)
    if settings.has_offers:
        for region in range(len(crowd.places.ids)):
            rows["offers"] += write_input(target, "offers", offer_rows(crowd, region, ids), fmt, region)
    return _written(target / PLANTED_FOLDER, crowd, ids, dict(rows), dict(statuses))


def _standing_inputs(crowd: Crowd) -> Iterator[tuple[str, pa.Table]]:
    yield "catalog", names.catalog(crowd.settings, crowd.goods)
    yield "categories", names.categories(crowd.settings)
    yield "rules", names.rules(crowd.settings)
    if crowd.settings.regions:
        yield "regions", region_tree(crowd.settings, crowd.places)


def _statuses(orders: pa.Table) -> dict[str, int]:
    counts = {row["values"]: row["counts"] for row in orders["status"].value_counts().to_pylist()}
    unlinked = orders["order_id"].null_count
    return {**counts, "return": counts.get("return", 0) - unlinked, "unlinked": unlinked}


def _written(folder: Path, crowd: Crowd, ids: pa.Array, rows: dict[str, int], statuses: dict[str, int]) -> Planted:
    settings, goods = crowd.settings, crowd.goods
    tables = {
        "complements": _complements(goods, ids),
        "colour_matches": _colour_matches(goods, ids),
        "bananas": pa.table({"variant_id": ids.take(pa.array(goods.bananas)), "basket_share": goods.banana_shares}),
        "related": _related(settings, goods),
        "extreme_buyers": pa.table({"buyer_id": buyer_ids(settings.buyers + np.arange(settings.extreme_buyers))}),
        "extreme_orders": pa.table({"order_id": order_ids(_NO_BASKETS, crowd.bulk_orders)}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    facts = {
        "as_of": settings.as_of.isoformat(),
        "settings": settings.as_dict(),
        "rows": rows,
        "statuses": statuses,
        "kept_apart": names.department_id(settings.departments - 1),
        "assortments": dict(zip(crowd.places.ids, np.round(crowd.places.shares, 4).tolist(), strict=True)),
    }
    (folder / "planted.json").write_text(json.dumps(facts, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return Planted(folder, settings.as_of, rows, statuses, **tables)


_EMPTY = np.zeros(0, np.int64)
_NO_BASKETS = Baskets(0, _EMPTY, _EMPTY, _EMPTY, _EMPTY, _EMPTY)


def _complements(goods: Goods, ids: pa.Array) -> pa.Table:
    planted = goods.planted
    row, slot = np.nonzero((planted.complements >= 0) & ~planted.is_colour_match[:, None])
    return pa.table(
        {
            "anchor_id": ids.take(pa.array(planted.anchors[row])),
            "candidate_id": ids.take(pa.array(planted.complements[row, slot])),
            "chance": planted.chances[row, slot],
        }
    )


def _colour_matches(goods: Goods, ids: pa.Array) -> pa.Table:
    planted = goods.planted
    row = np.flatnonzero(planted.is_colour_match)
    return pa.table(
        {
            "anchor_id": ids.take(pa.array(planted.anchors[row])),
            "candidate_id": ids.take(pa.array(planted.complements[row, 0])),
            "colour": pa.array(COLOURS).take(pa.array(goods.colour[planted.anchors[row]])),
        }
    )


def _related(settings: GeneratorSettings, goods: Goods) -> pa.Table:
    shelves = [names.shelf_id(settings, shelf) for shelf in range(settings.shelves)]
    pairs = [(shelves[shelf], shelves[friend]) for shelf in range(settings.shelves) for friend in goods.friends[shelf]]
    return pa.table({"category_id": [pair[0] for pair in pairs], "complement_id": [pair[1] for pair in pairs]})
