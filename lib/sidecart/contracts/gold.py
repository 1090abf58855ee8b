"""Gold: what a shop serves and an analyst reads."""

from __future__ import annotations

from sidecart.contracts.model import Check, Column, Contract, Layer, required

CATEGORY_COMPATIBILITY = Contract(
    name="category_compatibility",
    layer=Layer.GOLD,
    one_row="two categories of one level in one direction: how well the second completes the first (symmetric)",
    key=("level", "category_a", "category_b"),
    columns=(
        required("level", "INT", "the level of the tree; below that of compatibility only what met has a row"),
        required("category_a", "STRING", "the anchor's category, at that level"),
        required("category_b", "STRING", "the candidate's category"),
        required("joint_baskets", "BIGINT", "counted baskets that hold both; for a category with itself, that hold it"),
        required("expected_baskets", "DOUBLE", "joint baskets that chance would make, by basket size"),
        required("parent_lift", "DOUBLE", "lift of the two categories above; 1 above the top"),
        required("lift", "DOUBLE", "(joint + prior * parent_lift) / (expected + prior); 1 for one with itself"),
        required("required_support", "INT", "support that a pair of these categories must have"),
        required("release_id", "STRING", "the release"),
    ),
    checks=(
        Check("lift_positive", "lift > 0"),
        Check("required_at_least_one", "required_support >= 1"),
    ),
)

ATTRIBUTE_LIFT = Contract(
    name="attribute_lift",
    layer=Layer.GOLD,
    one_row="an attribute in two categories, in one direction: how agreement within two groups changes joint counts",
    key=("category_a", "category_b", "attribute"),
    columns=(
        required("category_a", "STRING", "the anchor's category; * stands for all pairs of categories together"),
        required("category_b", "STRING", "the candidate's"),
        required("attribute", "STRING", "the attribute: colour, size and the like"),
        required("joint_same", "BIGINT", "support, summed over pairs of variants with equal values"),
        required("expected_same", "DOUBLE", "the same, had the variants' shares of their groups decided alone"),
        required("joint_other", "BIGINT", "support, summed over pairs of variants with different values"),
        required("expected_other", "DOUBLE", "the same, had shares decided alone"),
        required("parent_same", "DOUBLE", "what lift_same is pulled to: that of all categories, whose own is 1"),
        required("parent_other", "DOUBLE", "what lift_other is pulled to"),
        required("lift_same", "DOUBLE", "(joint_same + prior * parent_same) / (expected_same + prior)"),
        required("lift_other", "DOUBLE", "(joint_other + prior * parent_other) / (expected_other + prior)"),
        required("release_id", "STRING", "the release"),
    ),
    checks=(Check("lift_positive", "lift_same > 0 AND lift_other > 0"),),
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
        required(
            "tier", "INT", "trust in its source: 0 orders; then views and fills, those of the anchor's brand first"
        ),
        required("source", "STRING", "why it stands here: orders, views, popularity or brand (of the anchor's brand)"),
        required(
            "evidence_class", "STRING", "how sure it is not chance: strong, likely, weak; fill for any other source"
        ),
        required("pair_buyers", "INT", "buyers, whole shop, who ever had both in one basket; 0 but for orders"),
        required("pair_baskets", "INT", "baskets, whole shop, that hold both; 0 but for orders"),
        required("group_support", "BIGINT", "C_G: support of all pairs of their groups together, which the gate asks"),
        required("attribute_lift", "DOUBLE", "how their attributes agree changes what groups lend: 1 for not at all"),
        required("effective_support", "DOUBLE", "c': the pair's own support with what its groups lend"),
        required("expected_baskets", "DOUBLE", "joint baskets that chance would make of the two"),
        required("view_support", "INT", "viewers (or sessions) who looked at both in one session; 0 but for views"),
        required(
            "fill_support",
            "BIGINT",
            "sum of pair_buyers of the anchor's (sub)category with it; 0 but for fills that met it",
        ),
        required("anchor_support", "INT", "n_i: buyers (or baskets, see support_unit) of the anchor, whole shop"),
        required("candidate_support", "INT", "n_j: the same of the candidate"),
        required("support_unit", "STRING", "buyers or baskets: the unit of every support here"),
        required("popularity_exponent", "DOUBLE", "a: how far the candidate's popularity is reduced"),
        required(
            "exposure_factor", "DOUBLE", "f: how far it is pressed down for standing in too many lists; 1 for not"
        ),
        Column("anchor_category_id", "STRING", "the anchor's category at the level of compatibility"),
        Column("candidate_category_id", "STRING", "the candidate's"),
        Column("candidate_subcategory_id", "STRING", "the candidate's, one level below"),
        Column("candidate_brand", "STRING", "the candidate's brand"),
        required("category_lift", "DOUBLE", "L of the two categories, of fills at their level; 1 where one is unknown"),
        required("required_support", "INT", "support that these categories asked of the pair; 0 of fills"),
        Column(
            "evidence_region_id", "STRING", "whose own counts entered last: the region's or, where too few, one's above"
        ),
        required("region_pair_support", "INT", "pair support there; 0 where none entered"),
        required("region_anchor_support", "INT", "anchor support there; 0 where none entered"),
        required("region_weight", "DOUBLE", "share of these counts in the confidence, 0 to 1"),
        required("confidence", "DOUBLE", "c/n_i, at the region mixed with its parents'; of views theirs; 0 of fills"),
        required("release_id", "STRING", "the release"),
        required("run_id", "STRING", "the run"),
    ),
    checks=(
        Check("not_itself", "anchor_id <> candidate_id"),
        Check("rank_positive", "rank >= 1"),
        Check("source_known", "source IN ('orders', 'views', 'popularity', 'brand')"),
        Check("pair_within_baskets", "pair_buyers <= pair_baskets"),
        Check("orders_have_support", "(source = 'orders') = (group_support >= 1)"),
        Check(
            "passed_the_gate",
            "CASE source WHEN 'views' THEN view_support WHEN 'orders' THEN group_support ELSE 0 END"
            " >= required_support",
        ),
        Check("evidence_known", "evidence_class IN ('strong', 'likely', 'weak', 'fill')"),
        Check("evidence_of_orders", "(source = 'orders') = (evidence_class <> 'fill')"),
        Check("fills_are_compatible", "source = 'orders' OR category_lift >= 1"),
        Check(
            "pair_within_singles",
            "CASE support_unit WHEN 'buyers' THEN pair_buyers ELSE pair_baskets END"
            " <= least(anchor_support, candidate_support)",
        ),
        Check("region_pair_within_anchor", "region_pair_support <= region_anchor_support"),
        Check("regional_evidence_named", "(evidence_region_id IS NULL) = (region_anchor_support = 0)"),
    ),
)

