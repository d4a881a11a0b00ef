"""What one channel is given of a draft: the seam's own draft, with the network's and the channel's version over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kicau.channels.channel_session import capabilities_of
from kicau.channels.models import Channel
from kicau.connector import content
from kicau.connector.capabilities import Ability
from kicau.media.models import Medium
from kicau.publishing.content import contacts, utm_links
from kicau.publishing.delivery.own_posts import is_reply_to_own_post
from kicau.publishing.models import Draft, Variant


def channel_draft(draft: Draft, channel: Channel, thumbnails: Mapping[str, Medium] | None = None) -> content.Draft:
    """What this channel is given: the draft with the network's and then the channel's own variant over it.

    `draft` comes from `whole`. A first comment and the link's card of the draft itself go only where the channel
    takes them (a link otherwise joins the text); what a variant says goes as it is, and is checked.
    """
    can = capabilities_of(channel)
    own = [v for v in draft.variants.all() if v.network == channel.network]
    own += [v for v in draft.variants.all() if v.channel_id == channel.id]
    parts = _content_parts(draft, next((v for v in reversed(own) if v.has_parts), None))
    said: dict[str, Any] = {k: v for k, v in draft.extras.items() if k in ("link", "poll", "first_comment")}
    if not can.can(Ability.FIRST_COMMENT):
        said.pop("first_comment", None)
    options = {
        k.split(".", 1)[1]: v
        for k, v in draft.extras.get("options", {}).items()
        if k.split(".", 1)[0] == channel.network
    }
    for variant in own:
        said |= {k: v for k, v in variant.extras.items() if k != "options"}
        options |= {k.split(".", 1)[-1]: v for k, v in variant.extras.get("options", {}).items()}
    link = said.get("link")
    if link and not can.can(Ability.LINK_CARD):
        parts, link = _append_link(parts, link["url"]), None
    poll = said.get("poll")
    spell = contacts.mention_speller(draft.workspace, channel.network)
    mark = (
        utm_links.link_marker(channel.network, draft.campaign.name)
        if draft.extras.get("mark_links") and draft.campaign
        else str
    )
    reply_to = options.pop("reply_to", "").strip() or None
    return content.Draft(
        parts=tuple(replace(part, text=mark(spell(part.text))) for part in parts),
        link=_content_link({**link, "url": mark(link["url"])}, draft, thumbnails) if link else None,
        poll=content.Poll(options=tuple(poll["options"]), minutes=poll["minutes"], question=poll["question"])
        if poll
        else None,
        first_comment=mark(spell(said.get("first_comment") or "")),
        language=draft.language,
        reply_to=reply_to,
        answers_own=is_reply_to_own_post([channel], reply_to),
        options=options,
        convert=bool(draft.extras.get("convert", True)),
    )


def _content_parts(draft: Draft, variant: Variant | None) -> tuple[content.Part, ...]:
    wanted = variant.id if variant else None
    return tuple(
        content.Part(
            text=part.text,
            media=tuple(use.medium.value(use.alt, use.cover, use.cover_ms) for use in part.uses.all()),
        )
        for part in draft.parts.all()
        if part.variant_id == wanted
    )


def _append_link(parts: tuple[content.Part, ...], url: str) -> tuple[content.Part, ...]:
    if not parts or any(url in part.text for part in parts):
        return parts
    first = parts[0]
    text = f"{first.text.rstrip()}\n\n{url}" if first.text.strip() else url
    return (content.Part(text=text, media=first.media), *parts[1:])


def _content_link(link: Mapping[str, Any], draft: Draft, thumbnails: Mapping[str, Medium] | None) -> content.Link:
    picture = None
    if key := link.get("thumbnail"):
        row = (thumbnails or {}).get(key) or Medium.objects.filter(workspace_id=draft.workspace_id, id=key).first()
        picture = row.value() if row else None
    return content.Link(url=link["url"], title=link["title"], description=link["description"], thumbnail=picture)
