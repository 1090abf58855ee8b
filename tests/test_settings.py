"""Settings: what a shop's file may say, and what it hears when it says something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecart.errors import SettingsError
from sidecart.settings import Settings
from sidecart.settings_files import known_settings, load_settings, presets, settings_from


def _loaded(folder: Path, text: str) -> Settings:
    file = folder / "shop.toml"
    file.write_text(text, encoding="utf-8")
    return load_settings(file)


def test_without_a_file_the_general_preset_holds() -> None:
    settings = load_settings(None)
    assert (settings.preset, settings.scoring.profile, settings.lists.root_depth) == ("general", "standard", 400)


@pytest.mark.parametrize("name", sorted(presets()))
def test_every_preset_that_ships_can_be_loaded(tmp_path: Path, name: str) -> None:
    assert _loaded(tmp_path, f'preset = "{name}"').preset == name


def test_a_shop_says_only_what_differs_from_its_preset(tmp_path: Path) -> None:
    settings = _loaded(tmp_path, 'preset = "electronics"\n[lists]\nregion_depth = 20\n')
    assert (settings.lists.region_depth, settings.lists.own_category_level) == (20, 2)
    assert settings.scoring.profile == "rich"


@pytest.mark.parametrize(("profile", "share"), [("rich", 0.715), ("standard", 0.48), ("banana", 0.20)])
def test_a_profile_stands_for_the_share_of_lists_that_may_hold_a_best_seller(profile: str, share: float) -> None:
    assert settings_from({"scoring": {"profile": profile}}).scoring.wish.bestseller_share == share


def test_a_shop_may_wish_for_another_share_or_name_the_exponent_itself() -> None:
    wished = settings_from({"scoring": {"profile": "banana", "bestseller_share": 0.3, "damping_rounds": 2}}).scoring
    assert (wished.wish.bestseller_share, wished.wish.damping_rounds, wished.wish.damping_strength) == (0.3, 2, 0.3)
    assert settings_from({"scoring": {"popularity_exponent": 0.0}}).scoring.is_exponent_set


def test_without_a_limit_of_exposure_nothing_is_damped() -> None:
    assert settings_from({"scoring": {"exposure_limit": 0.0}}).scoring.wish.damping_rounds == 0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[scorings]\n", "unknown key 'scorings'; did you mean 'scoring'?"),
        ("[lists]\nroot_dept = 3\n", "unknown key lists.root_dept; did you mean 'root_depth'?"),
        ('preset = "grocry"\n', "unknown preset 'grocry'; did you mean 'grocery'?"),
        ('[shop]\ntimezone = "Europe/Olso"\n', "unknown time zone 'Europe/Olso', did you mean 'Europe/Oslo'?"),
    ],
)
def test_an_unknown_name_is_an_error_that_names_the_nearest(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(SettingsError) as refused:
        _loaded(tmp_path, text)
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[baskets]\nextreme_buyer_share = -0.1\n", "extreme_buyer_share"),
        ("[baskets]\nextreme_buyer_share = nan\n", "extreme_buyer_share"),
        ("[baskets]\nmax_basket_variants = 1\n", "max_basket_variants"),
        ('[baskets]\nmax_basket_variants = "100"\n', "max_basket_variants"),
        ("[ingest]\ndecimal_comma = 1\n", "decimal_comma"),
        ('[ingest]\ndecimal_comma = "yes"\n', "decimal_comma"),
        ("[lists]\nroot_depth = 0\n", "root_depth"),
        ("[lists]\nown_category_level = true\n", "own_category_level"),
        ('[lists]\nown_category_level = "all"\n', "own_category_level"),
        ("[compatibility]\ngate_constant = inf\n", "gate_constant"),
        ("[regions]\nprior_support = 0\n", "prior_support"),
        ('[scoring]\nprofile = "poor"\n', "profile"),
        ('[scoring]\nsupport_unit = "orders"\n', "support_unit"),
        ('[shop]\nshop_id = "../etc"\n', "shop_id"),
        ("lists = 3\n", "lists"),
    ],
)
def test_a_value_that_makes_no_sense_is_an_error_that_names_its_key(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(SettingsError) as refused:
        _loaded(tmp_path, text)
    assert key in str(refused.value)


def test_a_key_said_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not valid TOML"):
        _loaded(tmp_path, "[lists]\nroot_depth = 3\nroot_depth = 4\n")


def test_a_configuration_of_a_megabyte_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="has at most 65536"):
        _loaded(tmp_path, "#" * 1_000_000)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.toml: can't be read"):
        load_settings(tmp_path / "absent.toml")


def test_a_secret_in_the_configuration_is_an_unknown_key() -> None:
    with pytest.raises(SettingsError, match=r"unknown key shop\.password"):
        settings_from({"shop": {"password": "x"}})


def test_the_digest_changes_with_the_settings_and_only_with_them(tmp_path: Path) -> None:
    deep = _loaded(tmp_path, "[lists]\nroot_depth = 7\nregion_depth = 5\n")
    same = _loaded(tmp_path, "[lists] # another text\nregion_depth = 5\nroot_depth = 7\n")
    other = _loaded(tmp_path, "[lists]\nroot_depth = 8\nregion_depth = 5\n")
    assert deep.digest() == same.digest() != other.digest()


def test_a_shop_names_its_placements_and_what_evidence_each_asks(tmp_path: Path) -> None:
    placements = _loaded(tmp_path, '[placements.newsletter]\nevidence = "likely"\nshown = 4\n').placements
    assert {name: (p.evidence, p.shown) for name, p in placements.items()} == {"newsletter": ("likely", 4)}


def test_an_unknown_key_of_a_placement_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"placements\.basket\.evidense; did you mean 'evidence'"):
        _loaded(tmp_path, '[placements.basket]\nevidense = "likely"\n')


def test_settings_of_another_version_keep_what_this_one_knows() -> None:
    told = {"scoring": {"profile": "rich", "gone": 1}, "lost": {}, "preset": "grocery", "diversity": {"factor": 0.9}}
    known = known_settings(told)
    assert known == {"scoring": {"profile": "rich"}, "preset": "grocery", "diversity": {"factor": 0.9}}
