"""What other services need to check our tokens without asking us."""

import base64
from collections.abc import AsyncIterator, Callable

import jwt
import pytest
from quart import Quart

from inkwell.app import create_app
from inkwell.settings import Settings
from tests.keys import ED25519_PEM, P256_PEM
from tests.support import Client

PATH = "/.well-known/jwks.json"


@pytest.fixture(params=["EdDSA", "ES256"])
def algorithm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def signing(make_settings: Callable[..., Settings], algorithm: str) -> AsyncIterator[Client]:
    """Somebody who is not signed in, at an app that signs with a private key of this algorithm."""
    pems = [ED25519_PEM, P256_PEM] if algorithm == "EdDSA" else [P256_PEM, ED25519_PEM]
    async with create_app(make_settings(jwt_private_key="".join(pems))).test_app() as running:
        yield Client(running.app)  # type: ignore[attr-defined]


async def test_with_a_secret_there_is_nothing_to_publish(api: Client) -> None:
    answer = await api.get(PATH)
    assert (answer.status, answer.json, answer.headers["Content-Type"]) == (200, {"keys": []}, "application/json")


async def test_the_published_keys_verify_the_token_of_a_login(signing: Client, algorithm: str) -> None:
    ada = await signing.join("ada@example.com")
    keys = jwt.PyJWKSet.from_dict((await signing.get(PATH)).json)
    key = keys[jwt.get_unverified_header(ada.token or "")["kid"]]
    claims = jwt.decode(ada.token or "", key, algorithms=[algorithm], audience="inkwell", issuer="inkwell")
    assert (claims["sub"], key.algorithm_name, key.public_key_use) == (ada.id, algorithm, "sig")
    assert (await ada.get("/api/auth/profile")).status == 200


async def test_no_private_part_is_published(signing: Client) -> None:
    answer = await signing.get(PATH)
    for key in answer.json["keys"]:
        assert key.keys() <= {"kty", "crv", "x", "y", "kid", "alg", "use"}
    for pem in (ED25519_PEM, P256_PEM):
        body = base64.b64decode("".join(pem.splitlines()[1:-1]))
        for start in (16, 36):  # where the secret number begins in PKCS #8, for Ed25519 and for P-256
            secret = base64.urlsafe_b64encode(body[start : start + 32]).rstrip(b"=")
            assert secret not in answer.body


async def test_who_signed_in_before_private_keys_came_stays_signed_in(ada: Client, signing: Client) -> None:
    answer = await Client(signing.app, ada.token).get("/api/auth/profile")
    assert (answer.status, answer.json["user"]["id"]) == (200, ada.id)


async def test_a_bad_token_does_not_matter_where_none_is_asked_for(app: Quart) -> None:
    assert (await Client(app, "x.y.z").get(PATH)).status == 200
