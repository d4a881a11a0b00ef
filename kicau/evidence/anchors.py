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
from functools import partial
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
MAX_RESPONSE_BYTES = 1 << 20  # bytes of an answer
ANCHOR_INTERVAL = timedelta(hours=1)  # how often a log that grows is shown to outsiders without being asked
CHECKPOINT_MIME = "application/octet-stream"

type Anchor = dict[str, Any]  # kind, by, at (ISO 8601, UTC), and what its kind needs; see verify.check_anchors


class AnchorFailed(Exception):
    """Ask again later: the service did not say what it should. The message names it and what it answered."""


@dataclass(frozen=True, slots=True)
class WitnessService:
    """Somebody who co-signs: their name and Ed25519 key, and the address that their protocol's paths begin with."""

    name: str
    key: bytes
    url: str


@dataclass(frozen=True, slots=True)
class AnchorServices:
    """Whom the operator allows to be asked."""

    stampers: Sequence[str] = ()
    calendars: Sequence[str] = ()
    witnesses: Sequence[WitnessService] = ()

    def __bool__(self) -> bool:
        return bool(self.stampers or self.calendars or self.witnesses)


def configured_services() -> AnchorServices:
    """As the settings name them. Raises SettingError."""
    return AnchorServices(
        setting_definitions.read_list_setting("KICAU_TIMESTAMPS"),
        setting_definitions.read_list_setting("KICAU_OPENTIMESTAMPS"),
        [_parse_witness(told) for told in setting_definitions.read_list_setting("KICAU_WITNESSES")],
    )


def _parse_witness(told: str) -> WitnessService:
    key, _, url = told.partition(" ")
    try:
        name, public = checkpoints.parse_verifier_key(key)
    except checkpoints.InvalidNote as wrong:
        raise setting_definitions.SettingError(
            f"The setting KICAU_WITNESSES cannot be used: {wrong} Each is NAME+HASH+KEY, a space and an address."
        ) from wrong
    return WitnessService(name, public, url.strip())


def anchor_async(signed: SignedCheckpoint) -> list[str]:
    """Asks now whom the operator allows, in code that waits; see `anchor_checkpoint`. Does nothing where nobody is named."""
    whom = configured_services()
    return async_to_sync(anchor_checkpoint)(signed, whom) if whom and signed.size else []


async def anchor_checkpoint(signed: SignedCheckpoint, whom: AnchorServices) -> list[str]:
    """Asks everybody who has not spoken of this checkpoint yet, and keeps what they say with it. Returns a sentence for
    each who did not answer as they should; nothing is lost by that."""
    troubles: list[str] = []
    known = {(a["kind"], a["by"]) for a in signed.anchors}
    digest = hashlib.sha256(signed.note.encode()).digest()
    async with guarded_session(timeout=30) as client:
        asking: list[tuple[str, str, Callable[[], Awaitable[Anchor]]]] = [
            *(("rfc3161", url, lambda url=url: _request_timestamp(client, url, signed.note)) for url in whom.stampers),
            *(
                ("opentimestamps", url, lambda url=url: _request_calendar(client, url, digest))
                for url in whom.calendars
            ),
            *(("witness", w.name, lambda w=w: _request_cosignature(client, w, signed)) for w in whom.witnesses),
        ]
        for kind, by, ask in asking:
            if (kind, by) not in known:
                await _ask_and_save(signed, by, ask, troubles)
        for old in [a for a in signed.anchors if a["kind"] == "opentimestamps" and a["pending"]]:
            upgrade = partial(_upgrade_proof, client, old, digest)
            await _ask_and_save(signed, old["by"], upgrade, troubles, instead=old)
    return troubles


async def _ask_and_save(
    signed: SignedCheckpoint,
    by: str,
    ask: Callable[[], Awaitable[Anchor]],
    troubles: list[str],
    instead: Anchor | None = None,
) -> None:
    try:
        made = await ask()
    except (OSError, TimeoutError, aiohttp.ClientError, ValueError, checkpoints.InvalidNote, AnchorFailed) as wrong:
        troubles.append(f"{by}: {wrong or type(wrong).__name__}")
        story.warning("a checkpoint could not be anchored", by=by, why=str(wrong), size=signed.size)
        return
    await sync_to_async(_save_anchor)(signed, made, instead)


def _save_anchor(signed: SignedCheckpoint, made: Anchor, instead: Anchor | None) -> None:
    with transaction.atomic():
        row = SignedCheckpoint.objects.select_for_update().get(id=signed.id)
        row.anchors = [*(a for a in row.anchors if a != instead), made]
        row.save(update_fields=["anchors"])
    signed.anchors = row.anchors


