"""Signatures of models: Ed25519 (RFC 8032), over the SHA-256 of the model's file in hex, with a few words before it.

The words make sure that nothing else that was signed with the same key passes for a model. OpenSSL can do the same:
``printf 'edgecam model %s' "$sha256" > text; openssl pkeyutl -sign -rawin -inkey FILE -in text | base64 -w 0``.
"""

from __future__ import annotations

import base64
import hashlib
import os
from typing import TYPE_CHECKING

import msgspec

from edgecam import config
from edgecam.addresses import shown
from edgecam.errors import ConfigError, in_words
from edgecam.rollout.record import SignedModel

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

WORDS = "edgecam model "
ELSEWHERE = "elsewhere"  # an accelerator that a camera has


def is_signed(public_key: str, sha256: str, signature: str) -> bool:
    """Whether a signature, in base64, of a model's hash, in hex, was made with the key to ``public_key``, in base64."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
    try:
        key.verify(base64.b64decode(signature), _text(sha256))
    except (InvalidSignature, ValueError):
        return False
    return True


def signature_of(key_file: Path, sha256: str) -> str:
    """Sign a model's hash, in hex; return the signature in base64.

    Raises:
        ConfigError: the file holds no Ed25519 key that can be read.
    """
    return base64.b64encode(_private_key(key_file).sign(_text(sha256))).decode()


def make_key(key_file: Path) -> str:
    """Write a new private key, PEM, for nobody but its owner to read; return the public key in base64.

    Raises:
        ConfigError: the file is there already, or cannot be written.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    try:
        with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    except FileExistsError:
        message = f"{key_file}: is there already; a key that is replaced is lost: name another file"
        raise ConfigError(message) from None
    except OSError as error:
        message = f"{key_file}: cannot be written: {in_words(error)}"
        raise ConfigError(message) from None
    return _in_base64(key.public_key())


def order(model: Path, key: Path, url: str, *, untried: bool = False) -> bytes:
    """Try a model, sign it with the private key in a file, and return the order to fetch it at ``url``, as JSON.

    Args:
        model: the file.
        key: the file with the key.
        url: where cameras find the model.
        untried: only an accelerator, which is not here, can run it.

    Raises:
        ModelError: it is no classifier that edgecam can run.
        ConfigError: the key cannot be read, or the URL is none that cameras take.
    """
    from edgecam.model.classifier import read_model
    from edgecam.model.trial import tried  # whoever only verifies needs no runtime

    if untried:
        content = read_model(config.ModelSettings(path=str(model), delegate=ELSEWHERE))
        sha256 = hashlib.sha256(content).hexdigest()
    else:
        sha256 = tried(config.ModelSettings(path=str(model))).sha256
    made = msgspec.json.encode(SignedModel(url, sha256, signature_of(key, sha256)))
    try:
        msgspec.json.decode(made, type=SignedModel)
    except msgspec.ValidationError:
        message = f"--url {shown(url)}: expected https://..., http://... or file:///..., without spaces"
        raise ConfigError(message) from None
    return made


def _private_key(key_file: Path) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(key_file.read_bytes(), None)
    except OSError as error:
        message = f"--key {key_file}: {in_words(error)}"
        raise ConfigError(message) from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        message = f"--key {key_file}: no Ed25519 private key in PEM without a password; edgecam keygen makes one"
        raise ConfigError(message)
    return key


def _in_base64(key: Ed25519PublicKey) -> str:
    return base64.b64encode(key.public_bytes_raw()).decode()


def _text(sha256: str) -> bytes:
    return f"{WORDS}{sha256}".encode()
