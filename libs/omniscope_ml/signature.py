"""Checks the registry's signature over a manifest: what it did not sign is not loaded."""

from omniscope_ml.errors import DataError


def verify_signature(manifest: bytes, signature: bytes, public_key: bytes) -> None:
    """Do nothing when the registry has signed a manifest.

    Args:
        manifest: The bytes of `manifest.json`.
        signature: The bytes of `manifest.sig`: Ed25519, 64 of them.
        public_key: The registry's, as PEM, from where the caller trusts: not from the package.

    Raises:
        DataError: PACKAGE_SIGNATURE_INVALID.
    """
    # Where MLflow loads packages outside the suite, nobody needs this library.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(public_key)
    except ValueError as error:
        raise _invalid("what should be the registry's public key is none") from error
    if not isinstance(key, Ed25519PublicKey):
        raise _invalid("the registry's public key is no Ed25519 key")
    try:
        key.verify(signature, manifest)
    except InvalidSignature as error:
        raise _invalid("the registry did not sign its manifest") from error


def _invalid(why: str) -> DataError:
    return DataError(
        f"the model package is not genuine: {why}", reason="PACKAGE_SIGNATURE_INVALID"
    )
