"""Whom a text may mention: candidates as one types, look-ups at the networks, and what is known of each mention."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import aiohttp
from asgiref.sync import sync_to_async
from django.db import transaction
from django.db.models import Q, QuerySet

from kicau.base import clock
from kicau.base.errors import Conflict, ValidationFailed
from kicau.base.sentences import Sentence
from kicau.channels import rate_limit_backoff
from kicau.channels.channel_session import ChannelSession, new_client
from kicau.channels.metered_session import charge_context
from kicau.channels.models import Channel, ChannelState
from kicau.connector import registry
from kicau.connector.content import Problem, Rendered, RenderedPart, Span, SpanKind
from kicau.connector.errors import ConnectorError, Rejected
from kicau.connector.roles.account_search import AccountSearch, AccountSearchRules, MentionableAccount
from kicau.costs import call_budgets
from kicau.costs.ledger import ChargeContext
from kicau.costs.models import Purpose
from kicau.costs.pricing import PricedCharge, price_charges
from kicau.publishing.content import contacts
from kicau.publishing.models import Draft, KnownAccount, Part, SavedText
from kicau.workspaces.actors import Actor, Permission

MAX_CANDIDATES = 8  # candidates of one network
RECENT_TEXTS_COUNT = 200  # texts that are read for hashtags
LOOKUP_LIFETIME = timedelta(days=30)  # after which a look-up counts as never made
HASHTAG_PATTERN = re.compile(r"(?<![\w#&/])#[^\s#@]+")
TRAILING_PUNCTUATION = ".,;:!?'\"()[]{}…’”"

type MentionState = Literal["there", "missing", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMention:
    """One account that a channel's post mentions, and what is known of it."""

    target: str
    text: str  # as readers see it
    state: MentionState
    name: str = ""


def people_search_of(network: str) -> AccountSearchRules | None:
    """How accounts can be looked up there; None: the network offers nothing for it."""
    connector = registry.get_connector(network)
    return connector.finding if isinstance(connector, AccountSearch) else None


def lookup_price(channel: Channel) -> tuple[PricedCharge, ...]:
    """What one look-up costs at the most, by today's price list."""
    finding = people_search_of(channel.network)
    return price_charges(channel.network, [finding.charge], plan=channel.app.plan) if finding else ()


def suggest_handles(actor: Actor, networks: Iterable[str], words: str) -> list[KnownAccount]:
    """Accounts that were found or written here before, whose handle or name begins with the words."""
    rows = known_handles(actor, words, list(networks)).exclude(is_there=False)
    return list(rows.order_by("network", "-seen_at")[: MAX_CANDIDATES * 4]) if words else []


def known_handles(actor: Actor, words: str = "", networks: Sequence[str] | None = None) -> QuerySet[KnownAccount]:
    """The accounts whose handle or name begins with the words, those that nobody was found behind too."""
    actor.require(Permission.READ)
    rows = KnownAccount.objects.filter(workspace=actor.workspace)
    if networks is not None:
        rows = rows.filter(network__in=networks)
    begins = Q(handle__istartswith=words) | Q(name__istartswith=words) | Q(name__icontains=f" {words}")
    return rows.filter(begins) if words else rows


def suggest_tags(actor: Actor, words: str) -> list[str]:
    """Hashtags (with #) that begin with the words: of the saved groups first, then of what was written lately."""
    actor.require(Permission.READ)
    saved = SavedText.objects.filter(workspace=actor.workspace, kind=SavedText.Kind.HASHTAGS).values_list(
        "text", flat=True
    )
    lately = (
        Part.objects.filter(draft__workspace=actor.workspace, text__contains="#")
        .order_by("-id")
        .values_list("text", flat=True)
    )
    found = dict.fromkeys(
        match[0].rstrip(TRAILING_PUNCTUATION)
        for text in [*saved, *lately[:RECENT_TEXTS_COUNT]]
        for match in HASHTAG_PATTERN.finditer(text)
    )
    return [tag for tag in found if tag.casefold().startswith(f"#{words.casefold()}") and len(tag) > 1][:MAX_CANDIDATES]


# Looking up


