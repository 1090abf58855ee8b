"""AdventureWorks internet sales: a fictional bicycle shop, 2021 to June 2023 (a Microsoft sample).

Small, with complements that were planted in it (each tyre and its tube), models of several colours and sizes, and
returns that name neither order nor buyer. Orders know their day only.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidecart.adapters.category_paths import category_tree, path_id, slug
from sidecart.adapters.shared_folder import data_set
from sidecart.landing_files import Format, clear_parts, json_texts, source_file, write_input

NOTHING = "0"
"""What the source writes for no size and no style."""


def write_landing(target: Path, source: Path | None = None, fmt: Format = "parquet") -> dict[str, int]:
    """Write the shop's orders, returns, catalogue, categories and territories below `target`; rows per input.

    `source` is the folder with order_lines, returns, products and regions as Parquet, by default below SIDECART_DATA.
    """
    folder = data_set("adventureworks", source)
    lines, returns, products, territories = (
        pq.read_table(source_file(folder, f"{name}.parquet"))
        for name in ("order_lines", "returns", "products", "regions")
    )
    prices = _prices(products)
    inputs = {
        "orders": pa.concat_tables([_sales(lines, prices), _returns(returns, prices)]),
        "catalog": _catalog(products),
        "categories": category_tree(_category_paths(products)),
        "regions": _regions(territories),
    }
    clear_parts(target)
    return {name: write_input(target, name, rows, fmt) for name, rows in inputs.items()}


def _sales(lines: pa.Table, prices: dict[int, float]) -> pa.Table:
    return pa.table(
        {
            "order_id": lines["order_id"],
            "line_no": lines["line_no"].cast(pa.string()),
            "buyer_id": lines["buyer_id"].cast(pa.string()),
            "variant_id": lines["variant_id"].cast(pa.string()),
            "region_id": lines["region_id"].cast(pa.string()),
            "quantity": lines["quantity"],
            "unit_price": pa.array([prices[variant] for variant in lines["variant_id"].to_pylist()]),
            "ordered_at": lines["order_ts"].cast(pa.timestamp("us", "UTC")),
            "currency": pa.repeat("USD", lines.num_rows),
            "status": pa.repeat("sale", lines.num_rows),
        }
    )


def _returns(returns: pa.Table, prices: dict[int, float]) -> pa.Table:
    nobody = pa.nulls(returns.num_rows, pa.string())
    return pa.table(
        {
            "order_id": nobody,
            "line_no": nobody,
            "buyer_id": nobody,
            "variant_id": returns["ProductKey"].cast(pa.string()),
            "region_id": returns["TerritoryKey"].cast(pa.string()),
            "quantity": pc.negate(returns["ReturnQuantity"]),
            "unit_price": pa.array([prices[variant] for variant in returns["ProductKey"].to_pylist()]),
            "ordered_at": returns["return_ts"].cast(pa.timestamp("us", "UTC")),
            "currency": pa.repeat("USD", returns.num_rows),
            "status": pa.repeat("return", returns.num_rows),
        }
    )


def _prices(products: pa.Table) -> dict[int, float]:
    rounded = pc.round(products["ProductPrice"], 4)
    return dict(zip(products["ProductKey"].to_pylist(), rounded.to_pylist(), strict=True))


def _category_paths(products: pa.Table) -> list[tuple[str, str]]:
    return list(zip(products["CategoryName"].to_pylist(), products["SubcategoryName"].to_pylist(), strict=True))


def _catalog(products: pa.Table) -> pa.Table:
    described = (products[name].to_pylist() for name in ("ProductColor", "ProductSize", "ProductStyle"))
    attributes = [
        {"colour": colour, "size": size if size != NOTHING else None, "style": style if style != NOTHING else None}
        for colour, size, style in zip(*described, strict=True)
    ]
    return pa.table(
        {
            "variant_id": products["ProductKey"].cast(pa.string()),
            "group_id": pa.array(map(slug, products["ModelName"].to_pylist()), pa.string()),
            "category_id": pa.array(map(path_id, _category_paths(products)), pa.string()),
            "name": products["ProductName"],
            "attributes": pa.array(json_texts(attributes), pa.string()),
        }
    )


def _regions(territories: pa.Table) -> pa.Table:
    """Continents, the countries in them, and the territories that orders name."""
    rows: dict[str, tuple[str | None, str]] = {}
    for territory in territories.to_pylist():
        continent, country = f"continent-{slug(territory['Continent'])}", f"country-{slug(territory['Country'])}"
        rows[continent] = (None, territory["Continent"])
        rows[country] = (continent, territory["Country"])
        rows[str(territory["SalesTerritoryKey"])] = (country, territory["Region"])
    parents, names = zip(*rows.values(), strict=True)
    return pa.table(
        {
            "region_id": pa.array(rows, pa.string()),
            "parent_id": pa.array(parents, pa.string()),
            "name": pa.array(names, pa.string()),
        }
    )
