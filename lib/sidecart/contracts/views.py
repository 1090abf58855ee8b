"""Views for analysts: what one row of each is, and its columns. They are registered when a session starts."""

from __future__ import annotations

from sidecart.contracts.gold import SHORTLISTS
from sidecart.contracts.model import Column, Contract, Layer, required

_EVIDENCE = tuple(c for c in SHORTLISTS.columns if c.name not in {"region_id", "anchor_id", "rank", "candidate_id"})

SHORTLISTS_RESOLVED = Contract(
    name="shortlists_resolved",
    layer=Layer.VIEW,
    one_row="one candidate of the final list of an anchor in a region: live there, allowed, one variant per group",
    key=("region_id", "anchor_id", "rank"),
    columns=(
        required("region_id", "STRING", "the region, any of the tree"),
        required("anchor_id", "STRING", "the variant whose page it is"),
        required("rank", "INT", "1 is best; a shop shows the first ten"),
        required("candidate_id", "STRING", "the variant to show"),
        required("list_region_id", "STRING", "whose base list holds here: the region or its nearest ancestor with one"),
        required("score", "DECIMAL(18,6)", "score_key / 1,000,000: the natural logarithm of the score"),
        required("base_rank", "INT", "the rank in that base list"),
        required(
            "likes_before",
            "INT",
            "better candidates of its subcategory in this list; beyond diversity.free each takes off its score",
        ),
        Column("rule_id", "STRING", "the rule that let it stand in spite of another, where one had to"),
        Column("price", "DECIMAL(18,4)", "its price in the region now, in the shop's currency"),
        *_EVIDENCE,
    ),
)

REFUSALS = Contract(
    name="refusals",
    layer=Layer.VIEW,
    one_row="one candidate that an anchor's first ten in a region do not show, and the step that kept it out",
    key=("region_id", "anchor_id", "candidate_id"),
    columns=(
        required("region_id", "STRING", "the region"),
        required("anchor_id", "STRING", "the variant whose page it is"),
        required("candidate_id", "STRING", "the variant that is not shown"),
        required(
            "refused_by",
            "STRING",
            "compatibility or own_category (see near_misses), sold_out, rule, group (another variant of it stands),"
            " diversity (too like better ones), rank (others are better)",
        ),
        Column("rule_id", "STRING", "the rule that denied it"),
        Column("base_rank", "INT", "its rank in the base list; null where it never entered"),
        Column("rank", "INT", "its rank in the final list, behind the first ten"),
        required("score_key", "BIGINT", "the score lists are ranked by"),
        Column("source", "STRING", "why it stood in the base list"),
    ),
)

PLACED_LISTS = Contract(
    name="placed_lists",
    layer=Layer.VIEW,
    one_row="one candidate of the list that one placement of the shop's pages shows",
    key=("placement", "region_id", "anchor_id", "rank"),
    columns=(
        required("placement", "STRING", "the placement, from the settings"),
        required("region_id", "STRING", "the region"),
        required("anchor_id", "STRING", "the anchor"),
        required("rank", "INT", "1 is best, among what the placement takes"),
        required("candidate_id", "STRING", "the variant to show"),
        required("evidence_class", "STRING", "strong, likely, weak or fill; at least what the placement asks"),
        required("score", "DECIMAL(18,6)", "as in shortlists_resolved"),
    ),
)

WHY = Contract(
    name="why",
    layer=Layer.VIEW,
    one_row="one row of shortlists_resolved with names, and its evidence as a sentence",
    key=("region_id", "anchor_id", "rank"),
    columns=(
        required("region_id", "STRING", "the region"),
        required("anchor_id", "STRING", "the anchor"),
        required("anchor", "STRING", "its name"),
        required("rank", "INT", "1 is best"),
        required("candidate_id", "STRING", "the candidate"),
        required("candidate", "STRING", "its name"),
        required("because", "STRING", "the evidence in words"),
    ),
)

PAIRS = Contract(
    name="pairs",
    layer=Layer.VIEW,
    one_row="one anchor and candidate that met in a region or below, both directions",
    key=("region_id", "anchor_id", "candidate_id"),
    columns=(
        required("region_id", "STRING", "the region"),
        required("anchor_id", "STRING", "the anchor"),
        required("candidate_id", "STRING", "what it met"),
        required("anchor_buyers", "INT", "buyers who ever had the anchor there"),
        required("anchor_baskets", "INT", "baskets there that hold the anchor"),
        required("pair_buyers", "INT", "buyers who ever had both in one basket there"),
        required("pair_baskets", "INT", "baskets there that hold both"),
    ),
)

