"""Planting: which variants complement which, by how much, so that a test can look for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sidecart.generator.dice import Flags, Ints, mixed
from sidecart.generator.layout import MATCHED_COLOURS, Layout
from sidecart.generator.popularity import Floats
from sidecart.generator.settings import GeneratorSettings

SAME_COLOUR = 0.75
"""Of the complements bought with a colour-matched anchor, the share in the anchor's own colour."""
MATCH_STRENGTH = 1.4
"""How much likelier a colour-matched complement is than another one."""

_PLANT = 20


@dataclass(frozen=True)
class Planting:
    """One row per anchor, one column per complement."""

    anchors: Ints
    complements: Ints
    """Variants, -1 where an anchor has fewer."""
    chances: Floats
    """Chance that the complement is added to a basket that holds the anchor."""
    is_colour_match: Flags
    """Per anchor: whether its complements are the colours of one group, its own colour first."""
    row: Ints
    """Per variant: its row among the anchors, -1 for most."""

    @property
    def variants(self) -> Ints:
        """Every anchor and complement."""
        return np.union1d(self.anchors, self.complements[self.complements >= 0])


def planting_of(settings: GeneratorSettings, layout: Layout, expected: Floats, bananas: Ints) -> Planting:
    """Anchors of middling popularity with complements from compatible shelves, and the colour matches."""
    is_taken = np.isin(layout.group, layout.matched) | np.isin(np.arange(layout.count), bananas)
    anchors = _anchors(settings, layout, expected, is_taken)
    choices = [_complements(settings, layout, expected, is_taken, int(anchor)) for anchor in anchors]
    matches = np.concatenate([_match(layout, *pair) for pair in layout.matched] or [np.zeros((0, 5), np.int64)])
    width = max(settings.complements, MATCHED_COLOURS)
    complements = np.full((len(anchors) + len(matches), width), -1, np.int64)
    chances = np.zeros(complements.shape)
    for place, chosen in enumerate(choices):
        complements[place, : len(chosen)] = chosen
        chances[place, : len(chosen)] = settings.complement_chance
    complements[len(anchors) :, :MATCHED_COLOURS] = matches[:, 1:]
    chances[len(anchors) :, :MATCHED_COLOURS] = _match_chances(settings)
    every = np.concatenate([anchors, matches[:, 0]])
    row = np.full(layout.count, -1, np.int64)
    row[every] = np.arange(len(every))
    return Planting(every, complements, chances, np.arange(len(every)) >= len(anchors), row)


def anchor_sales(settings: GeneratorSettings) -> tuple[float, float]:
    """Expected sales of anchors: often enough to show their complements, rarely enough to be no bestsellers."""
    return max(70.0, settings.orders * 0.001), max(140.0, settings.orders * 0.03)


def matched_sales(settings: GeneratorSettings) -> float:
    """Expected sales of each colour-matched variant."""
    return max(80.0, settings.orders * 0.004)


def _anchors(settings: GeneratorSettings, layout: Layout, expected: Floats, is_taken: Flags) -> Ints:
    low, high = anchor_sales(settings)
    fit = np.flatnonzero(~is_taken & (expected >= low) & (expected <= high))
    if len(fit) < settings.anchors:
        fit = np.argsort(np.where(is_taken, -1.0, expected), kind="stable")[-max(settings.anchors, 1) :]
    return _one_per_group(layout, fit[np.argsort(mixed(settings.seed, _PLANT, fit), kind="stable")], settings.anchors)


def _complements(settings: GeneratorSettings, layout: Layout, expected: Floats, is_taken: Flags, anchor: int) -> Ints:
    """Variants of other groups on the shelves that complement the anchor's, rare ones too."""
    is_beside = np.isin(layout.shelf, layout.friends[layout.shelf[anchor]]) & ~is_taken
    choice = np.flatnonzero(
        is_beside & (expected <= anchor_sales(settings)[1]) & (layout.group != layout.group[anchor])
    )
    shuffled = choice[np.argsort(mixed(settings.seed, _PLANT, anchor, choice), kind="stable")]
    return _one_per_group(layout, shuffled, settings.complements)


def _one_per_group(layout: Layout, variants: Ints, count: int) -> Ints:
    """The first `count` of the variants, each of another group."""
    _, places = np.unique(layout.group[variants], return_index=True)
    return variants[np.sort(places)][:count]


def _match(layout: Layout, here: int, there: int) -> Ints:
    """Per colour of the one group: its variant, then the other group's variants, the same colour first."""
    other = layout.first[there] + np.arange(MATCHED_COLOURS)
    return np.array([[layout.first[here] + colour, *np.roll(other, -colour)] for colour in range(MATCHED_COLOURS)])


def _match_chances(settings: GeneratorSettings) -> Floats:
    chance = MATCH_STRENGTH * settings.complement_chance
    other = chance * (1 - SAME_COLOUR) / (MATCHED_COLOURS - 1)
    return np.array([chance * SAME_COLOUR] + [other] * (MATCHED_COLOURS - 1))
