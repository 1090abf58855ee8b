"""State: counts of whole history. Ratios are derived from them, never stored here."""

from __future__ import annotations

from sidecart.contracts.model import Check, Column, Contract, Layer, required

LAYOUT = 1
"""How state tables keep their counts; a release of another layout is counted anew."""

PAIR_GROUPS = "ARRAY<STRUCT<pair_buyers: INT, pair_baskets: INT, candidates: ARRAY<INT>>>"
"""What an anchor met, by equal counts: most pairs have been met once or twice, so that a count is told once for
hundreds of candidates (docs/decisions/0011)."""

_PAIR_CHECKS = (
    Check("holds_candidates", "forall(met, m -> size(m.candidates) > 0)"),
    Check("pair_within_baskets", "forall(met, m -> m.pair_buyers BETWEEN 1 AND m.pair_baskets)"),
    Check(
        "pair_within_anchor", "forall(met, m -> m.pair_buyers <= anchor_buyers AND m.pair_baskets <= anchor_baskets)"
    ),
)

VARIANT_IDS = Contract(
    name="variant_ids",
    layer=Layer.STATE,
    one_row="one variant and the integer that state tables know it by, given once and never reused",
    key=("variant_id",),
    columns=(
        required("variant_id", "STRING", "the shop's id"),
        required("variant", "INT", "the integer"),
    ),
    checks=(Check("variant_positive", "variant > 0"),),
)

BASKETS = Contract(
    name="baskets",
    layer=Layer.STATE,
    one_row="one order with something left in it, as the distinct variants it holds",
    key=("order_id",),
    cluster_by=("order_id",),
    time="ordered_at",
    is_merged=True,
    columns=(
        required("order_id", "STRING", "the order"),
        required("buyer_key", "STRING", "keyed hash of the buyer; a guest order is a buyer of its own"),
        required("is_guest", "BOOLEAN", "whether the order names no buyer"),
        required("region_id", "STRING", "the region of the newest line"),
        required("ordered_at", "TIMESTAMP", "time of the earliest line, UTC"),
        required("variants", "ARRAY<INT>", "its distinct variants, ascending"),
        Column("exclusion", "STRING", "why no count has it: BASKET_CAP or EXTREME_USER; null if it counts"),
    ),
    checks=(Check("holds_something", "size(variants) >= 1"),),
)

BUYER_ACTIVITY = Contract(
    name="buyer_activity",
    layer=Layer.STATE,
    one_row="one buyer; a guest order is a buyer of its own",
    key=("buyer_key",),
    is_merged=True,
    columns=(
        required("buyer_key", "STRING", "keyed hash of the buyer"),
        required("is_guest", "BOOLEAN", "whether this is a guest order"),
        required("baskets", "BIGINT", "baskets of this buyer"),
        required("baskets_over_cap", "BIGINT", "of them, those above the basket cap"),
        required("items", "BIGINT", "variants over all these baskets"),
        required("pair_events", "BIGINT", "pairs met in baskets within the cap: the sum of n(n-1)/2"),
        required("threshold", "BIGINT", "most pair events a buyer may have and still count"),
        required("is_extreme", "BOOLEAN", "whether all baskets of this buyer are left out of every count"),
        Column("reason_code", "STRING", "EXTREME_USER, or BASKET_CAP where only large baskets are left out"),
    ),
    checks=(
        Check("extreme_above_threshold", "is_extreme = (pair_events > threshold)"),
        Check("over_cap_within_baskets", "baskets_over_cap <= baskets"),
    ),
)

VARIANT_FACTS = Contract(
    name="variant_facts",
    layer=Layer.STATE,
    one_row="one variant of the catalogue with what lists need to know of it, derived anew on every run",
    key=("variant",),
    columns=(
        required("variant", "INT", "the variant, see variant_ids"),
        required("variant_id", "STRING", "the shop's id"),
        required("id_order", "INT", "place of variant_id among all: the last tie-break of a list"),
        required("group_id", "STRING", "the product it is a variant of"),
        required("group_variant", "INT", "the smallest variant of its group: the group as an integer"),
        Column("brand", "STRING", "its brand; null matches none"),
        required("category_path", "ARRAY<STRING>", "its categories from the top down; empty where unknown"),
        Column("category_id", "STRING", "its category at the level of compatibility"),
        Column("subcategory_id", "STRING", "its category one level below, or where its branch ends"),
        Column("own_category", "STRING", "its category at the level that lists exclude as the anchor's own"),
        required("brand_mode", "STRING", "how fills of its own lists treat its brand: off, first or only"),
        required("attributes", "MAP<STRING,STRING>", "colour, size and the like"),
        required("buyers", "INT", "buyers, whole shop, who ever had it in a counted basket"),
        required("baskets", "INT", "counted baskets, whole shop, that hold it"),
        required(
            "recent_baskets", "INT", "those of the newest weeks: how often its page is met, see scoring.recent_weeks"
        ),
        required("draw", "BIGINT", "1 to 2^31 - 2, from the md5 of variant_id: fills are drawn by it"),
    ),
)

