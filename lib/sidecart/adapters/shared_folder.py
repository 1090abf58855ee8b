"""Where the data sets lie that are not part of a package."""

from __future__ import annotations

import os
from pathlib import Path

from sidecart.errors import InputError

VARIABLE = "SIDECART_DATA"


def data_set(name: str, source: Path | None) -> Path:
    """The folder of a data set: `source`, or the folder `name` below SIDECART_DATA; InputError where neither is."""
    if source is not None:
        return source
    folder = os.environ.get(VARIABLE)
    if not folder:
        raise InputError(
            "INPUT_MISSING", f"nobody says where {name} lies; give its folder, or name the one above in {VARIABLE}"
        )
    return Path(folder) / name
