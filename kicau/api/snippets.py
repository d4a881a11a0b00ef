"""Endpoints: saved texts, groups of channels, contacts, and accounts to mention."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from kicau.api.core.authentication import acting
from kicau.api.core.paging import page
from kicau.api.core.routes import READS, WRITES, Id, asks_outside
from kicau.api.schemas import snippets as s
from kicau.api.schemas.base import PageQuery
from kicau.base import outbound
from kicau.channels.actions import one_channel
from kicau.publishing.content import contacts, mentions, snippets
from kicau.publishing.models import ChannelGroup, Contact, Handle, SavedText

routes = Router(tags=["Writing"])


@routes.get("/texts", response=s.SavedTextPage, summary="List saved texts", openapi_extra=READS)
def list_texts(request: HttpRequest, asked: Query[s.SavedTextQuery]) -> dict[str, Any]:
    rows = snippets.saved_texts(acting(request))
    return page(rows.filter(kind=asked.kind) if asked.kind else rows, ("kind", "name"), asked, _text)


@routes.post("/texts", response={201: s.SavedText}, summary="Keep a text", openapi_extra=WRITES)
def save_text(request: HttpRequest, given: s.SavedTextInput) -> s.SavedText:
    """A template, a signature or a group of hashtags. The same kind and name again replaces it."""
    return _text(snippets.save_text(acting(request), given.kind, given.name, given.text))


@routes.delete("/texts/{text_id}", response={204: None}, summary="Forget a text", openapi_extra=WRITES)
def forget_text(request: HttpRequest, text_id: Id) -> None:
    """Posts that were written with it stay as they are."""
    snippets.forget_text(acting(request), text_id)


@routes.get("/channel-groups", response=s.ChannelGroupPage, summary="List groups of channels", openapi_extra=READS)
def list_groups(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    return page(snippets.channel_groups(acting(request)), ("name", "id"), asked, _group)


@routes.post("/channel-groups", response={201: s.ChannelGroup}, summary="Keep a group", openapi_extra=WRITES)
def save_group(request: HttpRequest, given: s.ChannelGroupInput) -> s.ChannelGroup:
    """The same name again replaces its channels."""
    return _group(snippets.save_group(acting(request), given.name, given.channels))


@routes.delete("/channel-groups/{group_id}", response={204: None}, summary="Forget a group", openapi_extra=WRITES)
def forget_group(request: HttpRequest, group_id: Id) -> None:
    """Its channels stay."""
    snippets.forget_group(acting(request), group_id)


@routes.get("/contacts", response=s.ContactPage, summary="List contacts", openapi_extra=READS)
def list_contacts(request: HttpRequest, asked: Query[PageQuery]) -> dict[str, Any]:
    return page(contacts.contacts(acting(request)), ("name", "id"), asked, _contact)


@routes.post("/contacts", response={201: s.Contact}, summary="Keep a contact", openapi_extra=WRITES)
def save_contact(request: HttpRequest, given: s.ContactInput) -> s.Contact:
    """@name in a text becomes the right handle on each network; where it has none, the name without a link. The same
    name again replaces it."""
    return _contact(contacts.save_contact(acting(request), given.name, given.mentions))


@routes.delete("/contacts/{contact_id}", response={204: None}, summary="Forget a contact", openapi_extra=WRITES)
def forget_contact(request: HttpRequest, contact_id: Id) -> None:
    """What is scheduled stays as it is."""
    contacts.forget_contact(acting(request), contact_id)


@routes.get("/accounts", response=s.AccountPage, summary="List accounts to mention", openapi_extra=READS)
def list_accounts(request: HttpRequest, asked: Query[s.AccountQuery]) -> dict[str, Any]:
    """Those that were looked up or written here before; no network is asked."""
    rows = mentions.known(acting(request), asked.words, [asked.network] if asked.network else None)
    return page(rows, ("handle", "id"), asked, _account)


@routes.post("/accounts/look-up", response=s.Found, summary="Look an account up on its network", openapi_extra=WRITES)
@asks_outside
def look_up_account(request: HttpRequest, given: s.LookUp) -> s.Found:
    """Charged as the network charges it, and refused with 409 where it fits into no budget or the network offers no
    look-up."""
    actor = acting(request)
    channel = one_channel(actor, given.channel)
    return s.Found(
        items=[_account(row) for row in outbound.run(actor.person_id, mentions.look_up, actor, channel, given.words)]
    )


def _text(row: SavedText) -> s.SavedText:
    return s.SavedText.model_validate(
        {"id": str(row.id), "kind": row.kind, "name": row.name, "text": row.text, "created_at": row.created_at}
    )


def _group(row: ChannelGroup) -> s.ChannelGroup:
    return s.ChannelGroup(id=str(row.id), name=row.name, channels=row.keys)


def _contact(row: Contact) -> s.Contact:
    return s.Contact(id=str(row.id), name=row.name, mentions=row.mentions)


def _account(row: Handle) -> s.Account:
    return s.Account(
        network=row.network,
        handle=row.handle,
        name=row.name,
        mention=row.mention,
        found=row.is_there,
        seen_at=row.seen_at,
    )
