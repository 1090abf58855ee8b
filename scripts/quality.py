"""Judge the demo's lists on baskets they have not seen and write docs/quality.md: `make quality` after `make demo`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sidecart.adapters import online_retail
from sidecart.adapters.shared_folder import VARIABLE
from sidecart.generator.settings import small
from sidecart.generator.shop import write_shop
from sidecart.ingest.buyers import KEY_FILE_VARIABLE, make_buyer_key

ROOT = Path(__file__).resolve().parents[1]
WAREHOUSE = ROOT / ".cache/demo/warehouse"
FOLDER = ROOT / ".cache/quality"
SETTINGS = ROOT / "benchmarks/quality"
DATA = Path(os.environ.setdefault(VARIABLE, str(ROOT.parent / "shared/data")))
"""Data sets that are not part of a package: beside the project, unless the environment names another folder."""

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
  overlap of the lists of two anchors of one category. "As met": of the pages of the judged baskets, by the lists that
  hold where they were bought.
- By size of region (its baskets in training; 0 has none yet): beside each table of regional lists stands what the list
  of the region above would show there, without what is not sold; the ratio of both has an interval of its own, as both
  meet the same draws of buyers.
- The anchor's own category is left out of all tables, baselines too. Baselines list live goods and have no fills.
- No one number judges a list: raw counts win accuracy by showing bananas. Read the lines as a front.
"""


@dataclass(frozen=True)
class Backtest:
    """Lists judged on one split of one shop."""

    configurations: str
    split: str
    shop: str = "complete_journey"
    options: tuple[str, ...] = ("--without-baselines",)
    warehouse: Path = WAREHOUSE

    def told(self, folder: Path) -> str:
        """The report of a run."""
        asked = ["--shop", SETTINGS / f"{self.shop}.toml", "--configurations", SETTINGS / f"{self.configurations}.toml"]
        kept = ["--folder", FOLDER / "tables", "--report", folder]
        _sidecart("backtest", "--warehouse", self.warehouse, *asked, "--splits", self.split, *kept, *self.options)
        return (folder / "report.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Shop:
    """A shop beside the demo's, run from its files, and judged."""

    name: str
    write: Callable[[Path], datetime]
    """Writes the landing files; the moment they speak of."""
    data: str | None = None
    """The data set it needs, where that is not part of a package."""

    def told(self, folder: Path) -> str:
        """The report of its backtest, or why there is none."""
        landing, warehouse, shop = folder / "landing", folder / "warehouse", SETTINGS / f"{self.name}.toml"
        if self.data and not (DATA / self.data).is_dir():
            return f"{self.name} was not judged: {self.data} is absent from {VARIABLE}\n"
        shutil.rmtree(folder, ignore_errors=True)
        as_of = self.write(landing)
        make_buyer_key(folder / "buyer.key")
        os.environ[KEY_FILE_VARIABLE] = str(folder / "buyer.key")
        _sidecart("run", "--landing", landing, "--warehouse", warehouse, "--shop", shop, "--as-of", as_of.isoformat())
        return Backtest("second_opinions", "test", self.name, (), warehouse).told(folder)


@dataclass(frozen=True)
class Benchmark:
    """A benchmark whose own words are the report."""

    script: str
    arguments: tuple[str, ...] = ()
    data: str | None = None
    """The data set it needs, where that is not part of a package."""

    def told(self, folder: Path) -> str:
        """What it prints, or why there is nothing."""
        if self.data and not (DATA / self.data).is_dir():
            return f"`{self.script}.py {' '.join(self.arguments)}` was not run: {self.data} is absent from {VARIABLE}\n"
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, str(ROOT / f"benchmarks/{self.script}.py"), *self.arguments]
        ran = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8")
        (folder / "printed.txt").write_text(ran.stdout, encoding="utf-8")
        return f"`{self.script}.py {' '.join(self.arguments)}`\n\n```\n{ran.stdout.strip()}\n```\n"