async def look_up_accounts(
    actor: Actor, channel: Channel, words: str, *, client: aiohttp.ClientSession | None = None
) -> list[KnownAccount]:
    """Ask the channel's network for accounts, and remember what it says; a whole handle that nobody has too.

    The call is charged as any is, and is not made where it does not fit into a budget. Raises NotAllowed, Conflict with
    the reason where it could not be asked, ValidationFailed with the network's sentence.
    """
    actor.require(Permission.WRITE)
    connector = registry.get_connector(channel.network)
    label, session = connector.label, client or new_client()
    try:
        if not isinstance(connector, AccountSearch):
            raise Conflict(
                Sentence(
                    "{network} does not let apps such as Kicau search for accounts. Type the handle yourself.",
                    network=label,
                )
            )
        if channel.state != ChannelState.ACTIVE:
            raise Conflict(
                Sentence(
                    "The channel {channel} is not connected to its social network. Reconnect the channel first.",
                    channel=channel.name,
                )
            )
        if later := rate_limit_backoff.sync_resumes_at(channel, clock.now()):
            raise Conflict(
                Sentence(
                    "Kicau has used most of the API requests that {network} allows and keeps the rest for publishing. Type the handle yourself, or search again after {until}.",
                    network=label,
                    until=later,
                )
            )
        work = charge_context(channel, Purpose.READ, actor.person_id)
        purse = await sync_to_async(call_budgets.new_call_budget)(work)
        live = ChannelSession(channel, session, call_budgets.call_payer(work, purse, label))
        await sync_to_async(call_budgets.reserve_for_action)(work, purse, [connector.finding.charge], label)
        try:
            found = await connector.people(live, words.strip().removeprefix("@"))
        finally:
            await sync_to_async(_record_lookup_charges)(work, live)
        return await sync_to_async(_remember_accounts)(actor, channel.network, words, found, connector.finding)
    except Rejected as exc:
        raise ValidationFailed(exc.problems) from exc
    except ConnectorError as exc:
        raise Conflict(
            Sentence(
                "Kicau could not read the settings of your account on {network}: {why}. Try again later.",
                network=label,
                why=str(exc)[:200],
            )
        ) from exc
    finally:
        if client is None:
            await session.close()


@transaction.atomic
def _record_lookup_charges(work: ChargeContext, live: ChannelSession) -> None:
    call_budgets.record_calls(work, live.http.calls)
    rate_limit_backoff.store_pauses(live.channel, live.http.allowed)


def _remember_accounts(
    actor: Actor, network: str, words: str, found: Sequence[MentionableAccount], finding: AccountSearchRules
) -> list[KnownAccount]:
    now = clock.now()
    rows = [
        KnownAccount(
            workspace=actor.workspace,
            network=network,
            target=one.target.casefold()[:300],
            mention=one.mention[:400],
            handle=one.handle[:300],
            name=one.name[:300],
            is_there=True,
            seen_at=now,
        )
        for one in found
    ]
    whole = words.strip().removeprefix("@")
    if not any(whole.casefold() in (row.target, row.handle.casefold()) for row in rows) and whole:
        sure = finding.every and (not finding.as_typed or "." in whole or "@" in whole)
        if sure:  # a whole handle, and nobody has it
            rows.append(
                KnownAccount(
                    workspace=actor.workspace,
                    network=network,
                    target=whole.casefold()[:300],
                    mention=f"@{whole}"[:400],
                    handle=whole[:300],
                    is_there=False,
                    seen_at=now,
                )
            )
    _save_handles({row.target: row for row in rows}.values(), ["mention", "handle", "name", "is_there", "seen_at"])
    return [row for row in rows if row.is_there]


def _save_handles(rows: Iterable[KnownAccount], fields: Sequence[str]) -> None:
    KnownAccount.objects.bulk_create(
        list(rows), update_conflicts=True, unique_fields=["workspace", "network", "target"], update_fields=list(fields)
    )


# What is known of a post's mentions


def account_mentions(actor: Actor, shown: Sequence[tuple[Channel, Rendered]]) -> list[tuple[AccountMention, ...]]:
    """For each channel the accounts that its post mentions, each once; in one statement for all of them."""
    spans = [list(_mention_spans(rendered)) for _, rendered in shown]
    wanted = {span.target.casefold() for row in spans for span in row}
    known: dict[tuple[str, str], KnownAccount] = {}
    if wanted:
        rows = KnownAccount.objects.filter(
            workspace=actor.workspace, target__in=wanted, seen_at__gte=clock.now() - LOOKUP_LIFETIME
        )
        known = {(row.network, row.target): row for row in rows}
    return [
        tuple(_build_mention(span, known.get((channel.network, span.target.casefold()))) for span in row)
        for (channel, _), row in zip(shown, spans, strict=True)
    ]


