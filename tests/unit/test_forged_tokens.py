"""What somebody may forge who has seen our tokens and our public keys, against every algorithm that we sign with."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from uuid_utils.compat import uuid7

from domain.errors import TokenExpired, TokenInvalid
from service.signing import SigningKey, private_keys, secret_key
from service.tokens import LONGEST_TOKEN, AccessTokens, Claims, RefreshTokens
from tests.keys import ED25519_PEM, OTHER_ED25519_PEM, P256_PEM

SECRET, OLD_SECRET = b"k" * 64, b"o" * 64
USER, SESSION = uuid7(), uuid7()
LIFETIME = timedelta(minutes=15)
OURS = {"HS256": secret_key(SECRET), "EdDSA": private_keys(ED25519_PEM)[0], "ES256": private_keys(P256_PEM)[0]}
STRANGERS = {name: private_keys(OTHER_ED25519_PEM)[0] for name in OURS} | {"HS256": secret_key(OLD_SECRET)}

Changes = dict[str, Any]


def access_tokens(*keys: SigningKey, secret: bytes = SECRET) -> AccessTokens:
    return AccessTokens(
        [secret],
        private_keys=[key for key in keys if key.jwk],
        issuer="inkwell",
        audience="readers",
        lifetime=LIFETIME,
        now=lambda: datetime.now(UTC),
    )


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signature(key: SigningKey, text: bytes) -> bytes:
    signer = jwt.get_algorithm_by_name(key.algorithm)
    return signer.sign(text, signer.prepare_key(key.signs))


def hs256(secret: bytes) -> Callable[[bytes], bytes]:
    """By hand, because PyJWT does not sign with a secret that looks like a public key."""
    return lambda text: hmac.digest(secret, text, hashlib.sha256)


@dataclass
class Forger:
    """Makes tokens like the real ones of a key, except for what is changed; None leaves something out."""

    key: SigningKey

    def forge(
        self,
        *,
        header: Changes | None = None,
        claims: Changes | None = None,
        sign: Callable[[bytes], bytes] | None = None,
    ) -> str:
        real = access_tokens(self.key).make(USER, SESSION)
        parts = [
            jwt.get_unverified_header(real) | (header or {}),
            jwt.decode(real, options={"verify_signature": False}) | (claims or {}),
        ]
        kept = [{name: value for name, value in part.items() if value is not None} for part in parts]
        text = ".".join(encoded(json.dumps(part).encode()) for part in kept)
        return f"{text}.{encoded(sign(text.encode()) if sign else signature(self.key, text.encode()))}"

    def public_forms(self) -> list[bytes]:
        """The public key, in every form in which it may be mistaken for a secret."""
        assert isinstance(self.key.verifies, Ed25519PublicKey | EllipticCurvePublicKey)
        pem = self.key.verifies.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        der = self.key.verifies.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        jwk = self.key.jwk or {}
        numbers = [base64.urlsafe_b64decode(jwk[name] + "=") for name in ("x", "y") if name in jwk]
        return [pem, pem.strip(), der, json.dumps(jwk).encode(), *numbers]


@pytest.fixture(params=OURS)
def forger(request: pytest.FixtureRequest) -> Forger:
    return Forger(OURS[request.param])


@pytest.fixture
def tokens(forger: Forger) -> AccessTokens:
    return access_tokens(forger.key)


def stranger(forger: Forger) -> SigningKey:
    return STRANGERS[forger.key.algorithm]


NONE = ["none", "None", "NONE", "nOnE", "none ", "", "null"]
OTHER_ALGORITHMS = [
    "HS256",
    "HS384",
    "HS512",
    "RS256",
    "PS256",
    "ES256",
    "ES384",
    "ES256K",
    "EdDSA",
    "Ed25519",
    "eddsa",
]
KIDS = [
    *(
        "",
        "unknown",
        "0",
        "../../../../dev/null",
        "/etc/passwd",
        "file:///dev/null",
        "' or 1=1 --",
        "x' UNION SELECT 'k",
    ),
    *("https://evil.example/jwks.json", "\u0000", "\ud800", "k" * 500, 0, True, [], {}, ["x"], 1.5),
]
HEADERS: list[Changes] = [
    {"crit": ["exp"]},
    {"crit": ["inkwell"], "inkwell": True},
    {"crit": []},
    {"crit": "exp"},
    {"crit": ["b64"], "b64": False},
    {"b64": False},
    {"kid": None},
    {"alg": None},
]
NOW = int(datetime.now(UTC).timestamp())
LATER = 4_000_000_000  # the same whenever tests are collected, since they are named after it
CLAIMS: list[Changes] = [
    *({name: None} for name in ("iss", "aud", "sub", "sid", "typ", "jti", "iat", "exp")),
    *({"iss": issuer} for issuer in ("another", "", "Inkwell", ["inkwell"], 5)),
    *({"aud": audience} for audience in ("another", "", "Readers", [], ["another"], 5)),
    *({"typ": kind} for kind in ("refresh", "", "Access", ["access"], 5)),
    *({"sub": user} for user in ("ada", "", 5, ["x"], "' or 1=1 --")),
    *({"sid": session} for session in ("first", "", 5, ["x"])),
    {"exp": "soon"},
    {"exp": "NaN"},
    {"exp": []},
    {"exp": 10**400},
    {"nbf": LATER},
    {"nbf": "later"},
    {"iat": LATER},
    {"iat": "now"},
    {"jti": 5},
]


def test_a_forged_token_that_differs_in_nothing_is_read(forger: Forger, tokens: AccessTokens) -> None:
    assert tokens.read(forger.forge()) == Claims(USER, SESSION)


@pytest.mark.parametrize("name", NONE)
def test_a_token_that_claims_to_need_no_signature(forger: Forger, tokens: AccessTokens, name: str) -> None:
    unsigned = forger.forge(header={"alg": name}, sign=lambda _: b"")
    for token in (unsigned, unsigned.rstrip("."), forger.forge(header={"alg": name})):
        with pytest.raises(TokenInvalid):
            tokens.read(token)


@pytest.mark.parametrize("name", OTHER_ALGORITHMS)
def test_a_key_is_used_with_its_own_algorithm_alone(forger: Forger, tokens: AccessTokens, name: str) -> None:
    if name == forger.key.algorithm:
        return
    for sign in (None, hs256(SECRET), hs256(OLD_SECRET)):
        with pytest.raises(TokenInvalid):
            tokens.read(forger.forge(header={"alg": name}, sign=sign))


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
@pytest.mark.parametrize("kid", ["its own", "the secret's", None])
def test_a_public_key_is_no_secret(algorithm: str, kid: str | None) -> None:
    forger = Forger(OURS[algorithm])
    names = {"its own": forger.key.id, "the secret's": OURS["HS256"].id}
    for form in forger.public_forms():
        forged = forger.forge(header={"alg": "HS256", "kid": names.get(kid or "")}, sign=hs256(form))
        with pytest.raises(TokenInvalid):
            access_tokens(forger.key).read(forged)


@pytest.mark.parametrize("kid", KIDS)
def test_a_key_that_we_have_not_named_is_not_looked_for(forger: Forger, tokens: AccessTokens, kid: object) -> None:
    with pytest.raises(TokenInvalid):
        tokens.read(forger.forge(header={"kid": kid}))


@pytest.mark.parametrize("other", OURS)
def test_a_token_under_the_name_of_another_of_our_keys(forger: Forger, other: str) -> None:
    if OURS[other] == forger.key:
        return
    everything = access_tokens(*OURS.values())
    for header in ({"kid": OURS[other].id}, {"kid": OURS[other].id, "alg": other}):
        with pytest.raises(TokenInvalid):
            everything.read(forger.forge(header=header))


@pytest.mark.parametrize("named", [True, False])
def test_a_key_that_comes_with_the_token_is_not_believed(forger: Forger, tokens: AccessTokens, named: bool) -> None:
    theirs = stranger(forger)
    url = "https://evil.example/jwks.json"
    for more in ({"jwk": theirs.jwk or {"kty": "oct", "k": encoded(OLD_SECRET)}}, {"jku": url}, {"x5u": url}):
        header = more | {"alg": theirs.algorithm, "kid": forger.key.id if named else theirs.id}
        with pytest.raises(TokenInvalid):
            tokens.read(forger.forge(header=header, sign=lambda text: signature(theirs, text)))


@pytest.mark.parametrize("header", HEADERS, ids=str)
def test_a_header_that_we_do_not_understand(forger: Forger, tokens: AccessTokens, header: Changes) -> None:
    with pytest.raises(TokenInvalid):
        tokens.read(forger.forge(header=header))


@pytest.mark.parametrize("claims", CLAIMS, ids=str)
def test_a_claim_that_is_wrong_or_missing(forger: Forger, tokens: AccessTokens, claims: Changes) -> None:
    with pytest.raises(TokenInvalid):
        tokens.read(forger.forge(claims=claims))


def test_an_expired_token_is_expired_if_it_is_ours(forger: Forger, tokens: AccessTokens) -> None:
    with pytest.raises(TokenExpired):
        tokens.read(forger.forge(claims={"exp": NOW - 60}))
    with pytest.raises(TokenInvalid):
        tokens.read(forger.forge(claims={"exp": NOW - 60}, sign=lambda text: signature(stranger(forger), text)))


@pytest.mark.parametrize("change", ["{}=", "{}==", "={}", " {}", "{} ", "{}\n", "{}.", "{}A", "A{}"])
def test_one_token_has_one_spelling(forger: Forger, tokens: AccessTokens, change: str) -> None:
    with pytest.raises(TokenInvalid):
        tokens.read(change.format(forger.forge()))


def test_no_token_is_longer_than_the_longest(forger: Forger, tokens: AccessTokens) -> None:
    long = forger.forge(claims={"more": "x" * LONGEST_TOKEN})
    assert len(long) > LONGEST_TOKEN
    with pytest.raises(TokenInvalid):
        tokens.read(long)


@pytest.mark.parametrize("raw", [b"", b"\x00", b"\x00" * 64, b"\xff" * 64, b"\x00" * 63, b"\x00" * 65, b"\x30" * 70])
def test_a_signature_that_is_none(forger: Forger, tokens: AccessTokens, raw: bytes) -> None:
    """All zeros were good for every text in some libraries (CVE-2022-21449)."""
    with pytest.raises(TokenInvalid):
        tokens.read(forger.forge(sign=lambda _: raw))


def test_a_refresh_token_is_no_access_token(tokens: AccessTokens) -> None:
    with pytest.raises(TokenInvalid):
        tokens.read(RefreshTokens([SECRET]).make(SESSION, 0))


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
def test_what_was_signed_before_private_keys_came_is_still_read(algorithm: str) -> None:
    before, after = access_tokens(), access_tokens(OURS[algorithm])
    assert after.read(before.make(USER, SESSION)) == Claims(USER, SESSION)
    assert jwt.get_unverified_header(after.make(USER, SESSION))["alg"] == algorithm
    with pytest.raises(TokenInvalid):
        before.read(after.make(USER, SESSION))


def test_after_a_rotation_the_new_private_key_signs_and_the_old_one_still_verifies() -> None:
    old, rotated, new = (access_tokens(*private_keys(pem)) for pem in (P256_PEM, ED25519_PEM + P256_PEM, ED25519_PEM))
    assert rotated.read(old.make(USER, SESSION)) == Claims(USER, SESSION)
    assert new.read(rotated.make(USER, SESSION)) == Claims(USER, SESSION)
    with pytest.raises(TokenInvalid):
        new.read(old.make(USER, SESSION))


def test_public_keys_are_those_of_the_private_ones_alone() -> None:
    assert access_tokens().public_keys() == []
    assert access_tokens(*OURS.values()).public_keys() == [OURS["EdDSA"].jwk, OURS["ES256"].jwk]
