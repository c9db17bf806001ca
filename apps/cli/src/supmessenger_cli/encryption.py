"""The smoke client's end-to-end encryption: PQXDH key agreement and one AES-GCM message.

It proves that the server carries what two clients need (signed keys, one-time prekeys, Kyber
keys, opaque bytes) and nothing else. It is a check, not a client library: no double ratchet,
no persistent state. Specifications: Signal's "PQXDH" and "XEdDSA" documents.
"""

import secrets
from dataclasses import dataclass
from typing import Self, cast

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from kyber_py.kyber import Kyber1024
from xeddsa import (
    curve25519_pub_to_ed25519_pub,
    ed25519_priv_sign,
    ed25519_verify,
    priv_force_sign,
    priv_to_curve25519_pub,
    x25519,
)

CURVE_TYPE = b"\x05"  # libsignal's type byte of a Curve25519 public key
KYBER_TYPE = b"\x08"  # libsignal's type byte of a Kyber1024 public key
NONCE_BYTES = 12
KYBER_CIPHERTEXT_BYTES = 1568


@dataclass(frozen=True, kw_only=True)
class CurveKey:
    """A Curve25519 key pair; `public` is serialized with its type byte (33 bytes)."""

    private: bytes
    public: bytes

    @classmethod
    def generate(cls) -> Self:
        """Make a fresh key pair."""
        private = secrets.token_bytes(32)
        return cls(private=private, public=CURVE_TYPE + priv_to_curve25519_pub(private))

    def sign(self, message: bytes) -> bytes:
        """Sign with XEdDSA (64 bytes)."""
        return ed25519_priv_sign(priv_force_sign(self.private, False), message)

    def agree(self, public: bytes) -> bytes:
        """Compute the Diffie-Hellman secret with a serialized public key."""
        return x25519(self.private, public[1:])


@dataclass(frozen=True, kw_only=True)
class KyberKey:
    """A Kyber1024 key pair; `public` is serialized with its type byte (1,569 bytes)."""

    private: bytes
    public: bytes

    @classmethod
    def generate(cls) -> Self:
        """Make a fresh key pair."""
        public, private = Kyber1024.keygen()
        return cls(private=private, public=KYBER_TYPE + public)


@dataclass(frozen=True, kw_only=True)
class DeviceKeys:
    """Everything one device publishes, with the private halves."""

    identity: CurveKey
    signed_prekey: CurveKey
    last_resort: KyberKey
    one_time: tuple[CurveKey, ...]
    kyber: tuple[KyberKey, ...]

    @classmethod
    def generate(cls, *, one_time: int, kyber: int) -> Self:
        """Make the keys of a new device with pools of the given sizes."""
        return cls(
            identity=CurveKey.generate(),
            signed_prekey=CurveKey.generate(),
            last_resort=KyberKey.generate(),
            one_time=tuple(CurveKey.generate() for _ in range(one_time)),
            kyber=tuple(KyberKey.generate() for _ in range(kyber)),
        )


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """The public keys of a peer's device as the server hands them out."""

    identity: bytes
    signed_prekey: bytes
    signed_prekey_signature: bytes
    kyber: bytes
    kyber_signature: bytes
    one_time: bytes | None


class EncryptionError(Exception):
    """Keys or ciphertext that do not fit together."""


def verify_signature(identity: bytes, *, message: bytes, signature: bytes) -> bool:
    """Verify an XEdDSA signature by a serialized identity key."""
    return ed25519_verify(signature, curve25519_pub_to_ed25519_pub(identity[1:], False), message)


def encrypt_first(own: CurveKey, *, bundle: Bundle, plaintext: bytes) -> bytes:
    """Agree on a key with a peer's bundle and encrypt; returns header and ciphertext.

    Layout: identity (33) + ephemeral (33) + Kyber ciphertext (1,568) + nonce (12) + AES-GCM.
    Raises EncryptionError when a key of the bundle is not signed by its identity.
    """
    for key, signature in (
        (bundle.signed_prekey, bundle.signed_prekey_signature),
        (bundle.kyber, bundle.kyber_signature),
    ):
        if not verify_signature(bundle.identity, message=key, signature=signature):
            raise EncryptionError("a key of the bundle is not signed by the peer's identity key")
    ephemeral = CurveKey.generate()
    kyber_secret, kyber_ciphertext = cast(tuple[bytes, bytes], Kyber1024.encaps(bundle.kyber[1:]))
    agreed = [
        own.agree(bundle.signed_prekey),
        ephemeral.agree(bundle.identity),
        ephemeral.agree(bundle.signed_prekey),
    ]
    if bundle.one_time is not None:
        agreed.append(ephemeral.agree(bundle.one_time))
    key = _derive_key([*agreed, kyber_secret])
    nonce = secrets.token_bytes(NONCE_BYTES)
    header = own.public + ephemeral.public + kyber_ciphertext
    return header + nonce + AESGCM(key).encrypt(nonce, plaintext, own.public + bundle.identity)


def decrypt_first(
    keys: DeviceKeys, *, message: bytes, one_time: CurveKey | None, kyber: KyberKey
) -> bytes:
    """Decrypt what `encrypt_first` made, given which prekeys of ours the sender was handed."""
    identity, ephemeral = message[:33], message[33:66]
    kyber_ciphertext = message[66 : 66 + KYBER_CIPHERTEXT_BYTES]
    sealed = message[66 + KYBER_CIPHERTEXT_BYTES :]
    agreed = [
        keys.signed_prekey.agree(identity),
        keys.identity.agree(ephemeral),
        keys.signed_prekey.agree(ephemeral),
    ]
    if one_time is not None:
        agreed.append(one_time.agree(ephemeral))
    secret = cast(bytes, Kyber1024.decaps(kyber.private, kyber_ciphertext))
    key = _derive_key([*agreed, secret])
    nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    return AESGCM(key).decrypt(nonce, ciphertext, identity + keys.identity.public)


def _derive_key(agreed: list[bytes]) -> bytes:
    # 32 bytes of 0xFF first: PQXDH section 2.2, domain separation for curve25519.
    material = b"\xff" * 32 + b"".join(agreed)
    info = b"SUP_CURVE25519_SHA-256_CRYSTALS-KYBER-1024"
    return HKDF(algorithm=SHA256(), length=32, salt=b"\0" * 32, info=info).derive(material)
