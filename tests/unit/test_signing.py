"""Which private keys are taken, and what is told of them."""

import hashlib
import json
from base64 import urlsafe_b64encode

import pytest

from inkwell.settings import ConfigurationError, load_settings
from service.signing import private_keys, secret_key
from tests.keys import ED25519_PEM, OTHER_ED25519_PEM, P256_PEM, P256_SEC1_PEM, UNUSABLE


@pytest.mark.parametrize(("pem", "algorithm"), [(ED25519_PEM, "EdDSA"), (P256_PEM, "ES256"), (P256_SEC1_PEM, "ES256")])
def test_the_kind_of_a_key_decides_the_algorithm(pem: str, algorithm: str) -> None:
    assert [key.algorithm for key in private_keys(pem)] == [algorithm]


@pytest.mark.parametrize("pem", [ED25519_PEM, P256_PEM, P256_SEC1_PEM])
def test_line_ends_may_be_written_in_any_way(pem: str) -> None:
    (key,) = private_keys(pem)
    for text in (pem.replace("\n", "\\n"), pem.replace("\n", "\r\n"), pem.strip(), f"\n\n {pem} "):
        assert [same.id for same in private_keys(text)] == [key.id]


def test_several_keys_follow_each_other() -> None:
    together = private_keys(ED25519_PEM + P256_PEM + OTHER_ED25519_PEM)
    alone = [private_keys(pem)[0] for pem in (ED25519_PEM, P256_PEM, OTHER_ED25519_PEM)]
    assert [key.id for key in together] == [key.id for key in alone]
    assert len({key.id for key in together}) == 3


@pytest.mark.parametrize(
    ("pem", "names"), [(ED25519_PEM, {"kty", "crv", "x"}), (P256_PEM, {"kty", "crv", "x", "y"})], ids=["EdDSA", "ES256"]
)
def test_only_the_public_half_of_a_key_is_told(pem: str, names: set[str]) -> None:
    (key,) = private_keys(pem)
    assert key.jwk is not None
    assert key.jwk.keys() == names | {"kid", "alg", "use"}
    assert (key.jwk["kid"], key.jwk["alg"], key.jwk["use"]) == (key.id, key.algorithm, "sig")


@pytest.mark.parametrize("pem", [ED25519_PEM, P256_PEM], ids=["EdDSA", "ES256"])
def test_the_name_of_a_key_is_its_thumbprint(pem: str) -> None:
    """RFC 7638: the members that make the key, in order, without blanks."""
    (key,) = private_keys(pem)
    members = {name: value for name, value in (key.jwk or {}).items() if name in {"crv", "kty", "x", "y"}}
    digest = hashlib.sha256(json.dumps(members, sort_keys=True, separators=(",", ":")).encode()).digest()
    assert key.id == urlsafe_b64encode(digest).decode().rstrip("=")


def test_a_secret_has_no_public_half() -> None:
    assert secret_key(b"k" * 64).jwk is None


def test_a_key_does_not_show_itself() -> None:
    assert "kkkk" not in repr(secret_key(b"k" * 64))
    assert "object at" not in repr(private_keys(ED25519_PEM))


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_key_that_cannot_be_used_is_refused_in_a_sentence_that_does_not_repeat_it(name: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_settings(jwt_secret_key=None, jwt_private_key=UNUSABLE[name])
    assert str(refused.value) == (
        "JWT_PRIVATE_KEY: every key must be an Ed25519 or P-256 private key in PEM, without a password: "
        "openssl genpkey -algorithm ed25519"
    )
    assert refused.value.__cause__ is None


def test_private_keys_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_PRIVATE_KEY", ED25519_PEM.replace("\n", "\\n"))
    settings = load_settings()
    assert [key.algorithm for key in settings.private_keys] == ["EdDSA"]
    assert ED25519_PEM.splitlines()[1] not in repr(settings)


def test_without_private_keys_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_PRIVATE_KEY", "")
    assert load_settings().private_keys == ()


def test_production_needs_a_secret_key_beside_a_private_one() -> None:
    """Refresh tokens are derived from it."""
    with pytest.raises(ConfigurationError, match="ENV=production needs JWT_SECRET_KEY"):
        load_settings(env="production", database_url="postgres://db/x", jwt_secret_key=None, jwt_private_key=P256_PEM)


def test_a_private_key_is_no_secret_key() -> None:
    with pytest.raises(ConfigurationError, match=r"^JWT_SECRET_KEY: a key in PEM belongs into JWT_PRIVATE_KEY"):
        load_settings(jwt_secret_key=ED25519_PEM)
