"""The keys that sign tokens, as the settings give them, and the one that development makes for itself."""

import contextlib
import os
import re
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, SecretStr

if TYPE_CHECKING:
    from service.signing import SigningKey

SHORTEST_SECRET_BYTES = 32  # RFC 7518, 3.2: an HS256 key is at least as long as the hash
GUESSABLE = re.compile(
    r"secret|change|me|password|example|inkwell|12345678|your|key|please|now|super|jwt|token|default|dev|test|this|in|to"
    r"|production|insecure|not|safe|[\W_]"
)


def parts(keys: SecretStr) -> list[str]:
    """The keys of `new,old`."""
    return [part.strip() for part in keys.get_secret_value().split(",")]


def private_keys(pem: SecretStr) -> "tuple[SigningKey, ...]":
    """The keys in the PEM text. Raises ValueError with a sentence for the operator."""
    from service.signing import private_keys  # here, so that commands start sooner where there is no such key

    return private_keys(pem.get_secret_value())


def kept_secret(path: Path) -> str:
    """The secret in the file, made and written there by whoever asks first.

    Raises ValueError with a sentence for the operator where the file cannot be used.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write_once(path, secrets.token_hex(32))
        secret = path.read_text().strip()
    except OSError as error:
        raise ValueError(f"{path.parent} cannot be used ({error.strerror}); choose another folder") from None
    if len(secret) < SHORTEST_SECRET_BYTES:
        raise ValueError(f"{path} is damaged; delete it, and a new key is made (everybody signs in anew)")
    return secret


def _check_secret_keys(keys: SecretStr) -> SecretStr:
    for part in parts(keys):
        if len(part.encode()) < SHORTEST_SECRET_BYTES:
            raise ValueError(f"a key of at least {SHORTEST_SECRET_BYTES} bytes is needed: openssl rand -hex 32")
        if _is_guessable(part):
            raise ValueError("this key is well known or can be guessed; make one with: openssl rand -hex 32")
        if "-----BEGIN" in part:
            raise ValueError("a key in PEM belongs into JWT_PRIVATE_KEY; here it takes: openssl rand -hex 32")
    return keys


def _check_private_keys(pem: SecretStr) -> SecretStr:
    private_keys(pem)
    return pem


def _is_guessable(key: str) -> bool:
    left = GUESSABLE.sub("", key.lower())
    return len(set(key)) < 8 or len(left) < SHORTEST_SECRET_BYTES // 2


def _write_once(path: Path, text: str) -> None:
    """Whoever comes first writes it, and nobody reads half of it: it is linked into place when it is whole."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent) as file:
        file.write(text)
        file.flush()
        with contextlib.suppress(FileExistsError):
            os.link(file.name, path)


SecretKeys = Annotated[SecretStr, AfterValidator(_check_secret_keys)]
PrivateKeys = Annotated[SecretStr, AfterValidator(_check_private_keys)]
