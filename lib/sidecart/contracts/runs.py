"""Runs: what ran on what, and which versions are live."""

from __future__ import annotations

from sidecart.contracts.model import Check, Column, Contract, Layer, required

RUNS = Contract(
    name="runs",
    layer=Layer.RUNS,
    one_row="one run of the chain, written when it ends",
    key=("run_id",),
    columns=(
        required("run_id", "STRING", "the run"),
        required("as_of", "TIMESTAMP", "the moment the run speaks of, UTC: later rows are refused"),
        required("started_at", "TIMESTAMP", "when it began, UTC"),
        required("ended_at", "TIMESTAMP", "when it ended, UTC"),
        required("outcome", "STRING", "published, refused (a gate) or failed (an error)"),
        Column("reason", "STRING", "why it was refused or failed"),
        required("code_version", "STRING", "the version of sidecart"),
        required("settings_hash", "STRING", "sha-256 of the effective configuration"),
        required("state_layout", "INT", "how its state tables keep their counts; another layout is counted anew"),
        required("settings", "STRING", "the effective configuration, as JSON, no secrets in it"),
        Column("release_id", "STRING", "the release it published"),
        Column("buyer_key_id", "STRING", "names the key that buyers are hashed with, without telling it"),
    ),
    checks=(Check("outcome_known", "outcome IN ('published', 'refused', 'failed')"),),
)

BOOKS = Contract(
    name="books",
    layer=Layer.RUNS,
    one_row="one input of one run: where its rows went",
    key=("run_id", "input"),
    columns=(
        required("run_id", "STRING", "the run"),
        required("input", "STRING", "the contract: orders, catalog, …"),
        required("rows_read", "BIGINT", "rows in files that this run read"),
        required("rows_accepted", "BIGINT", "rows that entered silver"),
        required("rows_held", "BIGINT", "rows that wait for the catalogue to bring their variant"),
        required("rows_quarantined", "BIGINT", "rows refused, in the table quarantine"),
        required("rows_deduplicated", "BIGINT", "rows equal to one already accepted, or replaced by a newer one"),
    ),
    checks=(
        Check(
            "books_balance",
            "rows_read = rows_accepted + rows_held + rows_quarantined + rows_deduplicated",
        ),
    ),
)

INGESTED_FILES = Contract(
    name="ingested_files",
    layer=Layer.RUNS,
    one_row="one landing file that was read, or left out as a whole",
    key=("input", "source_file", "sha256"),
    columns=(
        required("input", "STRING", "the contract it was read for"),
        required(
            "source_file", "STRING", "path relative to the landing folder; of imported history below history/NAME"
        ),
        required("sha256", "STRING", "of its bytes: the same content is never read twice"),
        required("bytes", "BIGINT", "its size"),
        required("rows", "BIGINT", "rows in it, by an independent count; 0 where it was left out"),
        Column("reason_code", "STRING", "why it was left out as a whole; null where it was read"),
        required("run_id", "STRING", "the run that read it"),
    ),
)

LANDED_FILES = Contract(
    name="landed_files",
    layer=Layer.RUNS,
    one_row="one file of which the stream of landing files told: what waits is here and not in ingested_files",
    key=("source_file", "noticed_at"),
    columns=(
        required("source_file", "STRING", "path relative to the landing folder"),
        required("bytes", "BIGINT", "its size when the stream told of it"),
        required("modified_at", "TIMESTAMP", "when it was last changed before that, UTC"),
        required("noticed_at", "TIMESTAMP", "when the stream's micro-batch began, UTC"),
    ),
)

RELEASES = Contract(
    name="releases",
    layer=Layer.RUNS,
    one_row="one table of one release: the newest release is what readers see",
    key=("release_id", "table_name"),
    columns=(
        required("release_id", "STRING", "the release; ids sort by time"),
        required("run_id", "STRING", "the run that published it"),
        required("as_of", "TIMESTAMP", "the moment it speaks of, UTC"),
        required("released_at", "TIMESTAMP", "when it was published, UTC"),
        required("table_name", "STRING", "the table"),
        required("table_version", "BIGINT", "its Delta version in this release"),
    ),
)

STAGES = Contract(
    name="stages",
    layer=Layer.RUNS,
    one_row="one stage of one run: rows and time",
    key=("run_id", "stage"),
    columns=(
        required("run_id", "STRING", "the run"),
        required("stage", "STRING", "the stage"),
        required("rows_in", "BIGINT", "rows it read from its main input"),
        required("rows_out", "BIGINT", "rows it wrote"),
        required("seconds", "DOUBLE", "wall time"),
    ),
)

