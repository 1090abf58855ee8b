"""Buyers and visits as keyed hashes: the identifiers themselves never reach a table, a plan or a log."""

from __future__ import annotations

import hmac
import logging
import os
import re
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from sidecart.errors import InputError

_LOG = logging.getLogger("sidecart.run")

KEY_VARIABLE = "SIDECART_BUYER_KEY"
KEY_FILE_VARIABLE = "SIDECART_BUYER_KEY_FILE"
HASHED_COLUMNS = ("buyer_id", "session_id")
MASK = "***"
_MIN_KEY_BYTES = 16
_HASH_LENGTH = 32
_PERSONAL = re.compile(
    r"[^@\s]+@[^@\s]+\.[^@\s]+"  # an e-mail address
    r"|\+[\d\s().-]{7,24}\d"  # a telephone number with its country
    r"|\(?0\d{1,4}\)?[\s/-]\d[\d\s-]{4,}"  # or with its area
    r"|\(?\d{3}\)?[\s.-]\d{3}[\s.-]\d{4}"
)


@dataclass(frozen=True)
class BuyerKey:
    """The secret of the hashes; it is kept out of `repr`, so that no log or error shows it."""

    secret: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        """Names the key without telling it: runs record it, so that a lost or changed key is noticed."""
        return hmac.digest(self.secret, b"sidecart buyer key", "sha256").hex()[:12]

    def hash(self, identifier: str) -> str:
        """HMAC-SHA-256 of the identifier, the first 32 hexadecimal digits."""
        return hmac.digest(self.secret, identifier.encode("utf-8"), "sha256").hex()[:_HASH_LENGTH]


def find_buyer_key(file: Path | None = None, environment: Mapping[str, str] | None = None) -> BuyerKey:
    """The key from `file`, else from SIDECART_BUYER_KEY, else from the file that SIDECART_BUYER_KEY_FILE names.

    Raises InputError where there is none, it is short, or others can read the file.
    """
    variables = os.environ if environment is None else environment
    if file is None and variables.get(KEY_VARIABLE):
        return _checked(variables[KEY_VARIABLE].encode("utf-8"), KEY_VARIABLE)
    if file is None and variables.get(KEY_FILE_VARIABLE):
        file = Path(variables[KEY_FILE_VARIABLE])
    if file is None:
        raise InputError(
            "BUYER_KEY_MISSING",
            f"buyers are hashed with a key and there is none; set {KEY_VARIABLE}, or {KEY_FILE_VARIABLE} to a file"
            " that only you can read, and keep it: another key makes every buyer a new one",
        )
    return _from_file(file)


def shop_buyer_key(shop_id: str, environment: Mapping[str, str] | None = None) -> BuyerKey:
    """The key from the environment; else the shop's own, made on its first run under the user's configuration.

    The file is `sidecart/SHOP.key` in XDG_CONFIG_HOME (~/.config), never in the warehouse.
    """
    variables = os.environ if environment is None else environment
    if variables.get(KEY_VARIABLE) or variables.get(KEY_FILE_VARIABLE):
        return find_buyer_key(environment=variables)
    home = variables.get("XDG_CONFIG_HOME")
    file = (Path(home) if home else Path.home() / ".config") / "sidecart" / f"{shop_id}.key"
    if not file.exists():
        _LOG.warning(
            "made a key that hashes this shop's buyers: keep %s, the history can't be extended without it", file
        )
    return make_buyer_key(file)


def make_buyer_key(file: Path) -> BuyerKey:
    """The key in `file`, which is made with a random one (mode 0600) where it is missing."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(32) + "\n")
    return _from_file(file)


def _from_file(file: Path) -> BuyerKey:
    try:
        mode = file.stat().st_mode
        content = file.read_bytes().strip()
    except OSError as error:
        raise InputError("BUYER_KEY_MISSING", f"{file}: can't be read ({error.strerror}); make it, mode 0600") from None
    if stat.S_IMODE(mode) & 0o077:
        raise InputError("BUYER_KEY_EXPOSED", f"{file}: others can read the buyer key; run chmod 600 on it")
    return _checked(content, str(file))


def _checked(secret: bytes, origin: str) -> BuyerKey:
    if len(secret) < _MIN_KEY_BYTES:
        raise InputError(
            "BUYER_KEY_SHORT", f"{origin}: a buyer key has at least {_MIN_KEY_BYTES} bytes; make a random one"
        )
    return BuyerKey(secret)


def hashed(identifiers: pa.Array, key: BuyerKey) -> pa.Array:
    """Each identifier's keyed hash, null for null; every distinct one is hashed once per batch."""
    encoded = identifiers.dictionary_encode()
    hashes = pa.array([None if i is None else key.hash(i) for i in encoded.dictionary.to_pylist()], pa.string())
    return hashes.take(encoded.indices)


def is_personal(identifiers: pa.Array) -> pa.Array:
    """Whether each identifier looks like an e-mail address or a telephone number."""
    encoded = identifiers.dictionary_encode()
    found = [i is not None and _PERSONAL.fullmatch(i) is not None for i in encoded.dictionary.to_pylist()]
    return pa.array(found, pa.bool_()).take(encoded.indices).fill_null(False)
