"""Password hashes in werkzeug's format, which users of a Flask application bring along: read here, never made."""

import hashlib
import hmac
import re

_FORMAT = re.compile(r"([a-z0-9:]+)\$([^$]+)\$([0-9a-f]+)")

# One thread checks everybody's password, so a stored hash must not keep it for long, or take much memory.
_MOST_SCRYPT_BYTES = 256 * 1024 * 1024  # eight times what werkzeug asks for (n=32768, r=8, p=1: 32 MiB)
_MOST_PBKDF2_ROUNDS = 10_000_000  # ten times what werkzeug asks for since 3.1


def matches(password_hash: str, password: str) -> bool:
    """Whether the password is the hash's; no for any other format, and for a hash that costs more than we allow."""
    found = _FORMAT.fullmatch(password_hash)
    try:
        return found is not None and hmac.compare_digest(_digest(found[1], found[2], password), found[3])
    except ValueError:  # parameters out of range, or a password that is no Unicode text
        return False


def _digest(method: str, salt: str, password: str) -> str:
    match method.split(":"):
        case ["scrypt", n, r, p]:
            return _scrypt(password.encode(), salt.encode(), int(n), int(r), int(p)).hex()
        case ["pbkdf2", "sha1" | "sha256" | "sha512" as name, rounds]:
            return _pbkdf2(name, password.encode(), salt.encode(), int(rounds)).hex()
    raise ValueError(method)


def _scrypt(password: bytes, salt: bytes, n: int, r: int, p: int) -> bytes:
    if not 0 < 128 * n * r * p <= _MOST_SCRYPT_BYTES:  # RFC 7914: 128 * n * r bytes for each of p, one after the other
        raise ValueError(n, r, p)
    # OpenSSL counts some small buffers too, hence the double.
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=2 * _MOST_SCRYPT_BYTES)


def _pbkdf2(name: str, password: bytes, salt: bytes, rounds: int) -> bytes:
    if not 0 < rounds <= _MOST_PBKDF2_ROUNDS:
        raise ValueError(rounds)
    return hashlib.pbkdf2_hmac(name, password, salt, rounds)
