"""What the goods of a generated shop are called: ids, names, the tree, the catalogue input."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pyarrow as pa

from sidecart.generator.assortment import Goods
from sidecart.generator.dice import Ints, mixed, scaled
from sidecart.generator.layout import COLOURS
from sidecart.generator.settings import GeneratorSettings

DEPARTMENTS = {
    "grocery": (
        "Produce",
        "Bakery",
        "Dairy",
        "Meat",
        "Frozen",
        "Drinks",
        "Household",
        "Baby",
        "Pets",
        "Snacks",
        "Tins",
    ),
    "fashion": ("Shoes", "Bags", "Dresses", "Shirts", "Trousers", "Coats", "Sport", "Jewellery", "Hats", "Underwear"),
}
KEPT_APART = "Wine and Spirits"
"""The last department: its goods may stand only beside their like."""
_MAKES = ("Alder", "Birch", "Cedar", "Damson", "Elder", "Fern", "Gorse", "Hazel", "Iris", "Juniper", "Laurel", "Maple")
_KINDS = ("classic", "fresh", "family", "organic", "light", "extra", "daily", "fine")
_NAMES = 50
_PRICE_FROM, _PRICE_TO = {"grocery": 49, "fashion": 900}, {"grocery": 1_900, "fashion": 15_000}


def variant_ids(goods: Goods) -> pa.Array:
    """Ids by variant number."""
    return pa.array([f"v{number:06d}" for number in range(1, goods.count + 1)], pa.string())


def department_of(settings: GeneratorSettings, shelf: Ints) -> Ints:
    """The department that a shelf stands in; neighbouring shelves share one."""
    return shelf * settings.departments // settings.shelves


def department_name(settings: GeneratorSettings, number: int) -> str:
    names = DEPARTMENTS[settings.segment]
    if number == settings.departments - 1:
        return KEPT_APART
    return names[number] if number < len(names) else f"{names[number % len(names)]} {number // len(names) + 1}"


def department_id(number: int) -> str:
    return f"d{number + 1:02d}"


def shelf_id(settings: GeneratorSettings, shelf: int) -> str:
    return f"{department_id(int(department_of(settings, np.array([shelf]))[0]))}-s{shelf + 1:03d}"


def categories(settings: GeneratorSettings) -> pa.Table:
    """The categories input: departments, shelves and, where there are several per shelf, types."""
    rows: list[tuple[str, str | None, str]] = [
        (department_id(number), None, department_name(settings, number)) for number in range(settings.departments)
    ]
    for shelf in range(settings.shelves):
        number = int(department_of(settings, np.array([shelf]))[0])
        name = f"{department_name(settings, number)}, shelf {shelf + 1}"
        rows.append((shelf_id(settings, shelf), department_id(number), name))
        if settings.types_per_shelf > 1:
            rows += [
                (f"{shelf_id(settings, shelf)}-t{kind + 1}", shelf_id(settings, shelf), f"{name}, type {kind + 1}")
                for kind in range(settings.types_per_shelf)
            ]
    columns = zip(*rows, strict=True)
    names = ("category_id", "parent_id", "name")
    return pa.table({name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)})


def catalog(settings: GeneratorSettings, goods: Goods) -> pa.Table:
    """The catalog input: every variant, also those that are no longer sold and those that came today."""
    kind = scaled(mixed(settings.seed, _NAMES, goods.group), settings.types_per_shelf)
    make = scaled(mixed(settings.seed, _NAMES, goods.group, 1), len(_MAKES))
    line = scaled(mixed(settings.seed, _NAMES, goods.group, 2), len(_KINDS))
    shelf_ids = [shelf_id(settings, shelf) for shelf in range(settings.shelves)]
    suffix = [f"-t{number + 1}" if settings.types_per_shelf > 1 else "" for number in range(settings.types_per_shelf)]
    numbers = range(goods.count)
    texts = [_attributes(settings, goods, number) for number in numbers]
    names = [
        ", ".join([f"{_MAKES[make[n]]} {_KINDS[line[n]]} {goods.group[n] + 1}", *texts[n].values()]) for n in numbers
    ]
    start = settings.as_of - timedelta(days=settings.days)
    listed = [start + timedelta(days=int(day)) for day in goods.listed_day]
    return pa.table(
        {
            "variant_id": variant_ids(goods),
            "group_id": pa.array([f"g{number + 1:06d}" for number in goods.group], pa.string()),
            "category_id": pa.array([shelf_ids[goods.shelf[n]] + suffix[kind[n]] for n in numbers], pa.string()),
            "brand": pa.array([_MAKES[number] for number in make], pa.string()),
            "name": pa.array(names, pa.string()),
            "attributes": pa.array([json.dumps(text, sort_keys=True) for text in texts], pa.string()),
            "listed_at": pa.array(listed, pa.timestamp("us", "UTC")),
        }
    )


def rules(settings: GeneratorSettings) -> pa.Table:
    """The rules input: what is kept apart is denied everywhere and allowed again beside its like."""
    apart = department_id(settings.departments - 1)
    return pa.table(
        {
            "rule_id": ["kept-apart", "kept-apart-beside-its-like"],
            "action": ["deny", "allow"],
            "anchor_by": ["any", "category"],
            "anchor_value": pa.array([None, apart], pa.string()),
            "candidate_by": ["category", "category"],
            "candidate_value": [apart, apart],
            "priority": [0, 10],
        }
    )


def cents(settings: GeneratorSettings, goods: Goods, region: int | Ints | None = None) -> Ints:
    """Price of every variant in hundredths; a region's differ by up to five per cent, in steps of one."""
    low, high = _PRICE_FROM[settings.segment], _PRICE_TO[settings.segment]
    base = low + scaled(mixed(settings.seed, _NAMES, goods.group, 3), high - low)
    if region is None:
        return base
    return base * (95 + scaled(mixed(settings.seed, _NAMES, region, 4), 11)) // 100


def _attributes(settings: GeneratorSettings, goods: Goods, number: int) -> dict[str, str]:
    texts = {}
    group = goods.group[number]
    if goods.colour[number] >= 0:
        texts["colour"] = COLOURS[goods.colour[number]]
    if goods.first[group + 1] - goods.first[group] > 1 or settings.look.has_colours:
        size = int(goods.size[number])
        texts["size"] = str(36 + 2 * size) if settings.look.has_colours else f"{100 * (size + 1)} g"
    return texts
