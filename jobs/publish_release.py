"""Publish: judge what the run made, and show it to readers or take it back."""

from __future__ import annotations

from sidecart.quality.publication import look_at_lists, require_lists
from sidecart.storage.run import Run
from sidecart_jobs.arguments import run_as_task


def publish_release(run: Run) -> None:
    """Make the run's tables what readers see; raises GateError where a gate or an audit that blocks refuses."""
    require_lists(run)
    look_at_lists(run)
    run.publish()


def main() -> None:
    run_as_task(publish_release)


if __name__ == "__main__":
    main()
