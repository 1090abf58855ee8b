"""scipy: the sparse product of variants by baskets with its own transpose; one thread, as scipy has no more."""

from __future__ import annotations

import numpy as np

from matrices import baskets_by_variants, write_lists, write_pairs
from told import told


def main() -> None:
    given = told()
    held, variants = baskets_by_variants(given.lines, np.int32)
    met = held.T.tocsr() @ held
    write_pairs(met, variants, given.out)
    write_lists(met, variants, given.out)


main()
