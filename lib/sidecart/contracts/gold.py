"""Gold: what a shop serves and an analyst reads."""

from __future__ import annotations

from sidecart.contracts.model import Check, Column, Contract, Layer, required

CATEGORY_COMPATIBILITY = Contract(
    name="category_compatibility",
    layer=Layer.GOLD,
    one_row="two categories in one direction: how well the second completes the first (the measure is symmetric)",
    key=("category_a", "category_b"),
    columns=(
        required("category_a", "STRING", "the anchor's category, at the level used"),
        required("category_b", "STRING", "the candidate's category"),
        required("joint_baskets", "BIGINT", "counted baskets that hold both; for a category with itself, that hold it"),
        required("expected_baskets", "DOUBLE", "joint baskets that chance would make, by basket size"),
        required("lift", "DOUBLE", "(joint + prior) / (expected + prior); 1 for a category with itself"),
        required("required_support", "INT", "support that a pair of these categories must have"),
        required("release_id", "STRING", "the release"),
    ),
    checks=(
        Check("lift_positive", "lift > 0"),
        Check("required_at_least_one", "required_support >= 1"),
    ),
)

EVIDENCE_THRESHOLDS = Contract(
    name="evidence_thresholds",
    layer=Layer.GOLD,
    one_row="pairs of variants of like expectation and category lift, whole shop: the support that evidence asks there",
    key=("lift_class", "expected_cell"),
    columns=(
        required("lift_class", "STRING", "range of the categories' lift; own: both variants are of one category"),
        required("expected_cell", "INT", "number of the cell; larger expects more"),
        required("expected_from", "DOUBLE", "least joint baskets that chance would make of a pair of the cell"),
        required("expected_to", "DOUBLE", "where the next cell begins"),
        required("seen_pairs", "BIGINT", "pairs that met, each once, not once in each direction"),
        Column("strong_support", "BIGINT", "support from which a pair is strong; null where none is"),
        Column("strong_seen_pairs", "BIGINT", "pairs with that support or more"),
        Column("strong_chance_pairs", "DOUBLE", "of all pairs, met or not, those that chance would bring there"),
        Column("likely_support", "BIGINT", "support from which a pair is at least likely; null where none is"),
        Column("likely_seen_pairs", "BIGINT", "pairs with that support or more"),
        Column("likely_chance_pairs", "DOUBLE", "of all pairs, met or not, those that chance would bring there"),
        required("release_id", "STRING", "the release"),
    ),
    checks=(
        Check("cell_not_empty", "expected_from < expected_to"),
        Check("likely_asks_no_more", "likely_support <= strong_support"),
    ),
)

SHORTLISTS = Contract(
    name="shortlists",
    layer=Layer.GOLD,
    one_row="one candidate in the base list of an anchor in a region, before what is live now decides",
    key=("region_id", "anchor_id", "rank"),
    cluster_by=("region_id", "anchor_id"),
    columns=(
        required("region_id", "STRING", "the region"),
        required("anchor_id", "STRING", "the variant whose page it is"),
        required("rank", "INT", "1 is best"),
        required("candidate_id", "STRING", "the variant that may be shown"),
        required("candidate_group_id", "STRING", "its group; a list shows one variant of it"),
        required("score_key", "BIGINT", "the score lists are ranked by: round(1e6 * ln(s)); larger is better"),
        required("source", "STRING", "why it stands here: orders"),
        Column("price", "DECIMAL(18,4)", "its price in the region, in the shop's currency"),
        required("pair_buyers", "INT", "buyers, whole shop, who ever had both in one basket"),
        required("pair_baskets", "INT", "baskets, whole shop, that hold both"),
        required("anchor_support", "INT", "n_i: buyers (or baskets, see support_unit) of the anchor, whole shop"),
        required("candidate_support", "INT", "n_j: the same of the candidate"),
        required("support_unit", "STRING", "buyers or baskets: the unit of every support here"),
        required("popularity_exponent", "DOUBLE", "a: how far the candidate's popularity is reduced"),
        Column("anchor_category_id", "STRING", "the anchor's category at the level of compatibility"),
        Column("candidate_category_id", "STRING", "the candidate's"),
        required("category_lift", "DOUBLE", "L of the two categories; 1 where one is unknown"),
        required("required_support", "INT", "support that these categories asked of the pair"),
        required("region_pair_support", "INT", "pair support in the region; 0 where it did not enter"),
        required("region_anchor_support", "INT", "anchor support in the region; 0 where it did not enter"),
        required("region_weight", "DOUBLE", "share of the region's own counts in the confidence, 0 to 1"),
        required("confidence", "DOUBLE", "c/n_i, at the region mixed with its parents': what the score starts from"),
        required("release_id", "STRING", "the release"),
        required("run_id", "STRING", "the run"),
    ),
    checks=(
        Check("not_itself", "anchor_id <> candidate_id"),
        Check("rank_positive", "rank >= 1"),
        Check("pair_within_baskets", "pair_buyers >= 1 AND pair_buyers <= pair_baskets"),
        Check(
            "passed_the_gate",
            "CASE support_unit WHEN 'buyers' THEN pair_buyers ELSE pair_baskets END >= required_support",
        ),
        Check(
            "pair_within_singles",
            "CASE support_unit WHEN 'buyers' THEN pair_buyers ELSE pair_baskets END"
            " <= least(anchor_support, candidate_support)",
        ),
        Check("region_pair_within_anchor", "region_pair_support <= region_anchor_support"),
    ),
)

BASE_LISTS = Contract(
    name="base_lists",
    layer=Layer.GOLD,
    one_row="one stored base list: where a region and anchor have none, their nearest ancestor's holds",
    key=("region_id", "anchor_id"),
    cluster_by=("anchor_id", "region_id"),
    columns=(
        required("region_id", "STRING", "the region"),
        required("anchor_id", "STRING", "the anchor"),
        required("candidates", "INT", "how many are stored"),
        required("release_id", "STRING", "the release"),
    ),
    checks=(Check("not_empty", "candidates >= 1"),),
)

TABLES = (CATEGORY_COMPATIBILITY, EVIDENCE_THRESHOLDS, SHORTLISTS, BASE_LISTS)
