"""How the goods of a generated shop are arranged: shelves, groups, variants with their colours and sizes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sidecart.generator.dice import Dice, Ints, mixed, scaled
from sidecart.generator.settings import GeneratorSettings

COLOURS = ("black", "white", "green", "red", "blue", "yellow", "grey", "pink")
FRIENDS = 3
"""Shelves that complement a shelf."""
MATCHED_COLOURS = 4
"""Colours of a group whose colours match another's."""
_GROUPS_WITH_VARIANTS = 0.35
"""Where goods come in pack sizes only, so many groups have more than one."""

_SHELF, _GROUP, _COLOUR = range(10, 13)


@dataclass(frozen=True)
class Layout:
    """Variants in order of shelf and group. Arrays are indexed by variant unless they say otherwise."""

    group: Ints
    shelf: Ints
    colour: Ints
    """Index in COLOURS, -1 where the goods have none."""
    size: Ints
    """Running number of the size within its group."""
    first: Ints
    """Per group: its first variant; one more at the end."""
    shelf_first: Ints
    """Per shelf: its first variant; one more at the end."""
    friends: Ints
    """Per shelf: the FRIENDS shelves that complement it."""
    matched: Ints
    """Pairs of groups, one pair a row, where a colour of the one calls for the same colour of the other."""

    @property
    def count(self) -> int:
        """How many variants there are."""
        return len(self.group)


def layout_of(settings: GeneratorSettings) -> Layout:
    """The arrangement that the settings ask for."""
    dice = Dice(settings.seed, _GROUP)
    anywhere = dice.below(settings.shelves, settings.groups)
    group_shelf = np.sort(np.concatenate([np.arange(settings.shelves), anywhere])[: settings.groups])
    friends = _friends(settings)
    matched = _matched_groups(settings, group_shelf, friends)
    sizes = _group_sizes(settings, dice, matched)
    first = np.concatenate([[0], np.cumsum(sizes)])
    group = np.repeat(np.arange(settings.groups), sizes)
    shelf = group_shelf[group]
    colour, size = _colours_and_sizes(settings, group, np.arange(len(group)) - first[group], sizes[group], matched)
    shelf_first = np.searchsorted(shelf, np.arange(settings.shelves + 1))
    return Layout(group, shelf, colour, size, first, shelf_first, friends, matched)


def _friends(settings: GeneratorSettings) -> Ints:
    """FRIENDS other shelves for each shelf, at hashed distances round the ring of shelves."""
    own = np.arange(settings.shelves)
    span = (settings.shelves - 1) // FRIENDS
    jumps = [1 + step * span + scaled(mixed(settings.seed, _SHELF, step), span) for step in range(FRIENDS)]
    return np.stack([(own + jump) % settings.shelves for jump in jumps], axis=1)


def _matched_groups(settings: GeneratorSettings, group_shelf: Ints, friends: Ints) -> Ints:
    """Pairs of groups, the second on a shelf that complements the first's; no group twice."""
    used: set[int] = set()
    pairs: list[tuple[int, int]] = []
    for number in range(settings.colour_matches * 4):
        shelf = int(scaled(mixed(settings.seed, _COLOUR, number), settings.shelves)[0])
        here, there = np.flatnonzero(group_shelf == shelf), np.flatnonzero(group_shelf == friends[shelf, 0])
        pair = (int(here[-1]), int(there[-2:][0]))
        if not used & set(pair) and len(pairs) < settings.colour_matches:
            used |= set(pair)
            pairs.append(pair)
    return np.array(pairs, np.int64).reshape(-1, 2)


def _group_sizes(settings: GeneratorSettings, dice: Dice, matched: Ints) -> Ints:
    """Variants per group: one each, the colours of matched groups, and the rest at random."""
    sizes = np.ones(settings.groups, np.int64)
    sizes[matched.ravel()] = MATCHED_COLOURS
    others = np.setdiff1d(np.arange(settings.groups), matched)
    if not settings.look.has_colours:
        others = others[dice.happens(_GROUPS_WITH_VARIANTS, len(others))]
    extra = max(settings.variants - int(sizes.sum()), 0)
    return sizes + np.bincount(others[dice.below(len(others), extra)], minlength=settings.groups)


def _colours_and_sizes(
    settings: GeneratorSettings, group: Ints, place: Ints, group_size: Ints, matched: Ints
) -> tuple[Ints, Ints]:
    """Groups with colours are grids of up to five of them by sizes; the others differ by size only."""
    is_matched = np.isin(group, matched)
    colours = np.where(is_matched, MATCHED_COLOURS, np.clip((group_size + 1) // 2, 1, 5))
    offset = np.where(is_matched, 0, scaled(mixed(settings.seed, _COLOUR, group), len(COLOURS)))
    has_colour = is_matched | settings.look.has_colours
    colour = np.where(has_colour, (offset + place % colours) % len(COLOURS), -1)
    return colour, np.where(has_colour, place // colours, place)
