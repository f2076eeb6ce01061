"""Hashes in werkzeug's format: what fits, what does not, and what is not even tried."""

import hashlib

import pytest
from werkzeug.security import generate_password_hash

from service.foreign_hashes import matches

PASSWORD = "a fine long password \U0001f600é"
METHODS = [
    "scrypt",  # n=32768, r=8, p=1: what werkzeug makes unless told otherwise
    "scrypt:1024:8:1",
    "scrypt:1024:8:4",
    "pbkdf2",  # sha256
    "pbkdf2:sha256:600000",
    "pbkdf2:sha512:1000",
    "pbkdf2:sha1:1000",
]
SCRYPT = (  # of "x", as is the next
    "scrypt:1024:8:1$salt$64420d088206c65bc42b5e7afb641a0e5eb3fe6d277945c66628dbf0ae5e1934"
    "13823893944c5016a8cb97f8053bbaa6f280b25233a40b51efcc8d4f0cc9e700"
)
PBKDF2 = "pbkdf2:sha256:10$salt$b31b6680fed3e12c6f9782ce30afc8a15f0f6b98050c60c24b280f86a20c7074"


@pytest.mark.parametrize("method", METHODS)
def test_the_right_password_matches_and_no_other(method: str) -> None:
    theirs = generate_password_hash(PASSWORD, method)
    assert matches(theirs, PASSWORD)
    assert not any(matches(theirs, wrong) for wrong in ("", PASSWORD.upper(), f"{PASSWORD} ", PASSWORD[:-1]))


def test_hashes_that_were_stored_elsewhere_match() -> None:
    """Test vectors: RFC 7914 section 12 for scrypt, RFC 6070 for PBKDF2 with SHA-1."""
    scrypt = (
        "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
        "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
    )
    assert matches(f"scrypt:1024:8:16$NaCl${scrypt}", "password")
    assert matches("pbkdf2:sha1:4096$salt$4b007901b765489abead49d926f721d065a429c1", "password")


def test_the_hashes_that_are_broken_next_are_whole() -> None:
    assert matches(SCRYPT, "x")
    assert matches(PBKDF2, "x")


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "$",
        "$$",
        "x",
        "scrypt",
        "$2b$12$abcdefghijklmnopqrstuv",
        SCRYPT[:-1],
        SCRYPT[:-2],
        SCRYPT + "00",
        SCRYPT + "\n",
        SCRYPT.replace("scrypt", "SCRYPT"),
        SCRYPT.replace("scrypt", "bcrypt"),
        SCRYPT.replace(":1024:8:1", ""),
        SCRYPT.replace(":1024:8:1", ":1024:8"),
        SCRYPT.replace(":1024:8:1", ":1024:8:1:1"),
        SCRYPT.replace(":1024:8:1", ":1024:8:x"),
        SCRYPT.replace(":1024:8:1", ":1024:-8:-1"),
        SCRYPT.replace(":1024:8:1", ":1:8:1"),
        SCRYPT.replace(":1024:8:1", ":1023:8:1"),
        SCRYPT.rpartition("$")[0],
        SCRYPT.rpartition("$")[0] + "$",
        SCRYPT.rpartition("$")[0] + "$é",
        PBKDF2.replace("sha256", "md5"),
        PBKDF2.replace("sha256", "sha512"),
        PBKDF2.replace("sha256", ""),
        PBKDF2.replace(":10$", "$"),
        PBKDF2.replace(":10$", ":ten$"),
        PBKDF2.replace(":10$", f":{'9' * 5000}$"),
        PBKDF2.replace("$", ""),
        "plain$salt$x",
        "md5$salt$9dd4e461268c8034f5c8564e155c67a6",
    ],
)
def test_a_broken_or_unknown_hash_matches_nothing(broken: str) -> None:
    assert not matches(broken, "x")


def test_a_password_that_is_no_text_matches_nothing() -> None:
    assert not matches(SCRYPT, "\ud800")


@pytest.mark.parametrize(
    "method",
    [
        "scrypt:0:8:1",
        "scrypt:16:0:1",
        "scrypt:16:8:0",
        "scrypt:524288:8:1",  # 512 MiB
        "scrypt:32768:8:16",  # 32 MiB, 16 times
        "scrypt:2:1:2000000",
        f"scrypt:{2**62}:8:1",
        f"scrypt:2:{2**70}:0",
        "pbkdf2:sha256:0",
        "pbkdf2:sha256:10000001",
        f"pbkdf2:sha512:{2**70}",
    ],
)
def test_absurd_parameters_are_refused_without_any_work(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(*_: object, **__: object) -> bytes:
        raise AssertionError

    monkeypatch.setattr(hashlib, "scrypt", work)
    monkeypatch.setattr(hashlib, "pbkdf2_hmac", work)
    assert not matches(f"{method}$salt${'00' * 32}", "x")


def test_the_dearest_parameters_that_are_allowed_are_within_what_openssl_gives() -> None:
    digest = hashlib.scrypt(b"x", salt=b"salt", n=2**18, r=8, p=1, maxmem=2**30).hex()
    assert matches(f"scrypt:262144:8:1$salt${digest}", "x")