REGION_SUPPORT = Contract(
    name="region_support",
    layer=Layer.STATE,
    one_row="one region of the tree with everything below it",
    key=("region_id",),
    columns=(
        required("region_id", "STRING", "the region"),
        required("buyers", "BIGINT", "buyers with a counted basket there or below"),
        required("baskets", "BIGINT", "counted baskets there or below"),
    ),
    checks=(Check("buyers_within_baskets", "buyers <= baskets"),),
)

VARIANT_SUPPORT = Contract(
    name="variant_support",
    layer=Layer.STATE,
    one_row="one variant in one region and below",
    key=("region_id", "variant"),
    cluster_by=("region_id", "variant"),
    columns=(
        required("region_id", "STRING", "the region"),
        required("variant", "INT", "the variant, see variant_ids"),
        required("buyers", "INT", "buyers who ever had it in a counted basket there"),
        required("baskets", "INT", "counted baskets there that hold it"),
    ),
    checks=(Check("buyers_within_baskets", "buyers >= 1 AND buyers <= baskets"),),
)

PAIR_SUPPORT = Contract(
    name="pair_support",
    layer=Layer.STATE,
    one_row="one anchor in one region and below, with all it met; both directions are stored. The view `pairs` is flat",
    key=("region_id", "anchor"),
    cluster_by=("region_id", "anchor"),
    columns=(
        required("region_id", "STRING", "the region"),
        required("anchor", "INT", "the variant, see variant_ids"),
        required("anchor_buyers", "INT", "buyers who ever had it in a counted basket there"),
        required("anchor_baskets", "INT", "counted baskets there that hold it"),
        required("met", PAIR_GROUPS, "candidates by equal counts (buyers and baskets of both), most buyers first"),
    ),
    checks=_PAIR_CHECKS,
)

VIEW_BASKETS = Contract(
    name="view_baskets",
    layer=Layer.STATE,
    one_row="one session as the distinct variants looked at or put in the cart",
    key=("session_id",),
    is_merged=True,
    columns=(
        required("session_id", "STRING", "keyed hash of the visit"),
        required("buyer_key", "STRING", "keyed hash of the buyer; a session without one is a viewer of its own"),
        required("region_id", "STRING", "the region of its last look"),
        required("variants", "ARRAY<INT>", "its distinct variants, ascending"),
        Column("exclusion", "STRING", "why no count has it: BASKET_CAP; null if it counts"),
    ),
    checks=(Check("holds_something", "size(variants) >= 1"),),
)

VIEW_PAIR_SUPPORT = Contract(
    name="view_pair_support",
    layer=Layer.STATE,
    one_row="one anchor in one region and below, with all that was looked at in the same sessions; both directions",
    key=("region_id", "anchor"),
    cluster_by=("region_id", "anchor"),
    columns=(
        required("region_id", "STRING", "the region"),
        required("anchor", "INT", "the variant, see variant_ids"),
        required("anchor_buyers", "INT", "viewers who ever looked at the anchor there"),
        required("anchor_baskets", "INT", "sessions there that look at the anchor"),
        required("met", PAIR_GROUPS, "candidates by equal counts (viewers and sessions of both), most viewers first"),
    ),
    checks=_PAIR_CHECKS,
)


def _changes_of(table: Contract) -> Contract:
    """The table that keeps what runs added to another since it was last written as a whole."""
    return Contract(
        name=table.name.replace("_support", "_changes"),
        layer=Layer.STATE,
        one_row=f"one anchor in one region and what one run added to its row of {table.name}, read as their sum",
        key=("region_id", "anchor", "run_id"),
        cluster_by=table.cluster_by,
        columns=(
            required("region_id", "STRING", "the region"),
            required("anchor", "INT", "the variant, see variant_ids"),
            required("anchor_buyers", "INT", "how many more have the anchor there; negative: how many fewer"),
            required("anchor_baskets", "INT", "the same of baskets"),
            required("met", PAIR_GROUPS, "candidates by equal differences of their counts"),
            required("run_id", "STRING", "the run that counted the difference"),
        ),
        checks=(
            Check("holds_candidates", "forall(met, m -> size(m.candidates) > 0)"),
            Check("changes_something", "forall(met, m -> m.pair_buyers <> 0 OR m.pair_baskets <> 0)"),
        ),
    )


PAIR_CHANGES = _changes_of(PAIR_SUPPORT)
VIEW_PAIR_CHANGES = _changes_of(VIEW_PAIR_SUPPORT)

