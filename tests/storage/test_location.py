"""Where tables are: names come from contracts, and what a user types is checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecart.contracts.gold import SHORTLISTS
from sidecart.errors import StorageError
from sidecart.storage.location import PathLocation, SchemaLocation, location_of


def test_a_folder_holds_a_folder_per_layer(tmp_path: Path) -> None:
    place = location_of(str(tmp_path))
    assert isinstance(place, PathLocation)
    assert place.path(SHORTLISTS) == f"{tmp_path}/gold/shortlists"


def test_a_schema_holds_tables_by_name() -> None:
    place = location_of("schema:main.grocery")
    assert isinstance(place, SchemaLocation)
    assert place.name(SHORTLISTS) == "main.grocery.shortlists"


@pytest.mark.parametrize("typed", ["schema:a.b.c", "schema:x;drop", "schema:a`b", "schema:", "schema:a--", "schema:1a"])
def test_a_schema_that_is_no_name_is_refused(typed: str) -> None:
    with pytest.raises(StorageError, match="use schema or"):
        location_of(typed)


@pytest.mark.parametrize("base", ["/data/../etc", "../shop", "/data/..", "a`b", "a;b", "a\nb"])
def test_a_path_that_leaves_its_folder_is_refused(base: str) -> None:
    with pytest.raises(StorageError, match="warehouse path"):
        PathLocation(base)


def test_dots_in_a_name_are_no_way_up() -> None:
    assert PathLocation("/data/shop..2026").base == "/data/shop..2026"
