"""Judge the demo's lists on baskets they have not seen and write docs/quality.md: `make quality` after `make demo`."""

from __future__ import annotations

import sys
from pathlib import Path

from sidecart_cli.main import main

ROOT = Path(__file__).resolve().parents[1]
WAREHOUSE = ROOT / ".cache/demo/warehouse"
FOLDER = ROOT / ".cache/quality"
SETTINGS = ROOT / "benchmarks/quality"
PAGE = ROOT / "docs/quality.md"

_HEAD = """# Quality

How good the lists are on baskets they have not seen. `make quality` makes this page from the demo's tables (Complete
Journey): everything is counted anew from the order lines before the last 28 days, and the baskets of these days judge.
Parameters were chosen on the 28 days before; these were judged again when the judge changed, never to choose by.

- Judged per (basket, anchor in it): how many of the basket's other variants of another category stand in the anchor's
  top 10 (NDCG, hit rate, recall); an anchor without a list counts as 0. Known anchors are those sold before. Baskets
  above the basket cap do not judge, those of extreme buyers do. In brackets 95 % intervals, a bootstrap over buyers.
- Of the table as a whole: share of lists that hold one of the 20 best sellers, and share of slots of the table's own
  20 most shown, both weighted by the anchors' baskets in the judged window, as often as their pages are met; Gini of
  exposure; reach (distinct candidates over what is sold); logic and illogic (share of shown pairs whose categories meet
  more, or less, in the held-out baskets than basket sizes explain); full lists; slots of what is no longer sold;
  overlap of the lists of two anchors of one category.
- The anchor's own category is left out of all tables, baselines too. Baselines list live goods and have no fills.
- No one number judges a list: raw counts win accuracy by showing bananas. Read the lines as a front.
"""


_PARTS = {
    "profiles": ("Profiles and baselines", "profiles.toml", "test"),
    "new_buyers": (
        "Buyers without history\n\nOne buyer in five left all of training, and only they judge.",
        "new_buyers.toml",
        "test_new_buyers",
    ),
    "ablations": (
        "What each component buys\n\nOn the window before, where parameters were chosen.",
        "ablations.toml",
        "validation",
    ),
}
"""Parts of the page by the name of their folder: heading, configurations and split. Only the first has baselines."""


def run(name: str) -> None:
    """One backtest; its report stays in its folder."""
    _, configurations, split = _PARTS[name]
    shop, asked = SETTINGS / "complete_journey.toml", SETTINGS / configurations
    known = ["--warehouse", str(WAREHOUSE), "--shop", str(shop), "--configurations", str(asked)]
    more = [] if name == "profiles" else ["--without-baselines"]
    main(["backtest", *known, "--splits", split, "--folder", str(FOLDER), "--report", str(FOLDER / name), *more])


def page() -> str:
    """The page of all parts that were judged so far."""
    parts = [_HEAD]
    for name, (heading, _, _) in _PARTS.items():
        report = FOLDER / name / "report.md"
        if report.is_file():
            parts += [f"\n# {heading}\n", report.read_text(encoding="utf-8")]
    return "\n".join(parts)


def write() -> None:
    """Judge part after part (those named on the command line, or all), the page written anew after each."""
    if not WAREHOUSE.is_dir():
        sys.exit("sidecart: no demo tables yet; run `make demo` first")
    for name in sys.argv[1:] or _PARTS:
        run(name)
        PAGE.write_text(page(), encoding="utf-8")
        print(f"wrote {PAGE.relative_to(ROOT)} with {name}")


if __name__ == "__main__":
    write()