@dataclass(frozen=True)
class Part:
    """A part of the page."""

    heading: str
    text: str
    steps: tuple[Backtest | Shop | Benchmark, ...]


def _online_retail(landing: Path) -> datetime:
    online_retail.write_landing(landing)
    return datetime(2011, 9, 1, tzinfo=UTC)


def _generated_grocery(landing: Path) -> datetime:
    return write_shop(landing, small()).as_of


_PARTS = {
    "profiles": Part(
        "Profiles and baselines",
        "Lists of the whole shop, every profile in both support units.",
        (Backtest("profiles", "test", options=()),),
    ),
    "regions": Part(
        "Lists of each region",
        "The same baskets, judged by the lists of the store where they were bought; counted in baskets."
        " `assortment_only`: lists made of what the store"
        " sells; `each_region`: with its own buyers' word. A store sells less than the whole shop, so its lists hold"
        " best sellers more often; `…_as_met` wish for fewer of them, to be met as often as the profiles say.",
        (Backtest("regions", "test", options=("--without-baselines", "--by-region")),),
    ),
    "new_buyers": Part(
        "Buyers without history",
        "One buyer in five left all of training, and only they judge: by lists of the whole shop, then by those of the"
        " store where they bought.",
        (
            Backtest("new_buyers", "test_new_buyers"),
            Backtest("new_buyers_by_region", "test_new_buyers", options=("--without-baselines", "--by-region")),
        ),
    ),
    "ablations": Part(
        "What each component buys",
        "On the window before, where parameters were chosen; the standard profile. Lists per region are above, variants"
        " and their groups below.",
        (
            Backtest("ablations", "validation"),
            Backtest("history", "validation", options=("--without-baselines", "--history-days", "90")),
            Backtest("extremes", "validation", "complete_journey_extremes"),
        ),
    ),
    "variants": Part(
        "Variants",
        "What a pair of variants borrows from its groups, against counts of variants and counts of groups.",
        (Benchmark("bench_variants", ("fashion",)), Benchmark("bench_variants", ("online_retail",), "online_retail")),
    ),
    "chance": Part(
        "Chance",
        "The evidence classes of the demo's pairs, and of the same order lines dealt out anew (sizes and popularity"
        " kept), where every pair is chance.",
        (Benchmark("bench_evidence"),),
    ),
    "second_opinions": Part(
        "Second opinions",
        "Other shops, every parameter untouched: Online Retail (gifts, wholesale), then a generated grocery.",
        (Shop("online_retail", _online_retail, "online_retail"), Shop("generated_grocery", _generated_grocery)),
    ),
}


def run(name: str) -> None:
    """Judge a part; its report stays in its folder."""
    told = [step.told(FOLDER / name / str(place)) for place, step in enumerate(_PARTS[name].steps)]
    (FOLDER / name / "part.md").write_text("\n".join(told), encoding="utf-8")


def page() -> str:
    """The page of all parts that were judged so far."""
    parts = [_HEAD]
    for name, part in _PARTS.items():
        report = FOLDER / name / "part.md"
        if report.is_file():
            parts += [f"\n# {part.heading}\n\n{part.text}\n", report.read_text(encoding="utf-8")]
    return "\n".join(parts)


def write() -> None:
    """Judge part after part (those named on the command line, or all), the page written anew after each."""
    unknown = [name for name in sys.argv[1:] if name not in _PARTS]
    if unknown:
        sys.exit(f"sidecart: no part {unknown[0]!r}; there are {', '.join(_PARTS)}")
    if not WAREHOUSE.is_dir():
        sys.exit("sidecart: no demo tables yet; run `make demo` first")
    for name in sys.argv[1:] or _PARTS:
        run(name)
        PAGE.write_text(page(), encoding="utf-8")
        print(f"wrote {PAGE.relative_to(ROOT)} with {name}")


def _sidecart(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "sidecart_cli.main", *map(str, arguments)], check=True, cwd=ROOT)


if __name__ == "__main__":
    write()
