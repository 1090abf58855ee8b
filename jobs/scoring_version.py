"""The scoring version: what scores are made with, found together by one run and kept by the runs after it.

Lists change from day to day by what was bought, offered and ruled, not by a new exponent each morning; and what judges
pairs, which looks at every pair of the shop, is made once a week.
"""

from __future__ import annotations

from pyspark.sql import functions as F

from sidecart.contracts import gold, state
from sidecart.ingest.parsing import Moment, moment_of
from sidecart.settings import Settings
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.run import Run
from sidecart.storage.views import release_settings

TABLES = (
    gold.CATEGORY_COMPATIBILITY,
    gold.ATTRIBUTE_LIFT,
    gold.EVIDENCE_THRESHOLDS,
    gold.SCORING_PARAMETERS,
    gold.EXPOSURE_FACTORS,
)
"""Written together. A run that keeps the version leaves them as the newest release has them, its id in their rows."""

_SECTIONS = (
    "baskets", "compatibility", "scoring", "variants", "evidence", "regions", "cold_start", "lists", "diversity",
)  # fmt: skip
"""Settings that a version hangs on."""


def why_refreshed(run: Run, released: ReleaseReader) -> str | None:
    """Why the newest release's scoring version does not hold for this run; None where it does.

    It holds for `scoring.refresh_days`, while the settings of scores are what they were and the shop's support differs
    by less than `scoring.refresh_drift` of what it was.
    """
    missing = [contract.name for contract in TABLES if contract.name not in released.versions]
    if missing or released.release_id is None:
        return "no release has all tables of a version"
    return _changed_section(run.settings, release_settings(released)) or _is_due(run, released)


def _changed_section(now: Settings, before: Settings) -> str | None:
    if now.shop.root_region != before.shop.root_region:
        return "shop.root_region is another one"
    changed = [name for name in _SECTIONS if getattr(now, name) != getattr(before, name)]
    return f"settings of {', '.join(changed)} are not those of the newest release" if changed else None


def _is_due(run: Run, released: ReleaseReader) -> str | None:
    """Whether the version is old, or the shop is not the one that it was found on."""
    scoring = run.settings.scoring
    version = released.read(gold.SCORING_PARAMETERS)
    found = version.select("release_id", "shop_support", F.unix_micros("found_at").alias("at")).first()
    if found is None:
        return "its scoring_parameters are empty"
    found_at = moment_of(found["at"])
    days = (Moment(run.as_of, run.settings).day - Moment(found_at, run.settings).day).days
    if days >= scoring.refresh_days:
        return f"those of {found['release_id']} are {days} days old"
    shop = run.read_root(state.REGION_SUPPORT).select(F.col(scoring.support_unit).alias("support")).first()
    support, was = shop["support"] if shop else 0, found["shop_support"]
    if abs(support - was) > scoring.refresh_drift * was:
        return f"the shop has {support:,} {scoring.support_unit}, those of {found['release_id']} were found on {was:,}"
    return None
