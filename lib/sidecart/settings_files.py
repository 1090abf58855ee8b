"""A shop's settings from its TOML file, over the preset it names, over the defaults; the file names what differs."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import asdict
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import ValidationError

from sidecart.errors import SettingsError
from sidecart.settings import Placement, Settings

_MAX_BYTES = 64 * 1024
_SECTIONS = get_type_hints(Settings)


def presets() -> dict[str, Traversable]:
    """The presets that ship with the package, by name; a wheel on a cluster is read without unpacking."""
    shipped = sorted(resources.files("sidecart_presets").iterdir(), key=lambda file: file.name)
    return {file.name.removesuffix(".toml"): file for file in shipped if file.name.endswith(".toml")}


def load_settings(path: Path | None) -> Settings:
    """The settings of a shop's TOML file over the preset it names (`preset = "grocery"`) over the defaults.

    Raises SettingsError for a file that can't be read, an unknown key (the nearest is named) or a bad value.
    """
    own = _read_toml(path) if path else {}
    name = own.get("preset", "general")
    known = presets()
    if not isinstance(name, str) or name not in known:
        raise SettingsError(f"{path}: unknown preset {name!r}{_nearest(str(name), known)}")
    merged = _merge(_read_toml(known[name]), own)
    merged["preset"] = name
    return settings_from(merged, str(path or f"preset {name}"))


def known_settings(values: dict[str, Any]) -> dict[str, Any]:
    """Of nested values, perhaps of another version's settings, those that this version knows."""
    known = {name: getattr(type_, "__dataclass_fields__", None) for name, type_ in _SECTIONS.items()}
    return {
        name: {key: value for key, value in content.items() if key in fields} if (fields := known[name]) else content
        for name, content in values.items()
        if name in known and (known[name] is None or isinstance(content, dict))
    }


def settings_from(values: dict[str, Any], origin: str = "settings") -> Settings:
    """Settings from nested plain values; `origin` names them in errors."""
    _refuse_unknown(values, origin)
    try:
        return Settings(**{key: _section(key, value) for key, value in values.items()})
    except ValidationError as error:
        raise SettingsError("\n".join(_complaints(error, origin))) from None


def overridden(settings: Settings, values: dict[str, Any], origin: str = "settings") -> Settings:
    """The settings with what `values` says otherwise; raises SettingsError as load_settings does."""
    return settings_from(_merge(asdict(settings), values), origin)


def load_configurations(path: Path, settings: Settings) -> dict[str, Settings]:
    """Settings by name from a TOML file whose every table says what one configuration changes: `[mild.scoring]`.

    Raises SettingsError as load_settings does.
    """
    told = _read_toml(path)
    strange = [name for name, values in told.items() if not isinstance(values, dict)]
    if strange:
        raise SettingsError(f"{path}: {strange[0]!r} is no table; write [{strange[0]}.scoring] and what it changes")
    return {name: overridden(settings, values, f"{path}: {name}") for name, values in told.items()}


def _section(name: str, content: Any) -> Any:
    if name == "placements" and isinstance(content, dict):
        return {key: Placement(**value) if isinstance(value, dict) else value for key, value in content.items()}
    return _SECTIONS[name](**content) if isinstance(content, dict) else content


def _complaints(error: ValidationError, origin: str) -> list[str]:
    return [
        f"{origin}: {error.title}.{'.'.join(map(str, e['loc']))}: {e['msg']} (got {e['input']!r})"
        for e in error.errors()
    ]


def _read_toml(path: Path | Traversable) -> dict[str, Any]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: can't be read ({error.strerror}); give the path of a TOML file") from None
    if len(raw) > _MAX_BYTES:
        raise SettingsError(f"{path}: {len(raw)} bytes; a configuration has at most {_MAX_BYTES}")
    try:
        return tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from None


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _refuse_unknown(values: dict[str, Any], origin: str) -> None:
    for section, content in values.items():
        if section not in _SECTIONS:
            raise SettingsError(f"{origin}: unknown key {section!r}{_nearest(section, _SECTIONS)}")
        if not isinstance(content, dict):
            continue
        if section == "placements":
            for name, placement in content.items():
                _refuse_keys(placement, Placement, f"{section}.{name}", origin)
        else:
            _refuse_keys(content, _SECTIONS[section], section, origin)


def _refuse_keys(content: Any, kind: Any, path: str, origin: str) -> None:
    known = getattr(kind, "__dataclass_fields__", {})
    for key in content if isinstance(content, dict) else ():
        if key not in known:
            raise SettingsError(f"{origin}: unknown key {path}.{key}{_nearest(key, known)}")


def _nearest(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(known))}"
