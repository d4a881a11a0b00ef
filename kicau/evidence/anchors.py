"""What outsiders say of the log, where the operator allows it: time-stampers (RFC 3161), OpenTimestamps' calendars, and
witnesses that co-sign a checkpoint after they checked that it continues what they saw before.

All stamp the signed note itself, byte for byte; its SHA-256 is all that a time-stamper or calendar learns of it.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import structlog
from asgiref.sync import async_to_sync, sync_to_async
from django.db import transaction
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, decode_timestamp_response

from kicau.base import clock, setting_definitions
from kicau.connector.transport.ssrf import guarded_session
from kicau.evidence import checkpoints, log, opentimestamps
from kicau.evidence.models import SignedCheckpoint

story = structlog.get_logger("kicau.evidence")
LARGEST = 1 << 20  # bytes of an answer
OFTEN = timedelta(hours=1)  # how often a log that grows is shown to outsiders without being asked
CHECKPOINT = "application/octet-stream"

type Anchor = dict[str, Any]  # kind, by, at (ISO 8601, UTC), and what its kind needs; see verify.check_anchors


class NotAnchored(Exception):
    """Ask again later: the service did not say what it should. The message names it and what it answered."""


@dataclass(frozen=True, slots=True)
class Witness:
    """Somebody who co-signs: their name and Ed25519 key, and the address that their protocol's paths begin with."""

    name: str
    key: bytes
    url: str


@dataclass(frozen=True, slots=True)
class Services:
    """Whom the operator allows to be asked."""

    stampers: Sequence[str] = ()
    calendars: Sequence[str] = ()
    witnesses: Sequence[Witness] = ()

    def __bool__(self) -> bool:
        return bool(self.stampers or self.calendars or self.witnesses)


def services() -> Services:
    """As the settings name them. Raises BadSetting."""
    return Services(
        setting_definitions.listed("KICAU_TIMESTAMPS"),
        setting_definitions.listed("KICAU_OPENTIMESTAMPS"),
        [_witness(told) for told in setting_definitions.listed("KICAU_WITNESSES")],
    )


def _witness(told: str) -> Witness:
    key, _, url = told.partition(" ")
    try:
        name, public = checkpoints.read_verifier_key(key)
    except checkpoints.NoteRefused as wrong:
        raise setting_definitions.BadSetting(
            f"The setting KICAU_WITNESSES cannot be used: {wrong} Each is NAME+HASH+KEY, a space and an address."
        ) from wrong
    return Witness(name, public, url.strip())


def anchored(signed: SignedCheckpoint) -> list[str]:
    """Asks now whom the operator allows, in code that waits; see `anchor`. Does nothing where nobody is named."""
    whom = services()
    return async_to_sync(anchor)(signed, whom) if whom and signed.size else []


async def anchor(signed: SignedCheckpoint, whom: Services) -> list[str]:
    """Asks everybody who has not spoken of this checkpoint yet, and keeps what they say with it. Returns a sentence for
    each who did not answer as they should; nothing is lost by that."""
    troubles: list[str] = []
    known = {(a["kind"], a["by"]) for a in signed.anchors}
    digest = hashlib.sha256(signed.note.encode()).digest()
    async with guarded_session(timeout=30) as client:
        asking: list[tuple[str, str, Callable[[], Awaitable[Anchor]]]] = [
            *(("rfc3161", url, lambda url=url: _stamped(client, url, signed.note)) for url in whom.stampers),
            *(("opentimestamps", url, lambda url=url: _promised(client, url, digest)) for url in whom.calendars),
            *(("witness", w.name, lambda w=w: _cosigned(client, w, signed)) for w in whom.witnesses),
        ]
        for kind, by, ask in asking:
            if (kind, by) not in known:
                await _kept(signed, by, ask, troubles)
        for old in [a for a in signed.anchors if a["kind"] == "opentimestamps" and a["pending"]]:
            await _kept(signed, old["by"], lambda old=old: _upgraded(client, old, digest), troubles, instead=old)  # type: ignore[misc]
    return troubles


async def _kept(
    signed: SignedCheckpoint,
    by: str,
    ask: Callable[[], Awaitable[Anchor]],
    troubles: list[str],
    instead: Anchor | None = None,
) -> None:
    try:
        made = await ask()
    except (OSError, TimeoutError, aiohttp.ClientError, ValueError, checkpoints.NoteRefused, NotAnchored) as wrong:
        troubles.append(f"{by}: {wrong or type(wrong).__name__}")
        story.warning("a checkpoint could not be anchored", by=by, why=str(wrong), size=signed.size)
        return
    await sync_to_async(_keep)(signed, made, instead)


def _keep(signed: SignedCheckpoint, made: Anchor, instead: Anchor | None) -> None:
    with transaction.atomic():
        row = SignedCheckpoint.objects.select_for_update().get(id=signed.id)
        row.anchors = [*(a for a in row.anchors if a != instead), made]
        row.save(update_fields=["anchors"])
    signed.anchors = row.anchors


