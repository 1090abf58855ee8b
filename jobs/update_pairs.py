"""Count: from silver to the support of every variant, pair and category pair, by what changed where that is enough."""

from __future__ import annotations

import logging

from sidecart.compatibility import counted_levels
from sidecart.contracts import silver, state
from sidecart.errors import StateError
from sidecart.settings import Settings
from sidecart.storage.releases import ReleaseReader
from sidecart.storage.run import Run
from sidecart.storage.views import release_layout, release_settings
from sidecart_jobs.arguments import CountMode, add_mode_argument, run_as_task, task_parser
from sidecart_jobs.count_changes import count_changes
from sidecart_jobs.count_history import count_history

_LOG = logging.getLogger("sidecart.run")

_NEEDED = (
    *(silver.TOUCHED_ORDERS, silver.TOUCHED_SESSIONS, silver.REGIONS),
    *(contract for contract in state.TABLES if contract not in state.CHANGES_OF.values()),
)
"""Tables that a release must hold for a count to go on from it."""


def update_pairs(run: Run, mode: CountMode = "auto") -> None:
    """Write the state tables: by what changed since the newest release, or from all of history.

    `auto` counts what changed and, where that can't be (the log says why), all of history. Raises StateError where
    `incremental` is asked and can't be, before anything is written.
    """
    released = ReleaseReader(run.warehouse)
    reason = "--mode full" if mode == "full" else why_all_of_history(run, released)
    if reason and mode == "incremental":
        raise StateError(f"can't count what changed alone: {reason}; count all of history with --mode full")
    if reason:
        _LOG.info("counting all of history: %s", reason)
        count_history(run)
    else:
        run.rewind_state()
        count_changes(run, released)


def why_all_of_history(run: Run, released: ReleaseReader) -> str | None:
    """Why the newest release's counts can't be gone on from; None where they can."""
    if released.release_id is None:
        return "nothing is released yet"
    missing = [contract.name for contract in _NEEDED if contract.name not in released.versions]
    if missing:
        return f"{released.release_id} has no {', '.join(missing)}"
    if (layout := release_layout(released)) != state.LAYOUT:
        return f"{released.release_id} keeps its counts in layout {layout}, this version in {state.LAYOUT}"
    return _changed_setting(run.settings, release_settings(released)) or _changed_region(run, released)


def _changed_setting(now: Settings, before: Settings) -> str | None:
    """The first setting that counts hang on and that is another one."""
    for name in ("max_basket_variants", "extreme_buyer_share"):
        if (old := getattr(before.baskets, name)) != (new := getattr(now.baskets, name)):
            return f"baskets.{name} is {new}, the release was counted with {old}"
    if counted_levels(now.compatibility) != counted_levels(before.compatibility):
        new, old = now.compatibility.category_level, before.compatibility.category_level
        return f"compatibility.category_level is {new}, the release was counted with {old}"
    if now.shop.root_region != before.shop.root_region:
        return f"shop.root_region is {now.shop.root_region}, the release was counted with {before.shop.root_region}"
    return None


def _changed_region(run: Run, released: ReleaseReader) -> str | None:
    """The first region whose place in the tree is another one, or is gone; new ones are no matter."""
    was = released.read(silver.REGIONS).select("region_id", "path")
    moved = was.join(run.read(silver.REGIONS).select("region_id", "path"), ["region_id", "path"], "left_anti")
    row = moved.orderBy("region_id").first()
    return f"region {row['region_id']} stands elsewhere in the tree, or is gone" if row else None


def main() -> None:
    parser = task_parser()
    add_mode_argument(parser)
    told = parser.parse_args()
    run_as_task(lambda run: update_pairs(run, told.mode), told)


if __name__ == "__main__":
    main()