GROUP_PAIR_SUPPORT = Contract(
    name="group_pair_support",
    layer=Layer.STATE,
    one_row="two groups that met, whole shop, one of them of several bought variants; both directions are stored",
    key=("anchor_group_id", "candidate_group_id"),
    cluster_by=("anchor_group_id", "candidate_group_id"),
    columns=(
        required("anchor_group_id", "STRING", "the group of the anchor"),
        required("candidate_group_id", "STRING", "the group of the candidate"),
        required("pair_buyers", "BIGINT", "sum of pair_buyers over the pairs of their variants"),
        required("pair_baskets", "BIGINT", "sum of pair_baskets over them"),
    ),
    checks=(
        Check("two_groups", "anchor_group_id <> candidate_group_id"),
        Check("pair_within_baskets", "pair_buyers >= 1 AND pair_buyers <= pair_baskets"),
    ),
)

GROUP_PAIR_CHANGES = Contract(
    name="group_pair_changes",
    layer=Layer.STATE,
    one_row="two groups and what one run added to their row of group_pair_support, read as their sum",
    key=("anchor_group_id", "candidate_group_id", "run_id"),
    cluster_by=GROUP_PAIR_SUPPORT.cluster_by,
    columns=(
        required("anchor_group_id", "STRING", "the group of the anchor"),
        required("candidate_group_id", "STRING", "the group of the candidate"),
        required("pair_buyers", "BIGINT", "by how much the sum of pair_buyers differs; negative: how much less it is"),
        required("pair_baskets", "BIGINT", "the same of pair_baskets"),
        required("run_id", "STRING", "the run that counted the difference"),
    ),
    checks=(Check("changes_something", "pair_buyers <> 0 OR pair_baskets <> 0"),),
)

CHANGES_OF = {
    PAIR_SUPPORT: PAIR_CHANGES,
    VIEW_PAIR_SUPPORT: VIEW_PAIR_CHANGES,
    GROUP_PAIR_SUPPORT: GROUP_PAIR_CHANGES,
}
"""Tables that are read as the sum of their rows and of what later runs added (docs/decisions/0012)."""

BASKET_STRATA = Contract(
    name="basket_strata",
    layer=Layer.STATE,
    one_row="one stratum of basket sizes, whole shop",
    key=("stratum",),
    columns=(
        required("stratum", "INT", "smallest size of the stratum, in counted variants"),
        required("baskets", "BIGINT", "counted baskets of that size"),
        required("items", "BIGINT", "variants in them"),
    ),
    checks=(Check("items_at_least_stratum", "items >= stratum * baskets"),),
)

VARIANT_STRATUM_SUPPORT = Contract(
    name="variant_stratum_support",
    layer=Layer.STATE,
    one_row="one variant of any counted basket, whole shop, by strata of basket sizes",
    key=("variant",),
    cluster_by=("variant",),
    columns=(
        required("variant", "INT", "the variant, see variant_ids"),
        required(
            "stratum_baskets",
            "ARRAY<INT>",
            "counted baskets with it, by size: 1, 2, 3, 4 to 5, 6 to 8, 9 to 12, 13 to 18, 19 to 27, 28 to 40, 41 up",
        ),
    ),
    checks=(
        Check("every_stratum", "size(stratum_baskets) = 10"),
        Check("held_by_some_basket", "array_max(stratum_baskets) >= 1 AND array_min(stratum_baskets) >= 0"),
    ),
)

CATEGORY_STRATUM_SUPPORT = Contract(
    name="category_stratum_support",
    layer=Layer.STATE,
    one_row="one category of one level of the tree in one stratum of basket sizes, whole shop",
    key=("level", "category_id", "stratum"),
    columns=(
        required("level", "INT", "the level; 1 is the top. A branch that ends above counts with its last category"),
        required("category_id", "STRING", "the category at that level"),
        required("stratum", "INT", "smallest size of the stratum"),
        required("baskets", "BIGINT", "counted baskets of the stratum that hold it"),
    ),
)

CATEGORY_PAIR_SUPPORT = Contract(
    name="category_pair_support",
    layer=Layer.STATE,
    one_row="two categories of one level that met, whole shop; stored once, category_a < category_b",
    key=("level", "category_a", "category_b"),
    columns=(
        required("level", "INT", "the level of the tree; 1 is the top"),
        required("category_a", "STRING", "the one"),
        required("category_b", "STRING", "the other"),
        required("baskets", "BIGINT", "counted baskets that hold both"),
    ),
    checks=(Check("ordered", "category_a < category_b"),),
)

TABLES = (
    VARIANT_IDS,
    BASKETS,
    BUYER_ACTIVITY,
    VARIANT_FACTS,
    REGION_SUPPORT,
    VARIANT_SUPPORT,
    PAIR_SUPPORT,
    PAIR_CHANGES,
    VIEW_BASKETS,
    VIEW_PAIR_SUPPORT,
    VIEW_PAIR_CHANGES,
    GROUP_PAIR_SUPPORT,
    GROUP_PAIR_CHANGES,
    BASKET_STRATA,
    VARIANT_STRATUM_SUPPORT,
    CATEGORY_STRATUM_SUPPORT,
    CATEGORY_PAIR_SUPPORT,
)
