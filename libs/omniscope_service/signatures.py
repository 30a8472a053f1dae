"""The registry's signature over the manifest of a package: Ed25519."""


def is_signed(manifest: bytes, signature: bytes, public_key: bytes) -> bool:
    """Tell whether a key's owner has signed a manifest.

    Args:
        manifest: Its bytes.
        signature: 64 bytes.
        public_key: PEM.
    """
    # Most workers never meet a package: the library costs time and memory.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(public_key)
        if not isinstance(key, Ed25519PublicKey):
            return False
        key.verify(signature, manifest)
    except (ValueError, InvalidSignature):
        return False
    return True
