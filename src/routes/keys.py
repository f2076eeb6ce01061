"""The public keys of access tokens, with which other services can check them."""

from pydantic import TypeAdapter
from quart import Blueprint, Response
from typing_extensions import TypedDict

from routes.documented import documented
from routes.http import no_query, reply, services

keys = Blueprint("keys", __name__, url_prefix="/.well-known")


class KeySet(TypedDict):
    """A JWK Set (RFC 7517, 5)."""

    keys: list[dict[str, str]]


KEY_SET = TypeAdapter(KeySet)


@keys.get("/jwks.json")
@documented("getKeys", "The public keys of access tokens; none where they are signed with a secret", {200: KeySet})
async def index() -> Response:
    no_query()
    return reply(KEY_SET, KeySet(keys=services.access_tokens.public_keys()))
