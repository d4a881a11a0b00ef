"""Signing what a picture or film says of machine use: CAWG's training and data mining assertion in a C2PA manifest, by the
certificate of this instance's operator.

Optional: it needs the extra "c2pa", and KICAU_C2PA_CERTIFICATE with KICAU_C2PA_KEY. The manifest says that the file was
opened here as it is, not who made it nor how: that is not known.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

import kicau
from kicau.base import clock, setting_definitions
from kicau.vocabularies import cawg

CERTIFICATE_SETTING, KEY_SETTING = "KICAU_C2PA_CERTIFICATE", "KICAU_C2PA_KEY"
SIGNING_ALGORITHMS = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


class SigningFailed(Exception):
    """Leave the file unsigned, or fix what the sentence names."""


@dataclass(frozen=True, slots=True)
class SigningIdentity:
    """Who signs: PEM of the certificate with those above it, PEM of its key, C2PA's name of the algorithm."""

    chain: bytes
    key: bytes
    algorithm: str
    name: str
    until: datetime  # UTC; the certificate's last moment

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.chain).hexdigest()[:8]


def signing_identity() -> SigningIdentity | None:
    """The operator's; None where no setting names one. Raises SigningFailed where it cannot sign."""
    paths = {name: setting_definitions.read_setting(name) for name in (CERTIFICATE_SETTING, KEY_SETTING)}
    if not any(paths.values()):
        return None
    if missing := [name for name, path in paths.items() if not path]:
        raise SigningFailed(f"{missing[0]} is not set, and nothing is signed without it.")
    if find_spec("c2pa") is None:
        raise SigningFailed("Signing is not installed here: pip install 'kicau[c2pa]'.")
    try:
        chain, key = Path(paths[CERTIFICATE_SETTING]).read_bytes(), Path(paths[KEY_SETTING]).read_bytes()
    except OSError as lost:
        raise SigningFailed(f"{lost.filename} cannot be read: {lost.strerror}.") from lost
    try:
        certificate = x509.load_pem_x509_certificate(chain)
        private = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError) as wrong:
        raise SigningFailed(f"The certificate or its key is not PEM without a passphrase: {wrong}.") from wrong
    if _public_bytes(certificate.public_key()) != _public_bytes(private.public_key()):
        raise SigningFailed(f"{paths[KEY_SETTING]} is not the key of {paths[CERTIFICATE_SETTING]}.")
    if not certificate.not_valid_before_utc <= clock.now() < certificate.not_valid_after_utc:
        raise SigningFailed(
            f"{paths[CERTIFICATE_SETTING]} is valid from {certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d} only."
        )
    return SigningIdentity(
        chain, key, _algorithm_of_key(private), certificate.subject.rfc4514_string(), certificate.not_valid_after_utc
    )


def _public_bytes(key: object) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined, no-any-return]


def _algorithm_of_key(key: object) -> str:
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in SIGNING_ALGORITHMS:
        return SIGNING_ALGORITHMS[key.curve.name]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey):
        return "ps256"
    raise SigningFailed("C2PA signs with a key of the curves P-256, P-384, P-521 or Ed25519, or of RSA.")


def sign_file(
    data: bytes, mime: str, says: Mapping[str, str], by: SigningIdentity, constraint: str = "", *, original: bytes = b""
) -> bytes:
    """The file with a manifest that says it; pixels untouched. `original`: the file before it was marked, whose own
    manifest, if it has one, is kept as that of the parent. Raises SigningFailed."""
    import c2pa

    assertion = cawg.write_assertion(says, constraint)
    if not assertion:
        raise SigningFailed("There is nothing to say, so nothing to sign.")
    manifest = {
        "claim_generator_info": [{"name": "Kicau", "version": kicau.__version__}],
        "format": mime,
        "assertions": [{"label": cawg.ASSERTION_LABELS[0], "data": assertion}],
    }
    made = io.BytesIO()
    try:
        info = c2pa.C2paSignerInfo(alg=by.algorithm.encode(), sign_cert=by.chain, private_key=by.key, ta_url=None)
        with c2pa.Signer.from_info(info) as signer, c2pa.Builder(manifest) as builder:
            builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
            builder.add_ingredient({"relationship": "parentOf", "format": mime}, mime, io.BytesIO(original or data))
            builder.sign(signer, mime, io.BytesIO(data), made)
    except c2pa.C2paError as wrong:
        raise SigningFailed(f"It could not be signed: {wrong}.") from wrong
    return made.getvalue()