BANANAS = Contract(
    name="bananas",
    layer=Layer.VIEW,
    one_row="one variant of the root's lists: how much is it bought, how often is it shown",
    key=("variant_id",),
    columns=(
        required("variant_id", "STRING", "the variant"),
        required("name", "STRING", "its name"),
        required("buyers", "INT", "buyers who ever had it, whole shop"),
        required("baskets", "INT", "baskets that hold it"),
        required("support_place", "INT", "its place by buyers; 1 is the best seller"),
        required("lists", "BIGINT", "top-10 lists of the root that show it"),
        required("share_of_lists", "DOUBLE", "of all top-10 lists of the root"),
    ),
)

COVERAGE_BY_REGION = Contract(
    name="coverage_by_region",
    layer=Layer.VIEW,
    one_row="one region: how many of its anchors have a list, and how full",
    key=("region_id",),
    columns=(
        required("region_id", "STRING", "the region"),
        required("name", "STRING", "its name"),
        required("baskets", "BIGINT", "counted baskets there or below"),
        required("list_depth", "INT", "candidates that its base lists keep"),
        required("stored_lists", "BIGINT", "base lists stored, as they are not those above cut to what it sells"),
        required("anchors", "BIGINT", "variants it offers"),
        required("with_list", "BIGINT", "of them, those with at least one candidate"),
        required("with_full_list", "BIGINT", "of them, those with at least ten"),
        required("full_share", "DOUBLE", "with_full_list over anchors"),
    ),
)

EXTREMES = Contract(
    name="extremes",
    layer=Layer.VIEW,
    one_row="one buyer left out, in whole or for baskets above the cap",
    key=("buyer_key",),
    columns=(
        required("buyer_key", "STRING", "keyed hash of the buyer"),
        required("is_guest", "BOOLEAN", "whether it is a guest order"),
        required("reason_code", "STRING", "EXTREME_USER: all baskets; BASKET_CAP: only those above the cap"),
        required("baskets", "BIGINT", "baskets of this buyer"),
        required("baskets_over_cap", "BIGINT", "of them, those above the cap"),
        required("pair_events", "BIGINT", "pairs met in baskets within the cap"),
        required("threshold", "BIGINT", "most pair events a buyer may have and still count"),
        required("share_of_pair_events", "DOUBLE", "of those of all buyers"),
    ),
)

SCORECARD_TREND = Contract(
    name="scorecard_trend",
    layer=Layer.VIEW,
    one_row="one measure of a published run's scorecard beside that of the release before it",
    key=("release_id", "property", "measure", "slice"),
    columns=(
        required("release_id", "STRING", "the release"),
        required("as_of", "TIMESTAMP", "the moment it speaks of, UTC"),
        required("property", "STRING", "one of the seven"),
        required("measure", "STRING", "what was measured"),
        required("slice", "STRING", "all, or the part that was looked at"),
        Column("value", "DOUBLE", "the measure"),
        Column("previous_value", "DOUBLE", "that of the release before; null for the first"),
        Column("change", "DOUBLE", "value less previous_value"),
        required("n", "BIGINT", "lists, slots, pages or variants behind the value"),
    ),
)

DICTIONARY = Contract(
    name="dictionary",
    layer=Layer.VIEW,
    one_row="one column of one table or view, with what it means",
    key=("table_name", "column_name"),
    columns=(
        required("layer", "STRING", "silver, state, gold, runs or view"),
        required("table_name", "STRING", "the table"),
        required("one_row", "STRING", "what one row of it is"),
        required("column_name", "STRING", "the column"),
        required("type", "STRING", "its type"),
        required("comment", "STRING", "what it means"),
    ),
)

VIEWS = (
    SHORTLISTS_RESOLVED,
    PLACED_LISTS,
    REFUSALS,
    WHY,
    PAIRS,
    BANANAS,
    COVERAGE_BY_REGION,
    EXTREMES,
    SCORECARD_TREND,
    DICTIONARY,
)
