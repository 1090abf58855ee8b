"""`sidecart`: run the chain, look at its tables, take them elsewhere."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sidecart import __version__
from sidecart.errors import SidecartError
from sidecart_cli import backtest, demo, export, extremes, generate, plan, prompt, releases, rules, verify, why
from sidecart_jobs import forget, import_history, purge_traces, run_chain
from sidecart_jobs.arguments import add_run_arguments

WAREHOUSE = ".cache/demo/warehouse"


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line asks; an error of ours is one line on standard error and exit code 1."""
    told = _parser().parse_args(arguments)
    try:
        told.do(told)
    except SidecartError as error:
        sys.exit(f"sidecart: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sidecart", description="Which products complete an order.")
    parser.add_argument("--version", action="version", version=f"sidecart {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    _add_writing(commands)

    example = commands.add_parser("demo", help="the chain on Complete Journey, and what it found")
    example.add_argument("--small", action="store_true", help="on a small generated shop instead")
    example.add_argument(
        "--folder", type=Path, help="where to put its files (default .cache/demo or .cache/demo-small)"
    )
    example.set_defaults(do=demo.demo)

    shop = commands.add_parser("generate", help="write a generated shop's landing files, and what was planted in it")
    generate.add_arguments(shop)

    tested = commands.add_parser("backtest", help="judge lists and baselines by baskets that they have not seen")
    backtest.add_arguments(tested)
    tested.add_argument("--release", help="split the orders of a release other than the newest")
    tested.add_argument("--warehouse", default=WAREHOUSE, help=f"base path or schema:NAME (default {WAREHOUSE})")

    out = commands.add_parser("export", help="write a table or view of the newest release as one Parquet file")
    out.add_argument("table", help="its name; the view `dictionary` lists all")
    out.add_argument("file", type=Path, help="the Parquet file to write")
    _add_reading(out)
    out.set_defaults(do=export.export)

    sql = commands.add_parser("sql", help="a SQL prompt on a release's tables and views")
    sql.add_argument("-e", "--execute", metavar="SQL", help="answer this and end")
    _add_reading(sql)
    sql.set_defaults(do=prompt.sql)

    told_rules = commands.add_parser("rules", help="check a rule set, and see what it would change")
    rules.add_commands(told_rules, _add_reading)

    asked = commands.add_parser("why", help="why a candidate stands on a page, or why not")
    why.add_arguments(asked)
    asked.add_argument("--warehouse", default=WAREHOUSE, help=f"base path or schema:NAME (default {WAREHOUSE})")

    left_out = commands.add_parser("extremes", help="who is left out of counts, and what that changes")
    _add_reading(left_out)
    left_out.set_defaults(do=extremes.extremes)

    ahead = commands.add_parser("plan", help="what counting pairs takes, and would take under another basket cap")
    plan.add_arguments(ahead)
    _add_reading(ahead)

    checked = commands.add_parser("verify", help="count a release's support again from its order lines, and compare")
    verify.add_arguments(checked)
    _add_reading(checked)

    shown = commands.add_parser("releases", help="list the releases, or make an older one what readers see")
    shown.add_argument("--rollback", metavar="RELEASE", help="publish this release's versions again")
    shown.add_argument("--warehouse", default=WAREHOUSE, help=f"base path or schema:NAME (default {WAREHOUSE})")
    shown.set_defaults(do=releases.releases)
    return parser


def _add_writing(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """What writes a release."""
    chain = commands.add_parser("run", help="from a landing folder to a published release")
    add_run_arguments(chain)
    run_chain.add_chain_arguments(chain)
    chain.set_defaults(do=run_chain.run_as_told)

    past = commands.add_parser("import-history", help="years of orders and views beside the live files, and a release")
    add_run_arguments(past)
    import_history.add_history_arguments(past)
    past.set_defaults(do=import_history.import_as_told)

    erased = commands.add_parser("forget", help="take buyers out of every table, count and list, and keep them out")
    forget.add_forget_arguments(erased)
    last = commands.add_parser("purge", help="delete all but the newest release: old versions, logs, leftovers")
    purge_traces.add_purge_arguments(last)


def _add_reading(command: argparse.ArgumentParser) -> None:
    command.add_argument("--warehouse", default=WAREHOUSE, help=f"base path or schema:NAME (default {WAREHOUSE})")
    command.add_argument("--release", help="a release other than the newest")


if __name__ == "__main__":
    main()
