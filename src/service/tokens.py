"""Tokens: signed access tokens that are short-lived, and others that are derived and not stored."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import jwt
from uuid_utils.compat import uuid7

from domain.errors import LinkInvalid, RefreshInvalid, TokenExpired, TokenInvalid
from domain.values import value
from service.signing import SigningKey, secret_key

MOST_REMEMBERED = 10_000  # verified tokens per worker, and only ours are: about a kilobyte each, with its claims
LONGEST_TOKEN = 4096  # bytes; ours are about 450, and longer ones only cost work
_LEEWAY = timedelta(seconds=10)  # clocks of two nodes may differ by so much
_REQUIRED = ["iss", "aud", "sub", "sid", "typ", "jti", "iat", "exp"]
# PyJWT takes padded segments too; one token has one spelling here.
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


@value
class Claims:
    """Whom an access token names."""

    user_id: UUID
    session_id: UUID


class AccessTokens:
    """Makes and reads access tokens: the first key signs, all of them verify, so that keys can be rotated.

    Private keys go before secrets, which then only verify what was signed before there were any.
    """

    def __init__(
        self,
        secrets: Sequence[bytes],
        *,
        private_keys: Sequence[SigningKey] = (),
        issuer: str,
        audience: str,
        lifetime: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        keys = [*private_keys, *map(secret_key, secrets)]
        self._keys = {key.id: key for key in keys}
        self._signing = keys[0]
        self._issuer, self._audience, self._lifetime, self._now = issuer, audience, lifetime, now
        # A token is shown with every request, and its signature stays as good as it was: only its time runs out.
        self._verified = lru_cache(MOST_REMEMBERED)(self._verify)

    @property
    def lifetime_s(self) -> int:
        return int(self._lifetime.total_seconds())

    def make(self, user_id: UUID, session_id: UUID) -> str:
        now = self._now()
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(user_id),
            "sid": str(session_id),
        }
        claims |= {"typ": "access", "jti": str(uuid7()), "iat": now, "exp": now + self._lifetime}
        return jwt.encode(claims, self._signing.signs, self._signing.algorithm, {"kid": self._signing.id})

    def public_keys(self) -> list[dict[str, str]]:
        """What others need to verify tokens, as JWKs (RFC 7517); none for secrets."""
        return [key.jwk for key in self._keys.values() if key.jwk]

    def read(self, token: str) -> Claims:
        """Raises TokenExpired, or TokenInvalid for whatever else is wrong."""
        claims, last_s = self._verified(token)
        if self._now().timestamp() >= last_s:
            raise TokenExpired
        return claims

    def _verify(self, token: str) -> tuple[Claims, float]:
        """Whom it names, and until when, in seconds since 1970."""
        if len(token) > LONGEST_TOKEN or not _COMPACT.fullmatch(token):
            raise TokenInvalid
        try:
            claims = self._decode(token)
            return Claims(UUID(claims["sub"]), UUID(claims["sid"])), float(claims["exp"]) + _LEEWAY.total_seconds()
        except jwt.ExpiredSignatureError:
            raise TokenExpired from None
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError):
            raise TokenInvalid from None

    def _decode(self, token: str) -> dict[str, Any]:
        key = self._keys[jwt.get_unverified_header(token)["kid"]]
        claims: dict[str, Any] = jwt.decode(
            token,
            key.verifies,
            algorithms=[key.algorithm],
            audience=self._audience,
            issuer=self._issuer,
            leeway=_LEEWAY,
            options={"require": _REQUIRED},
        )
        if claims["typ"] != "access":
            raise TokenInvalid
        return claims


class DerivedTokens:
    """Makes tokens of a prefix and base64url of a body of `size` bytes with its HMAC-SHA256: nothing secret is stored.

    The HMAC's key is derived from a secret for one `purpose`. The first secret makes tokens, all of them verify.
    """

    def __init__(self, secrets: Sequence[bytes], prefix: str, purpose: bytes, size: int) -> None:
        self._keys = [hmac.digest(secret, purpose, hashlib.sha256) for secret in secrets]
        self._prefix, self._size = prefix, size
        length = -(-(size + 32) * 4 // 3)
        self._form = re.compile(re.escape(prefix) + f"[A-Za-z0-9_-]{{{length}}}", re.ASCII)

    def make(self, body: bytes) -> str:
        return self._spelt(self._keys[0], body)

    def read(self, token: str) -> bytes | None:
        """The body, or None for what we did not make."""
        if not self._form.fullmatch(token):
            return None
        body = base64.urlsafe_b64decode(token.removeprefix(self._prefix) + "==")[: self._size]
        return body if any(hmac.compare_digest(self._spelt(key, body), token) for key in self._keys) else None

    def _spelt(self, key: bytes, body: bytes) -> str:
        raw = body + hmac.digest(key, body, hashlib.sha256)
        return self._prefix + base64.urlsafe_b64encode(raw).decode().rstrip("=")


class RefreshTokens:
    """Derives refresh tokens from session id and counter, so that the token that follows another is always the same."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._tokens = DerivedTokens(secrets, "rt1.", b"inkwell refresh token 1", 20)

    def make(self, session_id: UUID, count: int) -> str:
        """`count` is how many times the session was refreshed, below 2^32."""
        return self._tokens.make(session_id.bytes + count.to_bytes(4))

    def read(self, token: str) -> tuple[UUID, int]:
        """The session and the count. Raises RefreshInvalid for what we did not make."""
        body = self._tokens.read(token)
        if body is None:
            raise RefreshInvalid
        return UUID(bytes=body[:16]), int.from_bytes(body[16:])


class LinkTokens:
    """Derives the tokens of mailed links from their ids, so that a mail can be written whenever it is sent."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._tokens = DerivedTokens(secrets, "ml1.", b"inkwell mailed link 1", 16)

    def make(self, link_id: UUID) -> str:
        return self._tokens.make(link_id.bytes)

    def read(self, token: str) -> UUID:
        """Raises LinkInvalid for what we did not make."""
        body = self._tokens.read(token)
        if body is None:
            raise LinkInvalid
        return UUID(bytes=body)