def _build_mention(span: Span, row: KnownAccount | None) -> AccountMention:
    state: MentionState = "unknown" if row is None or row.is_there is None else "there" if row.is_there else "missing"
    return AccountMention(target=span.target, text=span.text, state=state, name=row.name if row else "")


def _mention_spans(rendered: Rendered) -> Iterator[Span]:
    parts = [*rendered.parts, *([rendered.first_comment] if rendered.first_comment else [])]
    found = (span for part in parts for span in part.spans if span.kind is SpanKind.MENTION and span.target)
    yield from {span.target.casefold(): span for span in found}.values()


def mention_warnings(
    channel: Channel, rendered: Rendered, found: Sequence[AccountMention], draft: Draft
) -> tuple[Problem, ...]:
    """What the author should know of mentions and hashtags on this channel; none of it blocks."""
    label, texts = registry.get_connector(channel.network).label, _typed_texts(draft, channel)
    told = [
        Problem(
            code="unknown-mention",
            message="There is no account {handle} on {network}. Check the spelling of the handle.",
            params={"network": label, "handle": one.text},
            field="parts.0.text",
        )
        for one in found
        if one.state == "missing"
    ]
    told += [
        Problem(
            code="contact-without-handle",
            message="The contact {name} has no handle for {network}, so the post shows the name without a link to an account.",
            params={"network": label, "name": name},
            field="parts.0.text",
        )
        for name in contacts.contacts_without_handle(draft.workspace, channel.network, texts)
    ]
    for n, part in enumerate(rendered.parts):
        told += _broken_tag_warnings(label, n, part)
    return tuple(told)


def _typed_texts(draft: Draft, channel: Channel) -> list[str]:
    own = {
        v.id
        for v in draft.variants.all()
        if (v.has_parts and channel.network == v.network) or v.channel_id == channel.id
    }
    return [part.text for part in draft.parts.all() if (part.variant_id in own if own else part.variant_id is None)]


def _broken_tag_warnings(label: str, n: int, part: RenderedPart) -> Iterator[Problem]:
    """Words that look like hashtags, and are none (or only in part) for the network's readers."""
    tags = {span.start: span.text for span in part.spans if span.kind is SpanKind.TAG}
    for match in HASHTAG_PATTERN.finditer(part.text):
        word = match[0].rstrip(TRAILING_PUNCTUATION)
        if (
            len(word) < 2
            or word[1:].isdigit()
            or any(s.start <= match.start() < s.end and s.kind is not SpanKind.TAG for s in part.spans)
        ):
            continue
        made = tags.get(match.start())
        params = {"network": label, "tag": word, "short": made or ""}
        if made is None:
            yield Problem(
                code="no-tag",
                message="On {network}, {tag} does not become a hashtag. It appears as normal text.",
                params=params,
                field=f"parts.{n}.text",
            )
        elif len(made) < len(word):
            yield Problem(
                code="short-tag",
                message="On {network}, only {short} becomes a hashtag, not the whole text {tag}.",
                params=params,
                field=f"parts.{n}.text",
            )


def record_used_handles(actor: Actor, shown: Iterable[tuple[Channel, Rendered]]) -> None:
    """Remember who is mentioned in what was scheduled, so that they are offered again."""
    rows: dict[tuple[str, str], KnownAccount] = {}
    for channel, rendered in shown:
        for span in _mention_spans(rendered):
            target, handle = span.target.casefold()[:300], span.text.removeprefix("@")[:300]
            if handle.casefold() == target:  # elsewhere the words that readers see are not what an author writes
                rows[channel.network, target] = KnownAccount(
                    workspace=actor.workspace,
                    network=channel.network,
                    target=target,
                    mention=f"@{handle}",
                    handle=handle,
                )
    if rows:
        KnownAccount.objects.bulk_create(list(rows.values()), ignore_conflicts=True)
