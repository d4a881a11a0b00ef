"""One person, several handles: the book of contacts, and how "@Name" is spelled on each network."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from kicau.base.errors import NotFound, validation_failed
from kicau.base.ids import as_uuid
from kicau.connector import registry
from kicau.publishing.models import Contact
from kicau.workspaces.actors import Actor, Permission
from kicau.workspaces.models import Workspace

MAX_CONTACTS = 2_000  # contacts of one workspace
CONTACT_NAME_PATTERN = re.compile(r"[^\W\d_][\w.-]{0,58}\w|[^\W\d_]")
CONTACT_MENTION_PATTERN = re.compile(
    r"(?<![\w@/.])@([^\W\d_](?:[\w.-]*\w)?)(?![\w@])"
)  # "@Budi", not "mail@budi" and not "@budi@server"

type ContactBook = Mapping[str, Mapping[str, str]]  # case-folded name: {"": as it is written, network: mention}


def contacts(actor: Actor) -> QuerySet[Contact]:
    """By name."""
    actor.require(Permission.READ)
    return Contact.objects.filter(workspace=actor.workspace)


@transaction.atomic
def save_contact(actor: Actor, name: str, mentions: Mapping[str, str]) -> Contact:
    """What "@name" becomes on each network; the same name again replaces it, and an empty mention leaves a network out.

    A mention is written as that network wants it ("@kopisenja", "@[Kopi Senja](urn:li:organization:1)"). Raises
    NotAllowed, ValidationFailed.
    """
    actor.require(Permission.WRITE)
    name = name.strip().removeprefix("@")
    if not CONTACT_NAME_PATTERN.fullmatch(name):
        raise validation_failed(
            "name",
            "The short name of a contact must be one word of at most {limit} letters and digits. It must begin with a letter.",
            limit=60,
        )
    found: dict[str, str] = {}
    for network, mention in mentions.items():
        if network not in registry.installed_slugs():
            raise validation_failed(
                f"mentions.{network}",
                "Kicau has no network named {network!r}. Available networks: {known}.",
                network=network,
                known=", ".join(registry.installed_slugs()),
            )
        if mention := " ".join(mention.split()):
            if len(mention) > 400 or "\x00" in mention:
                raise validation_failed(
                    f"mentions.{network}",
                    "A mention of an account can have at most {limit} characters. Shorten the mention.",
                    limit=400,
                )
            found[network] = mention if "@" in mention else f"@{mention}"
    if not found:
        raise validation_failed(
            "mentions", "Enter the handle of the contact @{name} on at least one network.", name=name
        )
    row = contacts(actor).filter(name__iexact=name).first() or Contact(workspace=actor.workspace)
    if row._state.adding and contacts(actor).count() >= MAX_CONTACTS:
        raise validation_failed(
            "name", "You can save at most {limit} contacts. Remove a contact first.", limit=MAX_CONTACTS
        )
    row.name, row.mentions = name, found
    row.save()
    _clear_contact_book(actor.workspace)
    actor.record("contact.saved", row.id, name=name, networks=sorted(found))
    return row


@transaction.atomic
def delete_contact(actor: Actor, contact_id: UUID | str) -> None:
    """What was scheduled stays as it was rendered. Raises NotAllowed, NotFound."""
    actor.require(Permission.WRITE)
    row = contacts(actor).filter(id=as_uuid(contact_id)).first()
    if row is None:
        raise NotFound("contact", contact_id)
    actor.record("contact.forgotten", row.id, name=row.name, mentions=row.mentions)
    row.delete()
    _clear_contact_book(actor.workspace)


def contact_book(workspace: Workspace) -> ContactBook:
    """The workspace's contacts, read once for as long as this object lives."""
    held: Any = workspace.__dict__.get("_contact_book")
    if held is None:
        rows = Contact.objects.filter(workspace=workspace).values_list("name", "mentions")
        held = workspace.__dict__["_contact_book"] = {
            name.casefold(): {"": name, **mentions} for name, mentions in rows
        }
    book: ContactBook = held
    return book


def _clear_contact_book(workspace: Workspace) -> None:
    workspace.__dict__.pop("_contact_book", None)


def mention_speller(workspace: Workspace, network: str) -> Callable[[str], str]:
    """A function that writes every contact of a text as the network knows them; without a handle there, by their name."""

    def spell(text: str) -> str:
        if "@" not in text or not CONTACT_MENTION_PATTERN.search(text):
            return text
        book = contact_book(workspace)
        return CONTACT_MENTION_PATTERN.sub(lambda called: _spell_mention(called, book, network), text) if book else text

    return spell


def _spell_mention(called: re.Match[str], book: ContactBook, network: str) -> str:
    entry = book.get(called[1].casefold())
    return called[0] if entry is None else entry.get(network, entry[""])


def contacts_without_handle(workspace: Workspace, network: str, texts: list[str]) -> list[str]:
    """The contacts in these texts (as they were typed) who have no handle on the network."""
    names = {found.casefold(): None for text in texts if "@" in text for found in CONTACT_MENTION_PATTERN.findall(text)}
    book = contact_book(workspace) if names else {}
    return [book[name][""] for name in names if name in book and network not in book[name]]
