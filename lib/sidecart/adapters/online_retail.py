"""Online Retail: a British gift wholesaler, December 2009 to August 2011 (Chen, Sain, Guo 2012; UCI; CC BY 4.0).

Kept as it is: lines that repeat (there are no line numbers, so ingest drops exact repeats), guests, huge orders.
A cancellation is an order of its own that names no sale. Service lines (postage, fees, vouchers) stay in the orders
and out of the catalogue, so that ingest holds them. Times are London's.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidecart.adapters.category_paths import category_tree, path_id, readable, slug
from sidecart.adapters.shared_folder import data_set
from sidecart.landing_files import Format, clear_parts, json_texts, source_file, write_input

ZONE = "Europe/London"


def write_landing(target: Path, source: Path | None = None, fmt: Format = "parquet") -> dict[str, int]:
    """Write the wholesaler's orders, catalogue, categories and countries below `target`; rows per input.

    `source` is the folder with order_lines.parquet and products.parquet, by default below SIDECART_DATA.
    """
    folder = data_set("online_retail", source)
    lines = pq.read_table(source_file(folder, "order_lines.parquet"))
    products = pq.read_table(source_file(folder, "products.parquet"))
    inputs = {
        "orders": _orders(lines),
        "catalog": _catalog(products),
        "categories": category_tree([(name,) for name in products["derived_category"].to_pylist() if name]),
        "regions": _regions(lines),
    }
    clear_parts(target)
    return {name: write_input(target, name, rows, fmt) for name, rows in inputs.items()}


def _orders(lines: pa.Table) -> pa.Table:
    status = lines["line_type"]
    quantity = lines["quantity"]
    local = pc.assume_timezone(lines["ordered_at"], ZONE, ambiguous="earliest", nonexistent="latest")
    return pa.table(
        {
            "order_id": lines["order_id"],
            "buyer_id": lines["buyer_id"],
            "variant_id": lines["variant_id"],
            "region_id": _region_ids(lines["region"]),
            # The contract knows no direction of an adjustment: it counts for nothing, whichever way it went.
            "quantity": pc.if_else(pc.equal(status, "adjust"), pc.abs(quantity), quantity),
            "unit_price": pc.round(lines["unit_price"], 4),
            "ordered_at": local.cast(pa.timestamp("us", "UTC")),
            "currency": pa.repeat("GBP", lines.num_rows),
            "status": status,
        }
    )


def _region_ids(countries: pa.ChunkedArray) -> pa.ChunkedArray:
    encoded = countries.combine_chunks().dictionary_encode()
    return pa.chunked_array([pa.array(map(slug, encoded.dictionary.to_pylist()), pa.string()).take(encoded.indices)])


def _catalog(products: pa.Table) -> pa.Table:
    names = products["name"].to_pylist()
    categories = products["derived_category"].to_pylist()
    described = zip(products["derived_design"].to_pylist(), products["variant_suffix"].to_pylist(), strict=True)
    attributes = [{"design": design and readable(design), "suffix": suffix} for design, suffix in described]
    return pa.table(
        {
            "variant_id": products["variant_id"],
            "group_id": products["group_id"],
            "category_id": pa.array([path_id((name,)) if name else None for name in categories], pa.string()),
            "name": pa.array([readable(name) if name else None for name in names], pa.string()),
            "attributes": pa.array(json_texts(attributes), pa.string()),
        }
    )


def _regions(lines: pa.Table) -> pa.Table:
    countries = sorted(pc.unique(lines["region"]).to_pylist())
    return pa.table(
        {
            "region_id": pa.array(map(slug, countries), pa.string()),
            "parent_id": pa.nulls(len(countries), pa.string()),
            "name": pa.array(countries, pa.string()),
        }
    )
