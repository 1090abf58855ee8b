"""What must hold before a run is published: of silver, and of what lists are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sidecart.contracts import gold, runs, silver, state
from sidecart.contracts.frames import rows
from sidecart.contracts.model import Contract
from sidecart.errors import RuleError
from sidecart.ingest.parsing import Moment
from sidecart.quality.audits.audited import Audited
from sidecart.quality.audits.every import wanted_audits
from sidecart.quality.audits.gate import audit_rows, audited, require_audits
from sidecart.quality.gates import Gated, Verdict, judge, require
from sidecart.quality.scorecard import Previous, scorecard
from sidecart.rule_checks import wildcard_findings
from sidecart.rules import goods_of
from sidecart.storage.releases import ReleaseReader, release_versions
from sidecart.storage.run import Output, Run
from sidecart.storage.staging import staging
from sidecart.storage.views import release_moment, shortlists_resolved

AT_LEAST: dict[Contract, int] = {
    silver.ORDER_LINES: 1,
    silver.UNMATCHED_RETURNS: 0,
    silver.VIEWS: 0,
    silver.CATALOG: 1,
    silver.CATEGORIES: 0,
    silver.OFFERS: 1,
    silver.REGIONS: 1,
    silver.RULES: 0,
    state.BASKETS: 1,
    state.BUYER_ACTIVITY: 1,
    state.VARIANT_SUPPORT: 1,
    state.PAIR_SUPPORT: 1,
    state.GROUP_PAIR_SUPPORT: 0,
    gold.CATEGORY_COMPATIBILITY: 0,
    gold.SCORING_PARAMETERS: 1,
    gold.EXPOSURE_FACTORS: 0,
    state.VARIANT_STRATUM_SUPPORT: 1,
    gold.EVIDENCE_THRESHOLDS: 0,
    gold.SHORTLISTS: 1,
    gold.NEAR_MISSES: 0,
    gold.BASE_LISTS: 1,
    gold.LIST_REGIONS: 1,
}
"""Gated tables and the fewest rows each may have: an empty shop is never published."""

REMEDIES = {
    "offers.rows": "Nothing is on sale as of this run: hand over offers, or give an --as-of within"
    " regions.assortment_weeks of the newest sale",
}
"""What to do about a failed check that does not say it by its name."""

SILVER = tuple(c for c in AT_LEAST if c in silver.TABLES)
LISTS = tuple(c for c in AT_LEAST if c not in silver.TABLES)


def require_silver(run: Run, changed: Mapping[Contract, DataFrame] | None = None) -> None:
    """Raise GateError where silver breaks a contract, the books don't balance, or too much was refused or lost.

    RuleError where a rule reaches too far. `changed`: of tables that only some rows of were written, these rows, unlike
    any other by their key: they are judged alone, as the others were before a release held them.
    """
    of_run = run.read(runs.BOOKS).where(F.col("run_id") == run.run_id)
    changed = changed or {}
    others = _gated(run, tuple(contract for contract in SILVER if contract not in changed))
    parts = [Gated(frame, contract) for contract, frame in changed.items()]
    verdicts = judge(Gated(of_run, runs.BOOKS, at_least=1), *others, *parts)
    empty = [Verdict(c.name, 0, {"rows": 0}) for c in changed if AT_LEAST[c] and run.read(c).isEmpty()]
    poisoned = [
        Verdict(runs.BOOKS.name, 0, _too_much_refused(run, of_run)),
        Verdict(silver.CATALOG.name, 0, _too_much_lost(run)),
    ]
    require([*verdicts, *empty, *poisoned], REMEDIES)
    require_rules(run)


def require_rules(run: Run) -> None:
    """Raise RuleError where a rule with `any` on one side chooses too much of the catalogue on the other."""
    rules, limit = run.read(silver.RULES), run.settings.ingest.max_wildcard_share
    if limit == 1 or rules.isEmpty():
        return
    for found in wildcard_findings(rules, goods_of(run, rules), Moment(run.as_of, run.settings).day, limit):
        raise RuleError(
            "RULE_WILDCARD",
            f"rule {found.rule_id}: {found.detail}; name what it is about in anchor_by or candidate_by,"
            " raise ingest.max_wildcard_share, or run with --force",
        )


def require_lists(run: Run) -> None:
    """Raise GateError where counts or lists break their contracts."""
    require(judge(*_gated(run, LISTS)))


def look_at_lists(run: Run) -> None:
    """Write down what audits and the scorecard find of a run's lists; GateError where an audit that blocks failed."""
    quality = run.settings.quality
    if not quality.scorecard and not wanted_audits(quality):
        return
    with staging(run.warehouse.spark, run.warehouse.location, run.run_id) as stage:
        looked = audited(run, Moment(run.as_of, run.settings), stage)
        found = audit_rows(looked, run.run_id)
        scored = _scorecard_rows(run, looked) if quality.scorecard else []
    told = {runs.AUDITS: found, runs.SCORECARD: scored}
    spark = run.warehouse.spark
    run.write_together(
        *(Output(c, rows(spark, c, values).coalesce(1), mode="append") for c, values in told.items() if values)
    )
    require_audits(found)