async def _request(
    client: aiohttp.ClientSession, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    async with client.request(method, url, data=body or None, headers=headers, allow_redirects=False) as answer:
        return answer.status, await answer.content.read(MAX_RESPONSE_BYTES)


async def _request_timestamp(client: aiohttp.ClientSession, url: str, note: str) -> Anchor:
    """RFC 3161, section 3.4: by HTTP."""
    request = (
        TimestampRequestBuilder(data=note.encode())
        .hash_algorithm(HashAlgorithm.SHA256)
        .cert_request(cert_request=True)
        .nonce()
        .build()
    )
    status, raw = await _request(
        client, "POST", url, request.as_bytes(), {"Content-Type": "application/timestamp-query"}
    )
    if status != 200:
        raise AnchorFailed(f"it answered {status}")
    answer = decode_timestamp_response(raw)
    if answer.status not in (0, 1):
        raise AnchorFailed(f"it refused: {'; '.join(answer.status_string) or answer.status}")
    told = answer.tst_info
    if told.message_imprint.message != request.message_imprint.message or told.nonce != request.nonce:
        raise AnchorFailed("its stamp is of something else")
    return {"kind": "rfc3161", "by": url, "at": told.gen_time.astimezone(UTC).isoformat(), "token": _encode_base64(raw)}


async def _request_calendar(client: aiohttp.ClientSession, url: str, digest: bytes) -> Anchor:
    nonce = os.urandom(16)
    status, raw = await _request(
        client,
        "POST",
        f"{url.rstrip('/')}/digest",
        opentimestamps.calendar_digest(digest, nonce),
        {"Accept": "application/vnd.opentimestamps.v1"},
    )
    if status != 200:
        raise AnchorFailed(f"it answered {status}")
    return _opentimestamps_anchor(url, opentimestamps.new_proof(digest, nonce, raw), digest)


async def _upgrade_proof(client: aiohttp.ClientSession, old: Anchor, digest: bytes) -> Anchor:
    """The promise as the calendar fulfils it, some hours later; only the calendar that was asked is asked again."""
    proof = base64.b64decode(old["proof"])
    for promise in opentimestamps.attestations(proof, digest):
        if promise.calendar:
            status, raw = await _request(
                client,
                "GET",
                f"{old['by'].rstrip('/')}/timestamp/{promise.message.hex()}",
                headers={"Accept": "application/vnd.opentimestamps.v1"},
            )
            if status == 200:
                return _opentimestamps_anchor(
                    old["by"], opentimestamps.upgrade_proof(proof, digest, promise, raw), digest
                )
            if status != 404:
                raise AnchorFailed(f"it answered {status}")
    return old


def _opentimestamps_anchor(url: str, proof: bytes, digest: bytes) -> Anchor:
    blocks = [one.height for one in opentimestamps.attestations(proof, digest) if one.height is not None]
    return {
        "kind": "opentimestamps",
        "by": url,
        "at": _iso_now(),
        "proof": _encode_base64(proof),
        "pending": not blocks,
    }


async def _request_cosignature(
    client: aiohttp.ClientSession, witness: WitnessService, signed: SignedCheckpoint
) -> Anchor:
    """https://c2sp.org/tlog-witness, looked up 2026-11-26: where the witness saw another size, it is asked from there."""
    old = 0
    for _ in range(3):
        proof = await sync_to_async(log.consistency_proof)(old, signed.size)
        body = "".join([f"old {old}\n", *(f"{_encode_base64(step)}\n" for step in proof), "\n", signed.note])
        status, raw = await _request(
            client,
            "POST",
            f"{witness.url.rstrip('/')}/add-checkpoint",
            body.encode(),
            {"Content-Type": CHECKPOINT_MIME},
        )
        if status != 409:
            break
        if not raw.strip().isdigit() or int(raw) > signed.size:
            raise AnchorFailed("it saw a log of this name that is longer, or another")
        old = int(raw)
    if status != 200:
        raise AnchorFailed(f"it answered {status}: {raw[:200].decode('utf-8', 'replace')}")
    at = checkpoints.verify_cosignature(signed.note + raw.decode("utf-8", "replace"), witness.name, witness.key)
    line = next(s for name, s in checkpoints.split_note(signed.note + raw.decode())[1] if name == witness.name)
    return {
        "kind": "witness",
        "by": witness.name,
        "key": _encode_base64(witness.key),
        "signature": _encode_base64(line),
        "at": datetime.fromtimestamp(at, UTC).isoformat(),
    }


async def anchor_due() -> int:
    """The chore: where outsiders may be asked, a log that grew is shown to them every hour, and old promises are asked
    after."""
    whom = configured_services()
    if not whom:
        return 0
    for signed in await sync_to_async(_due_checkpoints)():
        await anchor_checkpoint(signed, whom)
    return 0


def _due_checkpoints() -> Iterable[SignedCheckpoint]:
    newest = SignedCheckpoint.objects.first()
    if newest is None or newest.at < clock.now() - ANCHOR_INTERVAL:
        newest = log.current_checkpoint()
    pending = SignedCheckpoint.objects.filter(
        anchors__contains=[{"pending": True}], at__gt=clock.now() - timedelta(days=14)
    )
    return list({row.id: row for row in [newest, *pending] if row.size}.values())


def _encode_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _iso_now() -> str:
    return clock.now().isoformat(timespec="seconds")