SCORING_PARAMETERS = Contract(
    name="scoring_parameters",
    layer=Layer.GOLD,
    one_row="what the whole shop's scores are made with beside the settings, by the run that found it",
    key=("release_id",),
    columns=(
        required(
            "basis", "STRING", "calibrated to the wished share, assumed (too few anchors), or set in the settings"
        ),
        required("exponent", "DOUBLE", "a: how far popularity is reduced"),
        required("wished_share", "DOUBLE", "share of lists, by baskets of their anchors, that may hold a best seller"),
        Column(
            "reached_share",
            "DOUBLE",
            "the share that order lists of the root reach before fills, group repeats and rules",
        ),
        required("anchors", "INT", "live anchors of the root that were looked at; 0 where the exponent is set"),
        required("shop_support", "BIGINT", "N: buyers (or baskets) of the whole shop"),
        required("found_at", "TIMESTAMP", "the moment (as_of) of the run that found it, UTC"),
        required("release_id", "STRING", "the release of that run: the name of the scoring version"),
        required("run_id", "STRING", "that run"),
    ),
    checks=(Check("basis_known", "basis IN ('calibrated', 'assumed', 'set')"),),
)

EXPOSURE_FACTORS = Contract(
    name="exposure_factors",
    layer=Layer.GOLD,
    one_row="one variant that stood in too many lists, and how far its score is pressed down everywhere",
    key=("variant",),
    columns=(
        required("variant", "INT", "the variant, see variant_ids"),
        required("exposure_factor", "DOUBLE", "f, below 1"),
        required("release_id", "STRING", "the release"),
    ),
    checks=(Check("factor_damps", "exposure_factor > 0 AND exposure_factor < 1"),),
)

NEAR_MISSES = Contract(
    name="near_misses",
    layer=Layer.GOLD,
    one_row="one of the best candidates that never entered an anchor's base lists, and what refused it, whole shop",
    key=("anchor_id", "place"),
    cluster_by=("anchor_id",),
    columns=(
        required("anchor_id", "STRING", "the variant whose page it is"),
        required("place", "INT", "1 is the best refused"),
        required("candidate_id", "STRING", "the variant that was refused"),
        required(
            "refused_by", "STRING", "compatibility: too little support for its categories; own_category: excluded"
        ),
        required("score_key", "BIGINT", "the score it would have had, as in shortlists"),
        required("pair_buyers", "INT", "buyers, whole shop, who ever had both in one basket"),
        required("pair_baskets", "INT", "baskets, whole shop, that hold both"),
        required("group_support", "BIGINT", "support of all pairs of their groups together, which the gate asks"),
        required("required_support", "INT", "support that their categories ask"),
        required("category_lift", "DOUBLE", "L of the two categories"),
        Column("anchor_category_id", "STRING", "the anchor's category at the level of compatibility"),
        Column("candidate_category_id", "STRING", "the candidate's"),
        required("release_id", "STRING", "the release"),
    ),
    checks=(
        Check("refusal_known", "refused_by IN ('compatibility', 'own_category')"),
        Check("lacks_support", "refused_by <> 'compatibility' OR group_support < required_support"),
    ),
)

BASE_LISTS = Contract(
    name="base_lists",
    layer=Layer.GOLD,
    one_row="one stored base list; where a region and anchor have none, their nearest ancestor's holds, cut to what the"
    " region sells",
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

LIST_REGIONS = Contract(
    name="list_regions",
    layer=Layer.GOLD,
    one_row="one region with lists: how many candidates they keep, and how many lists had to be stored",
    key=("region_id",),
    columns=(
        required("region_id", "STRING", "the region"),
        required("list_depth", "INT", "candidates that a base list keeps there"),
        required("offered", "BIGINT", "variants that it may sell"),
        required("live", "BIGINT", "of them, those that can be bought now"),
        required("watched_days", "DOUBLE", "live variants times days to the next look; older looks count less"),
        required("sold_out", "DOUBLE", "of these variants, those that were not live then"),
        required("lists", "BIGINT", "anchors with a page there: what it may sell, at the root every variant"),
        required("stored_lists", "BIGINT", "of them, those whose list is not the one above, cut to what it sells"),
        required("stored_candidates", "BIGINT", "rows of shortlists that these take"),
        required("release_id", "STRING", "the release"),
    ),
    checks=(Check("stored_within_lists", "stored_lists <= lists"),),
)

TABLES = (
    CATEGORY_COMPATIBILITY,
    ATTRIBUTE_LIFT,
    EVIDENCE_THRESHOLDS,
    SCORING_PARAMETERS,
    EXPOSURE_FACTORS,
    SHORTLISTS,
    NEAR_MISSES,
    BASE_LISTS,
    LIST_REGIONS,
)
