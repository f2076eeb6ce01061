"""The keys of access tokens: secrets that only Inkwell has, and key pairs whose public half everybody may have."""

import base64
import hashlib
import hmac
import json
import re
from dataclasses import field

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from domain.values import value

PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey
PublicKey = Ed25519PublicKey | EllipticCurvePublicKey

# An encrypted key has another label, or lines with a colon, and fits neither way.
_PEM = re.compile(r"-----BEGIN ((?:EC )?PRIVATE KEY)-----[A-Za-z0-9+/=\s]+-----END \1-----", re.ASCII)
_REFUSAL = (
    "every key must be an Ed25519 or P-256 private key in PEM, without a password: openssl genpkey -algorithm ed25519"
)


@value
class SigningKey:
    """A key with the one algorithm that it is used with, whatever a token says."""

    id: str
    algorithm: str
    signs: bytes | PrivateKey = field(repr=False)
    verifies: bytes | PublicKey = field(repr=False)
    jwk: dict[str, str] | None = None  # the public half as RFC 7517 has it; a secret has none


def secret_key(secret: bytes) -> SigningKey:
    """A key for HS256."""
    key_id = hmac.digest(secret, b"inkwell key id", hashlib.sha256).hex()[:16]
    return SigningKey(key_id, "HS256", secret, secret)


def private_keys(pem: str) -> tuple[SigningKey, ...]:
    """The keys of PEM blocks that follow each other, their line ends real or written as `\\n`.

    Raises ValueError with a sentence that does not repeat them.
    """
    text = pem.replace("\\n", "\n")
    blocks = [block[0] for block in _PEM.finditer(text)]
    if not blocks or _PEM.sub("", text).strip():
        raise ValueError(_REFUSAL)
    return tuple(_key_pair(block) for block in blocks)


def _key_pair(block: str) -> SigningKey:
    try:
        key = load_pem_private_key(block.encode(), password=None)
    except Exception:  # ValueError, TypeError, UnsupportedAlgorithm: it differs from release to release
        raise ValueError(_REFUSAL) from None
    match key:
        case Ed25519PrivateKey():
            return _published("EdDSA", key, OKPAlgorithm.to_jwk(key.public_key(), as_dict=True))
        case EllipticCurvePrivateKey(curve=SECP256R1()):
            return _published("ES256", key, ECAlgorithm.to_jwk(key.public_key(), as_dict=True))
    raise ValueError(_REFUSAL)


def _published(algorithm: str, key: PrivateKey, jwk: dict[str, str]) -> SigningKey:
    key_id = _thumbprint(jwk)
    named = {"kid": key_id, "alg": algorithm, "use": "sig"}
    return SigningKey(key_id, algorithm, key, key.public_key(), jwk | named)


def _thumbprint(jwk: dict[str, str]) -> str:
    """RFC 7638, so that everybody who has the public key finds the same name for it."""
    canonical = json.dumps({name: jwk[name] for name in sorted(jwk)}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).decode().rstrip("=")
