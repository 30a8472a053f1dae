"""Model packages as a registry has signed and stored them."""

import hashlib
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from ulid import ULID

from omniscope.registry.v1.worker_service_pb2 import ClaimedInput

FILES = {"results.json": b"{}", "payload/weights.bin": b"\x01" * 64}


class SigningKey:
    """A registry's key."""

    def __init__(self):
        self._key = Ed25519PrivateKey.generate()
        self.public_key = self._key.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )

    def sign(self, data):
        return self._key.sign(data)


def entry(data):
    return {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}


async def store_package(artifacts, key, *, files=FILES, listed=None, prefix="", role="member"):
    """Store a package and return its claim; `listed` replaces what the manifest lists."""
    prefix = prefix or f"packages/{ULID()}"
    entries = {path: entry(data) for path, data in files.items()}
    entries = entries if listed is None else listed
    manifest = json.dumps({"format_version": 1, "kind": "toy", "files": entries}).encode()
    stored = {**files, "manifest.json": manifest, "manifest.sig": key.sign(manifest)}
    for path, data in {**stored, "registry.pub": key.public_key}.items():
        await artifacts.put_bytes(f"{prefix}/{path}", data)
    return ClaimedInput(
        role=role,
        model_id=str(ULID()),
        artifact_key=prefix,
        digest=hashlib.sha256(manifest).hexdigest(),
    )
