"""What an anchor met, while it is counted and as a row holds it: counters, and groups of candidates of equal counts.

Counters stand in a dense array over variants, with a bit for each variant that has any, so that emptying them costs
what was met and not what there is. Rows hold groups: most buyers first, then most baskets, candidates ascending, so
that equal counts are equal rows (docs/decisions/0011).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sidecart.compiled import Ints, compiled

LIST = pa.list_(pa.int32())
MET = pa.list_(pa.struct([("pair_buyers", pa.int32()), ("pair_baskets", pa.int32()), ("candidates", LIST)]))

_ONE, _NONE = np.uint64(1), np.uint64(0)
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
"""Times a power of two it has other highest six bits for each, so they say which power it is."""
_PLACES = np.zeros(64, dtype=np.int64)
for _power in range(64):
    _PLACES[((int(_DE_BRUIJN) << _power) % 2**64) >> 58] = _power


@compiled
def no_marks(variants: int) -> Ints:
    """Marks of so many variants: a bit per variant, and one per 64 of them."""
    return np.zeros((2, variants // 64 + 1), np.uint64)


@compiled
def mark(marks: Ints, candidate: int) -> None:
    """Say that a candidate has counters."""
    marks[0, candidate >> 6] |= _ONE << np.uint64(candidate & 63)
    marks[1, candidate >> 12] |= _ONE << np.uint64((candidate >> 6) & 63)


@compiled
def emptied(own: int, held: Ints, marks: Ints, met: Ints) -> int:
    """Put what is marked into `met` (candidates ascending, buyers, baskets) and forget it; how many. Neither the anchor
    itself nor a candidate whose counts came to nothing is put there.

    `held`: per variant baskets and buyers, both 0 afterwards.
    """
    filled = 0
    # An anchor of few candidates among millions of variants would otherwise look through all their words.
    for page in range(len(marks[0]) // 64 + 1):
        words = marks[1, page]
        while words != _NONE:
            place = (page << 6) + _lowest(words)
            words &= words - _ONE
            word = marks[0, place]
            marks[0, place] = _NONE
            while word != _NONE:
                candidate = (place << 6) + _lowest(word)
                word &= word - _ONE
                if candidate != own and (held[candidate, 0] != 0 or held[candidate, 1] != 0):
                    met[0, filled] = candidate
                    met[1, filled] = held[candidate, 1]
                    met[2, filled] = held[candidate, 0]
                    filled += 1
                held[candidate, 0] = 0
                held[candidate, 1] = 0
        marks[1, page] = _NONE
    return filled


@compiled
def grouped(met: Ints, count: int, filled: int, candidates: Ints, begun: int, groups: Ints) -> int:
    """Put `count` candidates behind the first `filled`, in groups of equal counts; how many groups there are then.

    `groups`: buyers, baskets and where each ends among `candidates`, of which `begun` are there already.
    """
    singles = 0
    for place in range(count):
        singles += met[1, place] == 1 and met[2, place] == 1
    counts, places = np.empty(count - singles, np.int64), np.empty(count - singles, np.int32)
    last, of_one = np.int64(0), -((np.int64(1) << 32) + 1)
    end, group = 0, begun
    for place in range(count):
        if met[1, place] != 1 or met[2, place] != 1:
            counts[end] = -((np.int64(met[1, place]) << 32) + met[2, place])
            places[end] = place
            end += 1
    # Pairs of one buyer and one basket, most of all, need no sorting; where counts are signed others come after them.
    has_singles = singles > 0
    for nth in np.argsort(counts, kind="mergesort"):
        if has_singles and counts[nth] > of_one:
            filled = _put_singles(met, count, filled, candidates)
            groups[0, group], groups[1, group], groups[2, group] = 1, 1, filled
            group += 1
            has_singles = False
        place = places[nth]
        if counts[nth] != last:
            last = counts[nth]
            groups[0, group], groups[1, group] = met[1, place], met[2, place]
            group += 1
        candidates[filled] = met[0, place]
        filled += 1
        groups[2, group - 1] = filled
    if has_singles:
        groups[0, group], groups[1, group] = 1, 1
        groups[2, group] = _put_singles(met, count, filled, candidates)
        group += 1
    return group


def met_array(row_ends: Ints, groups: Ints, candidates: Ints) -> pa.Array:
    """Rows of MET: where each row's groups end, the groups (buyers, baskets, where it ends), all their candidates."""
    buyers, baskets, ends = groups[:, : int(row_ends[-1]) if len(row_ends) else 0]
    in_groups = pa.ListArray.from_arrays(_offsets(ends), pa.array(candidates))
    counts = [pa.array(buyers), pa.array(baskets)]
    return pa.ListArray.from_arrays(
        _offsets(row_ends), pa.StructArray.from_arrays([*counts, in_groups], fields=list(MET.value_type))
    )


@compiled
def _put_singles(met: Ints, count: int, filled: int, candidates: Ints) -> int:
    """Put those of one buyer and one basket behind the first `filled`; how many there are then."""
    for place in range(count):
        if met[1, place] == 1 and met[2, place] == 1:
            candidates[filled] = met[0, place]
            filled += 1
    return filled


@compiled
def _lowest(word: int) -> int:
    """The place of a word's lowest bit."""
    place: int = _PLACES[((word & (~word + _ONE)) * _DE_BRUIJN) >> np.uint64(58)]
    return place


def _offsets(ends: Ints) -> pa.Array:
    return pa.array(np.append(0, ends).astype(np.int32))
