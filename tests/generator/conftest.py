"""Generated shops, written once per session."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecart.generator import Planted, small, tiny, write_shop


@pytest.fixture(scope="session")
def small_grocery(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Planted]:
    landing = tmp_path_factory.mktemp("small-grocery")
    return landing, write_shop(landing, small())


@pytest.fixture(scope="session")
def small_fashion(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Planted]:
    landing = tmp_path_factory.mktemp("small-fashion")
    return landing, write_shop(landing, small("fashion"))


@pytest.fixture(scope="session")
def tiny_shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Planted]:
    landing = tmp_path_factory.mktemp("tiny")
    return landing, write_shop(landing, tiny())
