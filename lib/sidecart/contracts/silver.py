"""Silver: the current truth of what the shop handed over, and what was refused."""

from __future__ import annotations

from sidecart.contracts.model import Check, Column, Contract, Layer, required

ORDER_EVENTS = Contract(
    name="order_events",
    layer=Layer.SILVER,
    one_row="one accepted order input row, append-only; buyers are keyed hashes",
    key=("event_id",),
    cluster_by=("order_id",),
    time="ordered_at",
    columns=(
        required("event_id", "STRING", "sha-256 of the row's normalised content: two equal rows have one id"),
        Column("order_id", "STRING", "the order; null in a return that lacks it"),
        Column("line_no", "STRING", "the line within the order, where the shop gives one"),
        Column("buyer_key", "STRING", "keyed hash of the buyer; null for a guest"),
        required("variant_id", "STRING", "the variant"),
        required("region_id", "STRING", "the region of the order"),
        required("quantity", "DECIMAL(18,4)", "how many, never negative: the status says the direction"),
        Column("unit_price", "DECIMAL(18,4)", "price of one unit in `currency`"),
        Column("currency", "STRING", "ISO 4217 code"),
        required("ordered_at", "TIMESTAMP", "when, UTC"),
        required("status", "STRING", "sale, cancel, return or adjust"),
        required("source_seq", "BIGINT", "the shop's version of the line; 0 where it gives none"),
        required("source_file", "STRING", "landing file, relative to the landing folder"),
        required("source_line", "BIGINT", "line (text) or row (Parquet, Delta) in that file, from 1"),
        required("run_id", "STRING", "the run that accepted it"),
    ),
    checks=(
        Check("quantity_not_negative", "quantity >= 0"),
        Check("status_known", "status IN ('sale', 'cancel', 'return', 'adjust')"),
    ),
)

ORDER_LINES = Contract(
    name="order_lines",
    layer=Layer.SILVER,
    one_row="one sold line of an order as it stands now: the newest version, cancellations and returns applied",
    key=("order_id", "line_key"),
    cluster_by=("order_id",),
    time="ordered_at",
    is_merged=True,
    columns=(
        required("order_id", "STRING", "the order"),
        required("line_key", "STRING", "the shop's line number, or the event id where it gives none"),
        Column("buyer_key", "STRING", "keyed hash of the buyer; null for a guest"),
        required("variant_id", "STRING", "the variant, known to the catalogue"),
        required("region_id", "STRING", "the region of the line"),
        required("quantity", "DECIMAL(18,4)", "how many were sold"),
        required("quantity_left", "DECIMAL(18,4)", "how many are left after cancellations and returns"),
        Column("unit_price", "DECIMAL(18,4)", "price of one unit in `currency`"),
        Column("currency", "STRING", "ISO 4217 code"),
        required("ordered_at", "TIMESTAMP", "when, UTC"),
        required("source_seq", "BIGINT", "the shop's version of the line"),
    ),
    checks=(Check("left_within_sold", "quantity_left >= 0 AND quantity_left <= quantity"),),
)

UNMATCHED_RETURNS = Contract(
    name="unmatched_returns",
    layer=Layer.SILVER,
    one_row="one cancellation or return of which a part found no sale to take back; tried again on every run",
    key=("event_id",),
    columns=(
        required("event_id", "STRING", "the row in order_events"),
        Column("order_id", "STRING", "its order, where it names one"),
        Column("buyer_key", "STRING", "keyed hash of the buyer, where known"),
        required("variant_id", "STRING", "the variant"),
        required("ordered_at", "TIMESTAMP", "when, UTC"),
        required("quantity", "DECIMAL(18,4)", "how many were to be taken back"),
        required("quantity_unmatched", "DECIMAL(18,4)", "how many of them found no sale"),
    ),
    checks=(Check("unmatched_within_quantity", "quantity_unmatched > 0 AND quantity_unmatched <= quantity"),),
)

TOUCHED_ORDERS = Contract(
    name="touched_orders",
    layer=Layer.SILVER,
    one_row="one order whose lines may be others than in the newest release, so that its buyer is counted again",
    key=("order_id",),
    columns=(required("order_id", "STRING", "the order"),),
)

TOUCHED_SESSIONS = Contract(
    name="touched_sessions",
    layer=Layer.SILVER,
    one_row="one session whose views may be others than in the newest release, so that its viewer is counted again",
    key=("session_id",),
    columns=(required("session_id", "STRING", "keyed hash of the visit"),),
)

HELD_VARIANTS = Contract(
    name="held_variants",
    layer=Layer.SILVER,
    one_row="one variant that the catalogue lacks and that events or views may name: they wait until it comes",
    key=("variant_id",),
    columns=(required("variant_id", "STRING", "the variant"),),
)

VIEWS = Contract(
    name="views",
    layer=Layer.SILVER,
    one_row="one visit of a product page or one add to cart",
    key=("session_id", "variant_id", "viewed_at", "kind"),
    cluster_by=("variant_id",),
    columns=(
        required("session_id", "STRING", "keyed hash of the visit"),
        Column("buyer_key", "STRING", "keyed hash of the buyer, where known"),
        required("variant_id", "STRING", "the variant looked at"),
        required("region_id", "STRING", "the region of the visit"),
        required("viewed_at", "TIMESTAMP", "when, UTC"),
        required("kind", "STRING", "view or cart"),
    ),
    checks=(Check("kind_known", "kind IN ('view', 'cart')"),),
)

