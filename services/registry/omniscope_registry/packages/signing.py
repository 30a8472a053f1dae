"""Signs manifests: what the registry signed, and nothing else, may be loaded as a model."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from omniscope_service.errors import ConfigurationError


class ManifestSigner:
    """Holds the registry's private key (Ed25519).

    Attributes:
        public_key: The public half as PEM, to travel with the packages.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = key.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )

    @classmethod
    def open(cls, path: Path) -> ManifestSigner:
        """Read the key file, which is made (mode 0600) when it is missing.

        Raises:
            ConfigurationError: The file is open to others or holds no Ed25519 key.
        """
        if not path.exists():
            _make_key(path)
        mode = path.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigurationError(
                f"The signing key {path} is open to others (mode {stat.S_IMODE(mode):04o}); "
                "make it 0600."
            )
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except ValueError as error:
            raise ConfigurationError(f"The file {path} holds no private key in PEM.") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigurationError(f"The signing key {path} is no Ed25519 key.")
        return cls(key)

    def sign(self, data: bytes) -> bytes:
        """Return the signature of 64 bytes; the same data always gets the same one."""
        return self._key.sign(data)


def _make_key(path: Path) -> None:
    """Write a new key; of several processes that start together, the first one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(name, path)
    except FileExistsError:
        return
    finally:
        Path(name).unlink()
