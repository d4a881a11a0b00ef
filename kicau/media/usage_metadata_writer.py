"""A published picture carries in itself what may be done with it (IPTC's Data Mining), without being encoded again; signed, too, where the operator gave a certificate (see `signing`)."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from kicau.connector.session import MediaFile
from kicau.media import signing
from kicau.media.models import Medium
from kicau.vocabularies import containers, iptc
from kicau.vocabularies.markup import MalformedXml
from kicau.vocabularies.terms import stricter_value

MAX_MARKED_BYTES = 64_000_000  # bytes; longer films go out as they are, since they would be written a second time
log = structlog.get_logger("kicau.media")
MARKABLE_TYPES = ("image/jpeg", "image/png", "image/webp", "video/mp4")


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageMark:
    """`value` of IPTC's list; `constraint`: whom to ask."""

    value: str
    constraint: str = ""

    @property
    def key(self) -> str:
        """Of files that carry it."""
        return self.value.lower() + (
            f"-{hashlib.sha256(self.constraint.encode()).hexdigest()[:8]}" if self.constraint else ""
        )


def usage_mark_of(ref: str) -> UsageMark | None:
    """What a file of the library is to carry: nothing where its workspace does not want it or has said nothing."""
    workspace, _, digest = ref.partition("/")
    row = (
        Medium.objects.select_related("workspace")
        .filter(workspace_id=workspace, sha256=digest, workspace__marks_media=True)
        .first()
    )
    if row is None:
        return None
    says = usage_rules_of(row)
    value = iptc.mining_term(says)
    return (
        UsageMark(value=value, constraint=row.workspace.terms_url if value.endswith("SEECONSTRAINT") else "")
        if value
        else None
    )


def usage_rules_of(medium: Medium) -> dict[str, str]:
    """The workspace's rule and the file's own, the strictest of both."""
    says = dict(medium.workspace.ai_use)
    for use, value in medium.ai_use.items():
        says[use] = stricter_value(says.get(use, value), value)
    return says


def marked_file(file: MediaFile, mark: UsageMark | None, limit: int = 0) -> MediaFile:
    """The file with its mark, made beside it once; the file as it is where it takes none, or grows over `limit` bytes.

    Raises OSError."""
    if mark is None or file.mime not in MARKABLE_TYPES or file.size > MAX_MARKED_BYTES:
        return file
    by = _signing_identity()
    signed = f".c2pa-{by.digest}" if by else ""
    made = file.path.with_name(f"{file.path.name}.{mark.key}{signed}.xmp{file.path.suffix}")
    if not made.exists():
        try:
            data = file.path.read_bytes()
            before = containers.find_metadata(io.BytesIO(data)).xmp
            packet = iptc.write_packet(iptc.VALUES_BY_TERM[mark.value], into=before, constraint=mark.constraint)
            _write_atomically(made, _sign(containers.embed_xmp(data, packet), file.mime, mark, by, data))
        except (containers.CannotEmbed, MalformedXml):
            return file
    size = made.stat().st_size
    return replace(file, path=made, size=size) if not limit or size <= limit else file


def _signing_identity() -> signing.SigningIdentity | None:
    """Who signs; None where nobody does, or cannot (`kicau doctor` tells why): then the mark goes out alone."""
    try:
        return signing.signing_identity()
    except signing.SigningFailed as why:
        log.warning("pictures go out unsigned", why=str(why))
        return None


def _sign(data: bytes, mime: str, mark: UsageMark, by: signing.SigningIdentity | None, original: bytes) -> bytes:
    if by is None:
        return data
    try:
        return signing.sign_file(data, mime, iptc.VALUES_BY_TERM[mark.value], by, mark.constraint, original=original)
    except signing.SigningFailed as why:
        log.warning("a picture goes out unsigned", why=str(why))
        return data


def _write_atomically(target: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".making-")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        os.replace(name, target)
    finally:
        Path(name).unlink(missing_ok=True)