AUDITS = Contract(
    name="audits",
    layer=Layer.RUNS,
    one_row="one audit of one run: how one sees that a component of the lists works",
    key=("run_id", "audit"),
    columns=(
        required("run_id", "STRING", "the run; refused ones too"),
        required("component", "INT", "the component's number, 2 to 13 and 15; docs/audits.md names them"),
        required("audit", "STRING", "the audit"),
        required("mode", "STRING", "what a failure does: block refuses the release, warn says so in the log"),
        Column("measured", "DOUBLE", "what was found; null where there was nothing to look at"),
        Column("bound", "DOUBLE", "what it may be at most, or at least (see asks); null where switched off"),
        required("asks", "STRING", "at most or at least: how measured must lie to bound"),
        required("passed", "BOOLEAN", "whether it does; true where there was nothing to look at"),
        required("looked_at", "BIGINT", "lists, rows, pairs or buyers that were looked at"),
        required("detail", "STRING", "what was looked at, in words, or why nothing was"),
    ),
    checks=(
        Check("mode_known", "mode IN ('block', 'warn')"),
        Check("asks_known", "asks IN ('at most', 'at least')"),
        Check(
            "passed_within_bound", "passed = coalesce(if(asks = 'at most', measured <= bound, measured >= bound), true)"
        ),
    ),
)

SCORECARD = Contract(
    name="scorecard",
    layer=Layer.RUNS,
    one_row="one measure of one property of a run's lists, of all or of a slice; the view `scorecard_trend` compares",
    key=("run_id", "property", "measure", "slice"),
    columns=(
        required("run_id", "STRING", "the run; refused ones too"),
        required("release_id", "STRING", "the release it would publish"),
        required("as_of", "TIMESTAMP", "the moment it speaks of, UTC"),
        required(
            "property",
            "STRING",
            "effectiveness, logic, coverage, specificity, reach, freshness or multi-region",
        ),
        required("measure", "STRING", "what was measured; docs/audits.md lists the measures"),
        required("slice", "STRING", "all, or the part that was looked at: a popularity bucket, regions of a size"),
        Column("value", "DOUBLE", "the measure; null where there was nothing to measure"),
        required("n", "BIGINT", "lists, slots, pages or variants behind it"),
    ),
)

BACKTESTS = Contract(
    name="backtests",
    layer=Layer.RUNS,
    one_row="one figure of one judged table of lists on one split of held-out baskets",
    key=("run_id", "split", "table_name", "page", "targets", "bucket", "metric"),
    columns=(
        required("run_id", "STRING", "the backtest"),
        required("source_release_id", "STRING", "the release whose orders were split"),
        required("split", "STRING", "test or validation, and with _new_buyers: buyers without history"),
        required("table_name", "STRING", "the lists: a configuration of the shop's own, or a baseline"),
        required("page", "STRING", "item, basket_by_rank, basket_by_score, or table: what it shows as a whole"),
        required("targets", "STRING", "what lists should hold: all others of the basket, other_category, or none"),
        required(
            "bucket",
            "STRING",
            "support of the anchor in training (0, 1-2, …, 1000+; 1+, all), or baskets of the region (region 0, …)",
        ),
        required(
            "metric",
            "STRING",
            "hit_rate, recall, ndcg at 10, ndcg_over_above (by the list of the region above), or a figure",
        ),
        Column("value", "DOUBLE", "its mean over the pages, or the table's figure"),
        Column("low", "DOUBLE", "lower end of the 95 % interval, by a bootstrap over buyers"),
        Column("high", "DOUBLE", "upper end of the interval"),
        Column("n", "BIGINT", "pages judged, or what the figure is a share of"),
    ),
)

ERASURE_RECEIPTS = Contract(
    name="erasure_receipts",
    layer=Layer.RUNS,
    one_row="one table that an erasure took rows from; it holds where the table releases has its release",
    key=("run_id", "table_name"),
    columns=(
        required("run_id", "STRING", "the run that erased"),
        required("release_id", "STRING", "the first release without the buyers; older ones are not read again"),
        required("erased_at", "TIMESTAMP", "when, UTC"),
        required("buyers_asked", "BIGINT", "distinct buyers in the file"),
        required("buyers_known", "BIGINT", "of them, those with any row in orders or views"),
        required("table_name", "STRING", "the table"),
        required("rows_taken", "BIGINT", "rows that went; of quarantine, rows whose text went"),
        Column(
            "last_trace_at",
            "TIMESTAMP",
            "when the last trace is gone, UTC; null where the tables are no folder of the machine that erased",
        ),
        Column("purged_release_id", "STRING", "the release that a purge left; older ones are not read again"),
        Column("purged_at", "TIMESTAMP", "when the last trace went, UTC; null before"),
    ),
)

TABLES = (RUNS, BOOKS, INGESTED_FILES, LANDED_FILES, RELEASES, STAGES, AUDITS, SCORECARD, BACKTESTS, ERASURE_RECEIPTS)
