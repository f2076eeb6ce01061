"""Private keys that only tests use, made anew for each run."""

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

Key = ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def pem_of(
    key: Key,
    form: PrivateFormat = PrivateFormat.PKCS8,
    encryption: KeySerializationEncryption = NoEncryption(),  # noqa: B008  it has no state
) -> str:
    return key.private_bytes(Encoding.PEM, form, encryption).decode()


def public_pem_of(key: Key) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


P256 = ec.generate_private_key(ec.SECP256R1())
ED25519_PEM = pem_of(ed25519.Ed25519PrivateKey.generate())
OTHER_ED25519_PEM = pem_of(ed25519.Ed25519PrivateKey.generate())
P256_PEM = pem_of(P256)
P256_SEC1_PEM = pem_of(P256, PrivateFormat.TraditionalOpenSSL)

_locked = BestAvailableEncryption(b"a password")
_p384 = ec.generate_private_key(ec.SECP384R1())
UNUSABLE = {
    "nothing but blanks": " ",
    "no PEM": "f3a91c07d2e84b6592ab6c0d1e7f3458",
    "a path": "/etc/inkwell/key.pem",
    "an empty block": "-----BEGIN PRIVATE KEY-----\n\n-----END PRIVATE KEY-----",
    "garbage in a block": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    "half of a block": ED25519_PEM[:60],
    "two labels": ED25519_PEM.replace("END PRIVATE", "END EC PRIVATE"),
    "text behind a block": ED25519_PEM + "hunter2",
    "a second block that is cut": ED25519_PEM + P256_PEM[:80],
    "RSA": pem_of(rsa.generate_private_key(65537, 2048)),
    "RSA after a good one": ED25519_PEM + pem_of(rsa.generate_private_key(65537, 2048)),
    "P-384": pem_of(_p384),
    "P-384 in SEC 1": pem_of(_p384, PrivateFormat.TraditionalOpenSSL),
    "secp256k1": pem_of(ec.generate_private_key(ec.SECP256K1())),
    "Ed448": pem_of(ed448.Ed448PrivateKey.generate()),
    "a public key": public_pem_of(P256),
    "encrypted": pem_of(P256, encryption=_locked),
    "encrypted in SEC 1": pem_of(P256, PrivateFormat.TraditionalOpenSSL, _locked),
    "half of a character": "\udcff",
}
