"""Cold start: which categories may fill a list."""

from __future__ import annotations

from pathlib import Path

from builders import Shop, told
from chains import compiled_plans
from sidecart.cold_start import compatible_categories
from sidecart.contracts import gold


def _lifts(*lifts: tuple[int, str, str, float]) -> list[dict[str, object]]:
    return [{"level": level, "category_a": a, "category_b": b, "lift": lift} for level, a, b, lift in lifts]


def test_a_category_that_nobody_bought_yet_is_beside_what_its_top_category_complements(
    shop: Shop, tmp_path: Path
) -> None:
    """Mugs are new; kitchen goods complement drinks, so mugs may show tea. What has no category says nothing."""
    facts = shop.facts(
        tea={"category_id": "tea", "category_path": ["drinks", "tea"]},
        pot={"category_id": "pots", "category_path": ["kitchen", "pots"]},
        mug={"category_id": "mugs", "category_path": ["kitchen", "mugs"]},
        gift={"category_path": []},
    )
    measured = shop.frame(
        gold.CATEGORY_COMPATIBILITY,
        *_lifts((1, "kitchen", "drinks", 1.4), (1, "kitchen", "kitchen", 0.9), (2, "pots", "tea", 2.0)),
        *_lifts((2, "tea", "pots", 2.0), (2, "pots", "pots", 0.5)),
    )
    # As tables: what is asked of a file's rows comes in an order that Spark chooses, here when it compiles.
    for name, frame in {"measured": measured, "facts": facts}.items():
        frame.write.parquet(str(tmp_path / name))
    measured, facts = (shop.spark.read.parquet(str(tmp_path / name)) for name in ("measured", "facts"))
    with compiled_plans(shop.spark):
        found = told(compatible_categories(measured, facts, level=2), "category_id", "beside", "lift")
    assert found == [("mugs", "tea", 1.4), ("pots", "tea", 2.0), ("tea", "pots", 2.0)]
