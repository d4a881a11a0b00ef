"""Endpoints: saved texts, groups of channels, contacts, and accounts to mention."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from kicau.api.core.authentication import authenticated_actor
from kicau.api.core.paging import paginate
from kicau.api.core.routes import READ_SCOPE, WRITE_SCOPE, UuidPath, waits_for_network
from kicau.api.schemas import snippets as s
from kicau.api.schemas.base import PageQuery
from kicau.base import outbound
from kicau.channels.actions import one_channel
from kicau.publishing.content import contacts, mentions, snippets
from kicau.publishing.models import ChannelGroup, Contact, KnownAccount, SavedText

routes = Router(tags=["Saved texts and contacts"])


@routes.get("/saved-texts", response=s.SavedTextPage, summary="List saved texts", openapi_extra=READ_SCOPE)
def list_texts(request: HttpRequest, asked: Query[s.SavedTextQuery]) -> dict[str, Any]:
    rows = snippets.saved_texts(authenticated_actor(request))
    return paginate(rows.filter(kind=asked.kind) if asked.kind else rows, ("kind", "name"), asked, _saved_text_schema)


@routes.post("/saved-texts", response={201: s.SavedText}, summary="Save a text", openapi_extra=WRITE_SCOPE)
def save_text(request: HttpRequest, given: s.SavedTextInput) -> s.SavedText:
    """Saves a template, a signature or a hashtag group. An existing text of this kind and name is replaced."""
    return _saved_text_schema(snippets.save_text(authenticated_actor(request), given.kind, given.name, given.text))


@routes.delete("/saved-texts/{text_id}", response={204: None}, summary="Delete a saved text", openapi_extra=WRITE_SCOPE)
def forget_text(request: HttpRequest, text_id: UuidPath) -> None:
    """Posts that use it do not change."""
    snippets.delete_text(authenticated_actor(request), text_id)


@routes.get("/channel-groups", response=s.ChannelGroupPage, summary="List channel groups", openapi_extra=READ_SCOPE)
def list_groups(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    return paginate(snippets.channel_groups(authenticated_actor(request)), ("name", "id"), asked, _group_schema)


@routes.post(
    "/channel-groups", response={201: s.ChannelGroup}, summary="Save a channel group", openapi_extra=WRITE_SCOPE
)
def save_group(request: HttpRequest, given: s.ChannelGroupInput) -> s.ChannelGroup:
    """The channels of an existing group with this name are replaced."""
    return _group_schema(snippets.save_group(authenticated_actor(request), given.name, given.channels))


@routes.delete(
    "/channel-groups/{group_id}", response={204: None}, summary="Delete a channel group", openapi_extra=WRITE_SCOPE
)
def forget_group(request: HttpRequest, group_id: UuidPath) -> None:
    """Its channels are not deleted."""
    snippets.delete_group(authenticated_actor(request), group_id)


@routes.get("/contacts", response=s.ContactPage, summary="List contacts", openapi_extra=READ_SCOPE)
def list_contacts(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    return paginate(contacts.contacts(authenticated_actor(request)), ("name", "id"), asked, _contact_schema)


@routes.post("/contacts", response={201: s.Contact}, summary="Save a contact", openapi_extra=WRITE_SCOPE)
def save_contact(request: HttpRequest, given: s.ContactInput) -> s.Contact:
    """@name in a text becomes the right handle on each network. On networks without a handle it becomes the name without a
    link. An existing contact with this name is replaced."""
    return _contact_schema(contacts.save_contact(authenticated_actor(request), given.name, given.mentions))


@routes.delete("/contacts/{contact_id}", response={204: None}, summary="Delete a contact", openapi_extra=WRITE_SCOPE)
def forget_contact(request: HttpRequest, contact_id: UuidPath) -> None:
    """Scheduled posts do not change."""
    contacts.delete_contact(authenticated_actor(request), contact_id)


@routes.get("/accounts", response=s.MentionCandidatePage, summary="List accounts to mention", openapi_extra=READ_SCOPE)
def list_accounts(request: HttpRequest, asked: Query[s.MentionQuery]) -> dict[str, Any]:
    """Accounts that were looked up or mentioned before. Kicau does not contact a network."""
    rows = mentions.known_handles(authenticated_actor(request), asked.words, [asked.network] if asked.network else None)
    return paginate(rows, ("handle", "id"), asked, _account_schema)


@routes.post(
    "/accounts/look-up",
    response=s.AccountLookupResult,
    summary="Search accounts on a network",
    openapi_extra=WRITE_SCOPE,
)
@waits_for_network
def look_up_account(request: HttpRequest, given: s.AccountLookupInput) -> s.AccountLookupResult:
    """The network may charge for this. Returns 409 if no budget allows it, or if the network does not support the
    search."""
    actor = authenticated_actor(request)
    channel = one_channel(actor, given.channel)
    return s.AccountLookupResult(
        items=[
            _account_schema(row)
            for row in outbound.run_request(actor.person_id, mentions.look_up_accounts, actor, channel, given.words)
        ]
    )


def _saved_text_schema(row: SavedText) -> s.SavedText:
    return s.SavedText.model_validate(
        {"id": str(row.id), "kind": row.kind, "name": row.name, "text": row.text, "created_at": row.created_at}
    )


def _group_schema(row: ChannelGroup) -> s.ChannelGroup:
    return s.ChannelGroup(id=str(row.id), name=row.name, channels=row.keys)


def _contact_schema(row: Contact) -> s.Contact:
    return s.Contact(id=str(row.id), name=row.name, mentions=row.mentions)


def _account_schema(row: KnownAccount) -> s.MentionCandidate:
    return s.MentionCandidate(
        network=row.network,
        handle=row.handle,
        name=row.name,
        mention=row.mention,
        found=row.is_there,
        seen_at=row.seen_at,
    )
