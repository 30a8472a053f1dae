"""Verifies a stored model package without the registry's own code: hashes and signature."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "manifest.sig", "registry.pub"


def broken_package(package: Path, manifest_digest: str, public_key: bytes) -> Iterator[str]:
    """Yield what is wrong with a package, in words.

    Args:
        package: Its folder in the artifact store.
        manifest_digest: SHA-256 that was registered for its manifest.
        public_key: PEM of the key that must have signed the manifest.
    """
    try:
        manifest = (package / MANIFEST).read_bytes()
        signature = (package / SIGNATURE).read_bytes()
    except FileNotFoundError as missing:
        yield f"{missing.filename} is missing"
        return
    if hashlib.sha256(manifest).hexdigest() != manifest_digest:
        yield "the manifest is not the one that was registered"
    if not _is_signed(manifest, signature, public_key):
        yield "the manifest is not signed by the registry"
    listed = {path: entry["sha256"] for path, entry in json.loads(manifest)["files"].items()}
    stored = _files(package) - {MANIFEST, SIGNATURE, PUBLIC_KEY}
    if stored != listed.keys():
        yield f"it holds {sorted(stored)}, its manifest lists {sorted(listed)}"
    for path in sorted(stored & listed.keys()):
        if hashlib.sha256((package / path).read_bytes()).hexdigest() != listed[path]:
            yield f"{path} is not what its manifest says"


def manifest_of(package: Path) -> dict[str, Any]:
    """Return a package's manifest; empty when there is none."""
    path = package / MANIFEST
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _is_signed(data: bytes, signature: bytes, public_key: bytes) -> bool:
    key = load_pem_public_key(public_key)
    assert isinstance(key, Ed25519PublicKey)
    try:
        key.verify(signature, data)
    except InvalidSignature:
        return False
    return True


def _files(package: Path) -> set[str]:
    found = package.rglob("*")
    return {path.relative_to(package).as_posix() for path in found if path.is_file()}