CATALOG = Contract(
    name="catalog",
    layer=Layer.SILVER,
    one_row="one variant",
    key=("variant_id",),
    columns=(
        required("variant_id", "STRING", "the sellable variant"),
        required("group_id", "STRING", "the product it is a variant of; its own id where the shop names none"),
        Column("category_id", "STRING", "its category, as deep as the shop knows it"),
        Column("brand", "STRING", "its brand; null matches none"),
        required("name", "STRING", "what people call it; the id where the shop gives no name"),
        required("attributes", "MAP<STRING,STRING>", "colour, size and the like"),
        Column("listed_at", "TIMESTAMP", "since when it is in the catalogue, UTC"),
        required("sold_by", "STRING", "unit or weight"),
    ),
    checks=(Check("sold_by_known", "sold_by IN ('unit', 'weight')"),),
)

CATEGORIES = Contract(
    name="categories",
    layer=Layer.SILVER,
    one_row="one category of the tree",
    key=("category_id",),
    columns=(
        required("category_id", "STRING", "the category"),
        Column("parent_id", "STRING", "the category above; null at the top"),
        required("name", "STRING", "what people call it"),
        required("depth", "INT", "1 at the top"),
        required("path", "ARRAY<STRING>", "the ids from the top down to this one"),
    ),
    checks=(Check("path_ends_here", "element_at(path, -1) = category_id AND size(path) = depth"),),
)

OFFERS = Contract(
    name="offers",
    layer=Layer.SILVER,
    one_row="one variant as one region sells it, from the shop or derived from its sales",
    key=("region_id", "variant_id"),
    cluster_by=("region_id", "variant_id"),
    is_merged=True,
    columns=(
        required("region_id", "STRING", "the region"),
        required("variant_id", "STRING", "the variant"),
        required("is_available", "BOOLEAN", "whether it can be bought now"),
        Column("price", "DECIMAL(18,4)", "what it costs there now, in the shop's currency"),
        Column("list_price", "DECIMAL(18,4)", "what it costs without a discount"),
        required("attributes", "MAP<STRING,STRING>", "attributes that differ by region"),
        Column("updated_at", "TIMESTAMP", "when this became true, UTC"),
        required(
            "basis", "STRING", "offers: the shop says so; sales: derived from recent ones; below: from regions below"
        ),
    ),
    checks=(Check("basis_known", "basis IN ('offers', 'sales', 'below')"),),
)

REGIONS = Contract(
    name="regions",
    layer=Layer.SILVER,
    one_row="one region of the tree; the shop's root is one of them",
    key=("region_id",),
    columns=(
        required("region_id", "STRING", "the region"),
        Column("parent_id", "STRING", "the region above; null at the root"),
        required("name", "STRING", "what people call it"),
        required("depth", "INT", "0 at the root"),
        required("path", "ARRAY<STRING>", "the ids from the root down to this one"),
    ),
    checks=(Check("path_ends_here", "element_at(path, -1) = region_id AND size(path) = depth + 1"),),
)

RULES = Contract(
    name="rules",
    layer=Layer.SILVER,
    one_row="one rule: in this context these candidates are denied, or allowed in spite of a deny of lower priority",
    key=("rule_id",),
    columns=(
        required("rule_id", "STRING", "the rule"),
        required("action", "STRING", "allow or deny"),
        required("anchor_by", "STRING", "any, category, brand, attribute, price, variant or group"),
        Column(
            "anchor_value",
            "STRING",
            "which anchors: an id (a category includes those below it), a brand, name=value, or a price band",
        ),
        required("candidate_by", "STRING", "any, category, brand, attribute, price, variant or group"),
        Column("candidate_value", "STRING", "which candidates, as for anchors"),
        Column("region_id", "STRING", "only there and below; null means everywhere"),
        Column("starts_on", "DATE", "first day it holds, in the shop's time"),
        Column("ends_on", "DATE", "last day it holds, in the shop's time"),
        required("priority", "BIGINT", "larger wins; at the same priority deny wins"),
    ),
    checks=(Check("action_known", "action IN ('allow', 'deny')"),),
)

QUARANTINE = Contract(
    name="quarantine",
    layer=Layer.SILVER,
    one_row="one refused input row, or one file left out as a whole, append-only",
    key=("run_id", "source_file", "source_line", "reason_code"),
    columns=(
        required("run_id", "STRING", "the run that refused it"),
        required("input", "STRING", "the contract it was read for: orders, catalog, …"),
        required("source_file", "STRING", "landing file, relative to the landing folder"),
        required(
            "source_line", "BIGINT", "line (text) or row (Parquet, Delta) in that file, from 1; 0: the file as a whole"
        ),
        required("reason_code", "STRING", "stable code; docs/inputs.md lists them"),
        Column("column_name", "STRING", "the column at fault, where one is"),
        required(
            "raw",
            "STRING",
            "the row as it came, the buyer field masked; *** once an erasure took it; of a file what its code means",
        ),
    ),
)

ERASED_BUYERS = Contract(
    name="erased_buyers",
    layer=Layer.SILVER,
    one_row="one buyer whom `sidecart forget` erased and whose rows are refused from then on",
    key=("erased_hash",),
    columns=(
        required("erased_hash", "STRING", "sha-256 over the keyed hash, which itself is kept nowhere"),
        required("erased_at", "TIMESTAMP", "when the buyer was erased, UTC"),
        required("run_id", "STRING", "the run that erased it"),
    ),
)

TABLES = (
    ORDER_EVENTS,
    ORDER_LINES,
    UNMATCHED_RETURNS,
    TOUCHED_ORDERS,
    TOUCHED_SESSIONS,
    HELD_VARIANTS,
    VIEWS,
    CATALOG,
    CATEGORIES,
    OFFERS,
    REGIONS,
    RULES,
    QUARANTINE,
    ERASED_BUYERS,
)

OF_INGEST = (ORDER_EVENTS, UNMATCHED_RETURNS, QUARANTINE)
"""What neither counting nor lists read."""
