"""Category logic: which categories belong together, and which avoid each other, by the held-out baskets alone."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sidecart.compatibility import CategoryCounts, category_compatibility
from sidecart.settings import CompatibilitySettings

TOGETHER = 2.5
"""Standard deviations of a Poisson count above what baskets of each size expect: such categories belong together."""

APART = -1.64
"""So many below it, categories avoid each other: one chance in twenty, as only few expect enough to fall lower."""

LOGIC, ILLOGIC = "logic", "illogic"


def category_relations(baskets: DataFrame, facts: DataFrame) -> DataFrame:
    """One row per ordered pair of categories that is more than chance: category_a, category_b, relation.

    With O joint baskets and E expected within the strata of basket sizes: `logic` where (O - E) / sqrt(E) >= 2.5,
    `illogic` where it is <= -1.64. A category and itself are neither. `baskets` are all counted ones of the window,
    those of one variant too.
    """
    one_level = CompatibilitySettings(category_level=1)
    path = F.when(F.col("category_id").isNotNull(), F.array("category_id")).otherwise(F.array().cast("array<string>"))
    flat = facts.withColumn("category_path", path)
    measured = category_compatibility(CategoryCounts.of(baskets, flat, one_level), one_level)
    return related(measured.where("level = 1"))


def related(compatibility: DataFrame) -> DataFrame:
    """The pairs of two categories that are more than chance, with their relation: category_a, category_b, relation.

    In: category_a, category_b, joint_baskets and expected_baskets, of one level.
    """
    off = deviations(F.col("joint_baskets"), F.col("expected_baskets"))
    relation = F.when(off >= TOGETHER, LOGIC).when(off <= APART, ILLOGIC)
    judged = compatibility.where("category_a <> category_b").withColumn("relation", relation)
    return judged.where("relation IS NOT NULL").select("category_a", "category_b", "relation")


def deviations(joint: Column, expected: Column) -> Column:
    """(O - E) / sqrt(E): how many standard deviations of a Poisson count the joint baskets are off; null at E = 0."""
    return F.try_divide(joint - expected, F.sqrt(expected))
