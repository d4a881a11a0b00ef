"""A published picture is signed with what may be done with it, where the operator gave a certificate; C2PA's own library
reads and validates it."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import c2pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

from kicau.connector.session import MediaFile
from kicau.media import signing, usage_metadata_writer
from kicau.vocabularies import cawg, containers, iptc
from kicau.vocabularies.tests.test_containers import FILES

MARK = usage_metadata_writer.UsageMark(value="PROHIBITED-AIMLTRAINING")


def certified(folder: Path, days: int = 90) -> tuple[Path, Path]:
    """A certificate with its authority, and its key, as C2PA wants them; until in `days`."""
    authority, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    until = datetime.now(UTC) + timedelta(days)

    def made(name: str, key: ec.EllipticCurvePrivateKey, is_authority: bool) -> bytes:
        subject, issuer = (
            x509.Name(
                [
                    x509.NameAttribute(NameOID.COMMON_NAME, n),
                    x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Kopi Senja"),
                ]
            )
            for n in (name, "authority")
        )
        building = x509.CertificateBuilder(
            issuer, subject, key.public_key(), x509.random_serial_number(), until - timedelta(400), until
        )
        for extension, critical in (
            (x509.BasicConstraints(is_authority, None), True),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), False),
            (x509.KeyUsage(True, False, False, False, False, is_authority, is_authority, False, False), True),
            *([] if is_authority else [(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)]),
        ):
            building = building.add_extension(extension, critical)
        return building.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made("Kopi Senja", leaf, False) + made("authority", authority, True))
    key.write_bytes(
        leaf.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, key


@pytest.fixture
def signer(tmp_path, monkeypatch):
    chain, key = certified(tmp_path)
    monkeypatch.setenv(signing.CERTIFICATE_SETTING, str(chain))
    monkeypatch.setenv(signing.KEY_SETTING, str(key))
    return chain, key


def picture(folder: Path, format: str) -> MediaFile:
    path = folder / f"cup.{format}"
    Image.effect_noise((64, 48), 50).convert("RGB").save(path)
    return MediaFile(path=path, name=path.name, mime=f"image/{format}", size=path.stat().st_size)


@pytest.mark.parametrize("format", ["jpeg", "png", "webp"])
def test_what_is_published_is_marked_and_signed(signer, tmp_path, format):
    file = picture(tmp_path, format)
    out = usage_metadata_writer.marked_file(file, MARK)
    with c2pa.Reader(file.mime, io.BytesIO(out.path.read_bytes())) as theirs:
        told = json.loads(theirs.json())
    assert told["validation_state"] in ("Valid", "Trusted")
    active = told["manifests"][told["active_manifest"]]
    (assertion,) = [a["data"] for a in active["assertions"] if a["label"].startswith("cawg.training-mining")]
    (declared,) = cawg.read_assertion(assertion).declarations
    assert declared.says == {"train_gen": "deny", "train_other": "deny"}
    assert active["signature_info"]["issuer"] == "Kopi Senja"
    assert "digitalSourceType" not in json.dumps(active["assertions"])  # how it was made nobody told us
    look = containers.find_metadata(io.BytesIO(out.path.read_bytes()))
    assert iptc.read_packet(look.xmp).declarations
    assert out.size == out.path.stat().st_size
    assert Image.open(out.path).tobytes() == Image.open(file.path).tobytes()
    assert usage_metadata_writer.marked_file(file, MARK).path == out.path
    changed = bytearray(out.path.read_bytes())
    changed[-40] ^= 1
    with c2pa.Reader(file.mime, io.BytesIO(bytes(changed))) as theirs:
        assert json.loads(theirs.json())["validation_state"] == "Invalid"


def test_a_film_is_signed_too(signer):
    by = signing.signing_identity()
    made = signing.sign_file(FILES["mp4"], "video/mp4", {"train_gen": "deny"}, by)
    with c2pa.Reader("video/mp4", io.BytesIO(made)) as theirs:
        assert json.loads(theirs.json())["validation_state"] in ("Valid", "Trusted")


def test_a_picture_that_was_signed_before_keeps_its_story(signer, tmp_path):
    """The camera's manifest stays, as the parent's, and holds."""
    file = picture(tmp_path, "jpeg")
    by = signing.signing_identity()
    file.path.write_bytes(
        signing.sign_file(file.path.read_bytes(), file.mime, {"train_gen": "conditional"}, by, "ask the camera")
    )
    out = usage_metadata_writer.marked_file(file, MARK)
    with c2pa.Reader(file.mime, io.BytesIO(out.path.read_bytes())) as theirs:
        told = json.loads(theirs.json())
    assert told["validation_state"] in ("Valid", "Trusted")
    (parent,) = told["manifests"][told["active_manifest"]]["ingredients"]
    assert parent["relationship"] == "parentOf"
    assert "ask the camera" in json.dumps(told["manifests"][parent["active_manifest"]])
    faults = parent.get("validation_results", {}).get("activeManifest", {}).get("failure", [])
    assert not [f for f in faults if "dataHash" in f["code"]], faults


def test_who_cannot_sign_marks_only(signer, tmp_path, monkeypatch):
    chain, key = signer
    (tmp_path / "other").mkdir()
    (tmp_path / "old").mkdir()
    _, other_key = certified(tmp_path / "other")
    old, old_key = certified(tmp_path / "old", days=-1)
    for certificate, private, said in (
        (chain, other_key, "is not the key of"),
        (old, old_key, "is valid from"),
        (tmp_path / "none.pem", key, "cannot be read"),
        (key, key, "is not PEM"),
        (chain, "", "KICAU_C2PA_KEY is not set"),
    ):
        monkeypatch.setenv(signing.CERTIFICATE_SETTING, str(certificate))
        monkeypatch.setenv(signing.KEY_SETTING, str(private))
        with pytest.raises(signing.SigningFailed, match=said):
            signing.signing_identity()
        out = usage_metadata_writer.marked_file(picture(tmp_path, "png"), MARK)
        look = containers.find_metadata(io.BytesIO(out.path.read_bytes()))
        assert (bool(look.xmp), bool(look.c2pa)) == (True, False)
    monkeypatch.setenv(signing.CERTIFICATE_SETTING, "")
    monkeypatch.setenv(signing.KEY_SETTING, "")
    assert signing.signing_identity() is None