def _scorecard_rows(run: Run, looked: Audited) -> list[dict[str, Any]]:
    marks = {"run_id": run.run_id, "release_id": run.release_id, "as_of": run.as_of}
    return [row.asDict() | marks for row in scorecard(looked, run.as_of, _previous(run)).collect()]


def _previous(run: Run) -> Previous | None:
    """The newest release's final lists at the root; none before the first."""
    reader = ReleaseReader(run.warehouse)
    if gold.SHORTLISTS.name not in reader.versions:
        return None
    # The id as a literal: only that reaches the lists before they are resolved.
    at_root = F.col("region_id") == F.lit(run.settings.shop.root_region)
    return Previous(shortlists_resolved(reader).where(at_root), release_moment(reader).as_of)


def _gated(run: Run, contracts: tuple[Contract, ...]) -> list[Gated]:
    return [Gated(run.read(contract), contract, AT_LEAST[contract]) for contract in contracts]


def _too_much_refused(run: Run, books: DataFrame) -> dict[str, int]:
    """In which inputs more was refused than the shop tolerates, and how much; rows of erased buyers are no fault."""
    limit = run.settings.ingest.max_quarantine_share
    refused = run.read_or_empty(silver.QUARANTINE).where(F.col("run_id") == run.run_id)
    # Whether a file may be left out is said by ingest.on_broken_file; in the books it is one row.
    told = refused.groupBy("input").agg(
        F.count_if(F.col("source_line") == 0).alias("files"),
        F.count_if(F.col("reason_code") == "BUYER_ERASED").alias("erased"),
    )
    counted = books.join(told, "input", "left").fillna(0, ["files", "erased"])
    read = F.col("rows_read") - F.col("files")
    faults = F.col("rows_quarantined") - F.col("files") - F.col("erased")
    poisoned = counted.withColumns({"faults": faults, "read": read}).where(
        F.col("faults") > F.col("read") * F.lit(limit)
    )
    return {f"quarantine_above_{limit:.0%}_of_{row['input']}": int(row["faults"]) for row in poisoned.collect()}


def _too_much_lost(run: Run) -> dict[str, int]:
    """Whether the catalogue lost more variants since the last release than the shop tolerates, and how many."""
    released = release_versions(run.warehouse).get(silver.CATALOG.name)
    if released is None:
        return {}
    limit = run.settings.ingest.max_catalog_shrink
    before, now = run.warehouse.read(silver.CATALOG, released).count(), run.read(silver.CATALOG).count()
    return {f"shrunk_above_{limit:.0%}_since_the_last_release": before - now} if now < before * (1 - limit) else {}
