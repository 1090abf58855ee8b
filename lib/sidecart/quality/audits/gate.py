"""The gate of audits: a run's tables are looked at, what was found is written down, and a blocking failure refuses."""

from __future__ import annotations

import logging
from typing import Any

from pyspark.sql import functions as F

from sidecart.contracts import silver, state
from sidecart.contracts.frames import Tables
from sidecart.errors import GateError
from sidecart.ingest.parsing import Moment
from sidecart.quality.audits.audited import Audited, audited_lists, sampled_regions
from sidecart.quality.audits.every import AUDITS, findings
from sidecart.rules import rules_on
from sidecart.storage.staging import Staging
from sidecart.storage.views import final_lists

_LOG = logging.getLogger("sidecart.run")


def audited(tables: Tables, moment: Moment, stage: Staging) -> Audited:
    """What audits look at; the lists that they share are resolved once."""
    settings, regions = moment.settings, sampled_regions(tables, moment.settings)
    # Ids as literals, not a join: only they reach the lists before they are resolved.
    there = F.col("region_id").isin(settings.shop.root_region, *regions)
    told = rules_on(tables.read(silver.RULES), moment.day)
    final = final_lists(tables, moment, tables.read(silver.RULES)).where(there)
    lists = audited_lists(final, tables.read(state.VARIANT_FACTS), settings)
    rules = None if told.isEmpty() else told
    return Audited(tables, stage.keep("audited_lists", lists), regions, rules, settings)


def audit_rows(audited: Audited, run_id: str) -> list[dict[str, Any]]:
    """What every audit found, as rows of the contract audits."""
    quality = audited.settings.quality
    return [
        row.asDict()
        | {"run_id": run_id, "component": AUDITS[row["audit"]].component, "mode": quality.mode(row["audit"])}
        for row in findings(audited)
    ]


def require_audits(found: list[dict[str, Any]]) -> None:
    """Log every failed audit that warns; raise GateError that names those that block."""
    failed = [row for row in found if not row["passed"]]
    for row in failed:
        if row["mode"] == "warn":
            _LOG.warning("%s", _told(row))
    blocking = [_told(row) for row in failed if row["mode"] == "block"]
    if blocking:
        raise GateError(f"not published, the tables stay as they were; {'; '.join(blocking)}")


def _told(row: dict[str, Any]) -> str:
    return (
        f"audit {row['audit']} (component {row['component']}) measured {row['measured']:.4f},"
        f" {row['asks']} {row['bound']:.4f}: {row['detail']}, {row['looked_at']:,} looked at;"
        f" {AUDITS[row['audit']].remedy}"
    )
