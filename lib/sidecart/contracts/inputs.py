"""The landing contracts: what a shop hands over, as CSV, JSON lines, Parquet or Delta."""

from __future__ import annotations

from sidecart.contracts.model import InputColumn, InputContract, Kind

ORDERS = InputContract(
    name="orders",
    one_row="one line of an order, or a cancellation, return or adjustment of one",
    key=("order_id", "line_no"),
    is_required=True,
    columns=(
        InputColumn("order_id", Kind.ID, "the order; a return or cancellation may lack it"),
        InputColumn(
            "line_no", Kind.ID, "the line within the order; without it exact duplicates drop and the rest merge"
        ),
        InputColumn("buyer_id", Kind.ID, "who bought; empty for a guest, who counts as a buyer of its own"),
        InputColumn("variant_id", Kind.ID, "the sellable variant", is_required=True),
        InputColumn("region_id", Kind.ID, "the place of the order; empty means the shop's default region"),
        InputColumn("quantity", Kind.NUMBER, "how many; negative only in a return or cancellation", is_required=True),
        InputColumn("unit_price", Kind.MONEY, "price of one unit in `currency`; not needed for pairs"),
        InputColumn("ordered_at", Kind.TIMESTAMP, "when; without an offset it is the shop's time", is_required=True),
        InputColumn("currency", Kind.CURRENCY, "ISO 4217 code; empty means the shop's currency"),
        InputColumn(
            "status",
            Kind.CHOICE,
            "what the line does; empty means sale",
            choices=("sale", "cancel", "return", "adjust"),
        ),
        InputColumn("source_seq", Kind.INTEGER, "the shop's version of this line; the largest is the truth"),
    ),
)

VIEWS = InputContract(
    name="views",
    one_row="one visit of a product page, or one add to cart",
    key=("session_id", "variant_id", "viewed_at", "kind"),
    columns=(
        InputColumn("session_id", Kind.ID, "the visit", is_required=True),
        InputColumn("buyer_id", Kind.ID, "who looked, where known"),
        InputColumn("variant_id", Kind.ID, "the variant looked at", is_required=True),
        InputColumn("region_id", Kind.ID, "the place; empty means the shop's default region"),
        InputColumn("viewed_at", Kind.TIMESTAMP, "when", is_required=True),
        InputColumn("kind", Kind.CHOICE, "view or cart; empty means view", choices=("view", "cart")),
    ),
)

CATALOG = InputContract(
    name="catalog",
    one_row="one variant",
    key=("variant_id",),
    is_required=True,
    columns=(
        InputColumn("variant_id", Kind.ID, "the sellable variant", is_required=True),
        InputColumn("group_id", Kind.ID, "the product it is a variant of; empty means a group of its own"),
        InputColumn("category_id", Kind.ID, "its category, as deep as the shop knows it"),
        InputColumn("brand", Kind.TEXT, "its brand; empty is no brand and matches none"),
        InputColumn("name", Kind.TEXT, "what people call it"),
        InputColumn("attributes", Kind.MAP, "colour, size and the like: a JSON object of texts"),
        InputColumn("listed_at", Kind.TIMESTAMP, "since when it is in the catalogue"),
        InputColumn("sold_by", Kind.CHOICE, "unit or weight; empty means unit", choices=("unit", "weight")),
    ),
)

CATEGORIES = InputContract(
    name="categories",
    one_row="one category of the tree",
    key=("category_id",),
    columns=(
        InputColumn("category_id", Kind.ID, "the category", is_required=True),
        InputColumn("parent_id", Kind.ID, "the category above; empty at the top"),
        InputColumn("name", Kind.TEXT, "what people call it"),
    ),
)

OFFERS = InputContract(
    name="offers",
    one_row="one variant as one region sells it",
    key=("region_id", "variant_id"),
    columns=(
        InputColumn("region_id", Kind.ID, "the region; empty means the shop's default region"),
        InputColumn("variant_id", Kind.ID, "the variant", is_required=True),
        InputColumn("available", Kind.BOOLEAN, "whether it can be bought now; empty means true"),
        InputColumn("price", Kind.MONEY, "what it costs there now"),
        InputColumn("list_price", Kind.MONEY, "what it costs without a discount"),
        InputColumn("attributes", Kind.MAP, "attributes that differ by region: a JSON object of texts"),
        InputColumn("updated_at", Kind.TIMESTAMP, "when this became true; the newest row of a key wins"),
    ),
)

REGIONS = InputContract(
    name="regions",
    one_row="one region of the tree",
    key=("region_id",),
    columns=(
        InputColumn("region_id", Kind.ID, "the region", is_required=True),
        InputColumn("parent_id", Kind.ID, "the region above; empty means directly under the root"),
        InputColumn("name", Kind.TEXT, "what people call it"),
    ),
)

RULE_CHOICES = ("any", "category", "brand", "attribute", "price", "variant", "group")
"""By what a rule chooses its anchors and its candidates."""

RULES = InputContract(
    name="rules",
    one_row="one rule: in this context these candidates are denied, or allowed in spite of a deny of lower priority",
    key=("rule_id",),
    columns=(
        InputColumn("rule_id", Kind.ID, "the rule", is_required=True),
        InputColumn("action", Kind.CHOICE, "allow or deny", is_required=True, choices=("allow", "deny")),
        InputColumn(
            "anchor_by",
            Kind.CHOICE,
            "what chooses the anchors; empty means any",
            choices=RULE_CHOICES,
        ),
        InputColumn(
            "anchor_value",
            Kind.TEXT,
            "which of them: an id (a category includes those below it), a brand, an attribute as `name=value`, a price"
            " in the region as `10..25`, `..5` or `100..`",
        ),
        InputColumn(
            "candidate_by",
            Kind.CHOICE,
            "what chooses the candidates",
            is_required=True,
            choices=RULE_CHOICES,
        ),
        InputColumn("candidate_value", Kind.TEXT, "which of them, as for anchors"),
        InputColumn("region_id", Kind.ID, "only there and below; empty means everywhere"),
        InputColumn("starts_on", Kind.DATE, "first day it holds; empty means always"),
        InputColumn("ends_on", Kind.DATE, "last day it holds; empty means for ever"),
        InputColumn("priority", Kind.INTEGER, "larger wins, at the same priority deny wins; empty means 0"),
    ),
    notes=("[rules.md](rules.md) says how to write rules, which one wins, and how to check them before a run.",),
)

INPUTS = {c.name: c for c in (ORDERS, VIEWS, CATALOG, CATEGORIES, OFFERS, REGIONS, RULES)}
"""What a landing folder may hold."""

ERASURES = InputContract(
    name="erasures",
    one_row="one buyer to be forgotten, given to `sidecart forget`",
    key=("buyer_id",),
    is_required=True,
    columns=(InputColumn("buyer_id", Kind.ID, "the buyer, as orders and views name it", is_required=True),),
)

READABLE = INPUTS | {ERASURES.name: ERASURES}
"""Every kind of file that is read: those of a landing folder, and those that a command is given."""
