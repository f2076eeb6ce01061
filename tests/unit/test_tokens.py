"""Which tokens are made, and which are believed."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from uuid_utils.compat import uuid7

from domain.errors import TokenExpired, TokenInvalid
from service.tokens import LONGEST_TOKEN, AccessTokens, Claims, RefreshTokens

KEY, OLD_KEY, STRANGERS_KEY = (letter.encode() * 64 for letter in "kos")
USER, SESSION = uuid7(), uuid7()
LIFETIME = timedelta(minutes=15)

Forge = Callable[..., str]


def access_tokens(*keys: bytes, age: timedelta = timedelta(0), issuer: str = "inkwell") -> AccessTokens:
    """Tokens of these keys, made as long ago as `age`."""
    made_at = datetime.now(UTC) - age
    return AccessTokens(keys or (KEY,), issuer=issuer, audience="readers", lifetime=LIFETIME, now=lambda: made_at)


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


@pytest.fixture
def tokens() -> AccessTokens:
    return access_tokens()


@pytest.fixture
def token(tokens: AccessTokens) -> str:
    return tokens.make(USER, SESSION)


@pytest.fixture
def forge(token: str) -> Forge:
    """Makes a token like a real one except for these claims (None leaves one out), header fields, key or algorithm."""

    def make(
        *, key: bytes = KEY, algorithm: str = "HS256", header: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        claims = {name: value for name, value in (claims_of(token) | changes).items() if value is not None}
        headers = jwt.get_unverified_header(token) | {"alg": algorithm} | (header or {})
        unsigned = f"{part(headers)}.{part(claims)}"
        signer = jwt.get_algorithm_by_name(algorithm)
        signature = signer.sign(unsigned.encode(), signer.prepare_key(key if algorithm != "none" else None))
        return f"{unsigned}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"

    return make


def test_a_token_names_the_user_and_the_session(tokens: AccessTokens, token: str) -> None:
    assert tokens.read(token) == Claims(USER, SESSION)


def test_a_token_has_the_claims_of_the_contract(token: str) -> None:
    claims = claims_of(token)
    assert set(claims) == {"iss", "aud", "sub", "sid", "typ", "jti", "iat", "exp"}
    assert (claims["iss"], claims["aud"], claims["typ"]) == ("inkwell", "readers", "access")
    assert (claims["sub"], claims["sid"]) == (str(USER), str(SESSION))
    assert claims["exp"] - claims["iat"] == LIFETIME.total_seconds()
    assert set(jwt.get_unverified_header(token)) == {"alg", "kid", "typ"}


def test_the_lifetime_is_told_in_seconds(tokens: AccessTokens) -> None:
    assert tokens.lifetime_s == 900


def test_no_two_tokens_are_the_same(tokens: AccessTokens, token: str) -> None:
    assert claims_of(tokens.make(USER, SESSION))["jti"] != claims_of(token)["jti"]


def test_the_name_of_a_key_does_not_tell_the_key(token: str) -> None:
    kid = jwt.get_unverified_header(token)["kid"]
    assert kid == jwt.get_unverified_header(access_tokens(KEY).make(USER, SESSION))["kid"]
    assert kid != jwt.get_unverified_header(access_tokens(OLD_KEY).make(USER, SESSION))["kid"]
    assert kid.encode() not in (KEY[:16], KEY.hex()[:16].encode())


def test_a_forged_token_that_differs_in_nothing_is_read(tokens: AccessTokens, forge: Forge) -> None:
    assert tokens.read(forge()) == Claims(USER, SESSION)


def test_another_key_under_the_same_name_is_not_believed(tokens: AccessTokens, forge: Forge) -> None:
    with pytest.raises(TokenInvalid):
        tokens.read(forge(key=STRANGERS_KEY))


@pytest.mark.parametrize("algorithm", ["none", "HS384", "HS512"])
def test_another_algorithm_is_not_believed(tokens: AccessTokens, forge: Forge, algorithm: str) -> None:
    with pytest.raises(TokenInvalid):
        tokens.read(forge(algorithm=algorithm))


@pytest.mark.parametrize("algorithm", ["none", "None", "HS512", "RS256", "hs256", "", None, 256])
def test_another_name_for_the_algorithm_is_not_believed(tokens: AccessTokens, forge: Forge, algorithm: object) -> None:
    with pytest.raises(TokenInvalid):
        tokens.read(forge(header={"alg": algorithm}))


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "sid", "typ", "jti", "iat", "exp"])
def test_a_token_without_one_of_its_claims_is_invalid(tokens: AccessTokens, forge: Forge, name: str) -> None:
    with pytest.raises(TokenInvalid):
        tokens.read(forge(**{name: None}))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "another"},
        {"iss": 5},
        {"aud": "another"},
        {"aud": 5},
        {"typ": "refresh"},
        {"typ": ""},
        {"typ": ["access"]},
        {"sub": "ada"},
        {"sub": 5},
        {"sid": "first"},
        {"sid": 5},
        {"sid": [str(SESSION)]},
        {"exp": "soon"},
        {"iat": "now"},
        {"iat": 2**33},
        {"nbf": 2**33},
    ],
)
def test_a_token_with_a_wrong_claim_is_invalid(tokens: AccessTokens, forge: Forge, changes: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalid):
        tokens.read(forge(**changes))


def test_a_token_of_another_issuer_with_the_same_key_is_invalid(tokens: AccessTokens) -> None:
    with pytest.raises(TokenInvalid):
        tokens.read(access_tokens(issuer="another").make(USER, SESSION))


def test_a_token_is_read_until_the_leeway_has_passed(tokens: AccessTokens) -> None:
    just_expired = access_tokens(age=LIFETIME + timedelta(seconds=5)).make(USER, SESSION)
    assert tokens.read(just_expired) == Claims(USER, SESSION)


def test_a_token_that_expired_before_the_leeway_is_expired(tokens: AccessTokens) -> None:
    with pytest.raises(TokenExpired):
        tokens.read(access_tokens(age=LIFETIME + timedelta(seconds=12)).make(USER, SESSION))


def test_an_expired_token_of_a_stranger_is_invalid_and_not_expired(tokens: AccessTokens, forge: Forge) -> None:
    with pytest.raises(TokenInvalid):
        tokens.read(forge(key=STRANGERS_KEY, exp=1))


def test_the_clock_of_another_node_may_be_ahead_within_the_leeway(tokens: AccessTokens) -> None:
    assert tokens.read(access_tokens(age=timedelta(seconds=-5)).make(USER, SESSION)) == Claims(USER, SESSION)
    with pytest.raises(TokenInvalid):
        tokens.read(access_tokens(age=timedelta(seconds=-15)).make(USER, SESSION))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "..",
        "é.é.é",
        "\ud800.a.a",
        f"{part([])}.{part({})}.c2ln",
        f"{part('HS256')}.{part({})}.c2ln",
        f"{part(None)}.{part({})}.c2ln",
        f"{part({})}.{part({})}.c2ln",
        f"{part({'alg': 'HS256'})}.{part({})}.c2ln",
        "_w.e30.c2ln",
        "W1tb" * 1000 + ".e30.c2ln",
    ],
)
def test_what_is_no_token_is_invalid(tokens: AccessTokens, text: str) -> None:
    with pytest.raises(TokenInvalid):
        tokens.read(text)


@pytest.mark.parametrize("change", ["{}=", "{}==", "={}", " {}", "{} ", "{}\n", "{}.", "{}A", "A{}"])
def test_one_token_has_one_spelling(tokens: AccessTokens, token: str, change: str) -> None:
    with pytest.raises(TokenInvalid):
        tokens.read(change.format(token))


def test_padding_inside_a_token_is_not_believed(tokens: AccessTokens, token: str) -> None:
    header, claims, signature = token.split(".")
    for padded in (f"{header}=.{claims}.{signature}", f"{header}.{claims}=.{signature}"):
        with pytest.raises(TokenInvalid):
            tokens.read(padded)


def test_no_token_is_longer_than_the_longest(tokens: AccessTokens, forge: Forge) -> None:
    def token_with(padding: int) -> str:
        return forge(more="x" * padding)

    padding = next(size for size in range(4096) if len(token_with(size)) > LONGEST_TOKEN)
    assert tokens.read(token_with(padding - 1)) == Claims(USER, SESSION)
    with pytest.raises(TokenInvalid):
        tokens.read(token_with(padding))


@pytest.mark.parametrize(
    "kid",
    ["", "unknown", "0", 0, 5, None, True, [], ["x"], {}, "../../etc/passwd", "/dev/null", "' or 1=1 --", "\ud800"],
)
def test_a_key_that_we_have_not_named_is_not_looked_for(tokens: AccessTokens, forge: Forge, kid: object) -> None:
    with pytest.raises(TokenInvalid):
        tokens.read(forge(header={"kid": kid}))


def test_after_a_rotation_the_new_key_signs_and_the_old_one_still_verifies() -> None:
    old, rotated, new = access_tokens(OLD_KEY), access_tokens(KEY, OLD_KEY), access_tokens(KEY)
    assert rotated.read(old.make(USER, SESSION)) == Claims(USER, SESSION)
    assert new.read(rotated.make(USER, SESSION)) == Claims(USER, SESSION)
    with pytest.raises(TokenInvalid):
        old.read(rotated.make(USER, SESSION))
    with pytest.raises(TokenInvalid):
        new.read(old.make(USER, SESSION))


def refresh_token_parts(token: str) -> tuple[UUID, int, bytes]:
    head, _, body = token.partition("rt1.")
    assert head == ""
    raw = base64.urlsafe_b64decode(body + "==")
    return UUID(bytes=raw[:16]), int.from_bytes(raw[16:20]), raw[20:]


def test_a_refresh_token_is_the_session_the_counter_and_a_signature() -> None:
    token = RefreshTokens([KEY]).make(SESSION, 7)
    session_id, counter, signature = refresh_token_parts(token)
    assert (session_id, counter, len(signature)) == (SESSION, 7, 32)
    assert len(token) == 74
    assert "=" not in token


def test_the_same_refresh_token_is_made_every_time() -> None:
    assert RefreshTokens([KEY]).make(SESSION, 1) == RefreshTokens([KEY, OLD_KEY]).make(SESSION, 1)


def test_refresh_tokens_stay_what_they_were_so_that_an_update_signs_nobody_out() -> None:
    token = RefreshTokens([KEY]).make(UUID("0198c0de-0000-7000-8000-000000000000"), 3)
    assert token == "rt1.AZjA3gAAcACAAAAAAAAAAAAAAAPb6qZKK_HIcgQw5tpFOZFVgdoBhJO8GURQv2adBC7XtA"


def test_every_session_counter_and_key_has_a_refresh_token_of_its_own() -> None:
    made = [RefreshTokens([key]).make(id_, n) for key in (KEY, OLD_KEY) for id_ in (USER, SESSION) for n in (0, 1)]
    assert len({refresh_token_parts(token)[2] for token in made}) == 8


def test_a_refresh_token_goes_up_to_the_last_counter() -> None:
    assert refresh_token_parts(RefreshTokens([KEY]).make(SESSION, 2**32 - 1))[1] == 2**32 - 1
    with pytest.raises(OverflowError):
        RefreshTokens([KEY]).make(SESSION, 2**32)


def test_a_refresh_token_is_no_access_token(tokens: AccessTokens) -> None:
    with pytest.raises(TokenInvalid):
        tokens.read(RefreshTokens([KEY]).make(SESSION, 0))