async def _asked(
    client: aiohttp.ClientSession, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    async with client.request(method, url, data=body or None, headers=headers, allow_redirects=False) as answer:
        return answer.status, await answer.content.read(LARGEST)


async def _stamped(client: aiohttp.ClientSession, url: str, note: str) -> Anchor:
    """RFC 3161, section 3.4: by HTTP."""
    request = (
        TimestampRequestBuilder(data=note.encode())
        .hash_algorithm(HashAlgorithm.SHA256)
        .cert_request(cert_request=True)
        .nonce()
        .build()
    )
    status, raw = await _asked(client, "POST", url, request.as_bytes(), {"Content-Type": "application/timestamp-query"})
    if status != 200:
        raise NotAnchored(f"it answered {status}")
    answer = decode_timestamp_response(raw)
    if answer.status not in (0, 1):
        raise NotAnchored(f"it refused: {'; '.join(answer.status_string) or answer.status}")
    told = answer.tst_info
    if told.message_imprint.message != request.message_imprint.message or told.nonce != request.nonce:
        raise NotAnchored("its stamp is of something else")
    return {"kind": "rfc3161", "by": url, "at": told.gen_time.astimezone(UTC).isoformat(), "token": _b64(raw)}


async def _promised(client: aiohttp.ClientSession, url: str, digest: bytes) -> Anchor:
    nonce = os.urandom(16)
    status, raw = await _asked(
        client,
        "POST",
        f"{url.rstrip('/')}/digest",
        opentimestamps.asked(digest, nonce),
        {"Accept": "application/vnd.opentimestamps.v1"},
    )
    if status != 200:
        raise NotAnchored(f"it answered {status}")
    return _proof(url, opentimestamps.begun(digest, nonce, raw), digest)


async def _upgraded(client: aiohttp.ClientSession, old: Anchor, digest: bytes) -> Anchor:
    """The promise as the calendar fulfils it, some hours later; only the calendar that was asked is asked again."""
    proof = base64.b64decode(old["proof"])
    for promise in opentimestamps.attested(proof, digest):
        if promise.calendar:
            status, raw = await _asked(
                client,
                "GET",
                f"{old['by'].rstrip('/')}/timestamp/{promise.message.hex()}",
                headers={"Accept": "application/vnd.opentimestamps.v1"},
            )
            if status == 200:
                return _proof(old["by"], opentimestamps.upgraded(proof, digest, promise, raw), digest)
            if status != 404:
                raise NotAnchored(f"it answered {status}")
    return old


def _proof(url: str, proof: bytes, digest: bytes) -> Anchor:
    blocks = [one.height for one in opentimestamps.attested(proof, digest) if one.height is not None]
    return {"kind": "opentimestamps", "by": url, "at": _now(), "proof": _b64(proof), "pending": not blocks}


async def _cosigned(client: aiohttp.ClientSession, witness: Witness, signed: SignedCheckpoint) -> Anchor:
    """https://c2sp.org/tlog-witness, looked up 2026-11-26: where the witness saw another size, it is asked from there."""
    old = 0
    for _ in range(3):
        proof = await sync_to_async(log.growth)(old, signed.size)
        body = "".join([f"old {old}\n", *(f"{_b64(step)}\n" for step in proof), "\n", signed.note])
        status, raw = await _asked(
            client, "POST", f"{witness.url.rstrip('/')}/add-checkpoint", body.encode(), {"Content-Type": CHECKPOINT}
        )
        if status != 409:
            break
        if not raw.strip().isdigit() or int(raw) > signed.size:
            raise NotAnchored("it saw a log of this name that is longer, or another")
        old = int(raw)
    if status != 200:
        raise NotAnchored(f"it answered {status}: {raw[:200].decode('utf-8', 'replace')}")
    at = checkpoints.witnessed(signed.note + raw.decode("utf-8", "replace"), witness.name, witness.key)
    line = next(s for name, s in checkpoints.split(signed.note + raw.decode())[1] if name == witness.name)
    return {
        "kind": "witness",
        "by": witness.name,
        "key": _b64(witness.key),
        "signature": _b64(line),
        "at": datetime.fromtimestamp(at, UTC).isoformat(),
    }


async def anchor_due() -> int:
    """The chore: where outsiders may be asked, a log that grew is shown to them every hour, and old promises are asked
    after."""
    whom = services()
    if not whom:
        return 0
    for signed in await sync_to_async(_due)():
        await anchor(signed, whom)
    return 0


def _due() -> Iterable[SignedCheckpoint]:
    newest = SignedCheckpoint.objects.first()
    if newest is None or newest.at < clock.now() - OFTEN:
        newest = log.checkpoint()
    pending = SignedCheckpoint.objects.filter(
        anchors__contains=[{"pending": True}], at__gt=clock.now() - timedelta(days=14)
    )
    return list({row.id: row for row in [newest, *pending] if row.size}.values())


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _now() -> str:
    return clock.now().isoformat(timespec="seconds")
