"""What a person wrote, kept and read again: compositions in, drafts and their compositions out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Prefetch, QuerySet

from kicau.base import clock
from kicau.base.errors import Conflict, NotFound, validation_failed
from kicau.base.ids import NO_ID, as_uuid
from kicau.base.sentences import Sentence
from kicau.channels.models import Channel
from kicau.connector import content, registry
from kicau.media.models import Medium
from kicau.publishing.models import Campaign, Draft, DraftState, Part, PartMedium, Variant
from kicau.rights.models import Origin, check_ai_use
from kicau.workspaces.actors import Actor, Permission

MAX_VIDEO_MS = 24 * 3_600_000  # milliseconds: what a column of a cover's time may hold
MAX_TEXT_LENGTH = 200_000  # characters in one part: far above every network, far below what hurts


@dataclass(frozen=True, slots=True, kw_only=True)
class MediumAttachment:
    medium: UUID | str
    alt: str | None = None  # None: the library's own
    cover: UUID | str | None = None  # of a video: a picture of the library, which wins over
    cover_ms: int | None = None  # the frame at this time (milliseconds); neither: as the network chooses


@dataclass(frozen=True, slots=True, kw_only=True)
class PartContent:
    text: str = ""
    media: tuple[MediumAttachment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkContent:
    url: str
    title: str = ""
    description: str = ""
    thumbnail: UUID | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantContent:
    """For one channel (key or id) or one network; None means: as the draft has it."""

    channel: str = ""
    network: str = ""
    parts: tuple[PartContent, ...] | None = None
    link: LinkContent | None = None
    poll: content.Poll | None = None
    first_comment: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """A whole post as its author gives it. Option names carry their network: "network.option"."""

    parts: tuple[PartContent, ...]
    link: LinkContent | None = None
    poll: content.Poll | None = None
    first_comment: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    variants: tuple[VariantContent, ...] = ()
    language: str = ""
    campaign: str = ""
    tags: tuple[str, ...] = ()
    timezone: str = ""  # IANA; "" the workspace's
    ref: str = ""
    convert: bool = True
    mark_links: bool = False  # with the campaign, for the site's own statistics: see links.py
    origin: str = Origin.COMPOSED
    origin_detail: str = ""
    ai_use: Mapping[str, str] | None = None  # None: the workspace's default


# Saving


def create_draft(actor: Actor, composition: Composition) -> Draft:
    """Raises NotAllowed, ValidationFailed, NotFound, Conflict (a `ref` that is taken)."""
    return save_drafts(actor, [composition])[0]


@transaction.atomic
def save_drafts(actor: Actor, compositions: Sequence[Composition]) -> list[Draft]:
    """Many at once, all or none, in a handful of statements."""
    actor.require(Permission.WRITE)
    book = _LookupCache(actor, compositions)
    refs = [c.ref for c in compositions if c.ref]
    taken = Draft.objects.filter(workspace=actor.workspace, ref__in=refs).values_list("ref", flat=True)
    for ref in taken:
        raise Conflict(
            Sentence(
                "Another post already has the reference {ref!r} (your own ID for a post). Use a different reference.",
                ref=ref,
            )
        )
    drafts = [_build_draft(actor, c, book) for c in compositions]
    Draft.objects.bulk_create(drafts)
    _save_parts(list(zip(drafts, compositions, strict=True)), book)
    for draft in drafts:
        draft._prefetched_objects_cache = {}  # type: ignore[attr-defined]
    if len(drafts) == 1:
        actor.record("draft.created", drafts[0].id)
    elif drafts:
        actor.record("draft.imported", "", count=len(drafts), first=str(drafts[0].id))
    return drafts


def replace_content(actor: Actor, draft: Draft, composition: Composition) -> Draft:
    """Replace a draft's whole content, inside the caller's transaction; its deliveries are the caller's concern. An
    approval does not outlive the change."""
    book = _LookupCache(actor, [composition])
    fresh = _build_draft(actor, composition, book)
    for name in ("language", "extras", "campaign", "tags", "timezone", "ai_use"):
        setattr(draft, name, getattr(fresh, name))
    draft.version += 1
    draft.changed_at = clock.now()
    if draft.state == DraftState.APPROVED:  # what was approved is not this
        draft.state = DraftState.DRAFT
    draft.save()
    draft.parts.all().delete()
    draft.variants.all().delete()
    _save_parts([(draft, composition)], book)
    return draft


class _LookupCache:
    """Media, channels and campaigns that compositions name, each looked up once."""

    def __init__(
        self, actor: Actor, compositions: Sequence[Composition], media: Mapping[UUID, Medium] | None = None
    ) -> None:
        wanted: set[UUID] = set()
        names: set[str] = set()
        for c in compositions:
            uses = [use for part in _all_parts(c) for use in part.media]
            wanted |= {_medium_id(use.medium) for use in uses} | {_medium_id(use.cover) for use in uses if use.cover}
            wanted |= {
                _medium_id(link.thumbnail)
                for link in (c.link, *(v.link for v in c.variants))
                if link and link.thumbnail
            }
            names |= {c.campaign} - {""}
        self.media = {key: medium for key, medium in (media or {}).items() if medium.workspace_id == actor.workspace.id}
        unknown = wanted - set(self.media)
        self.media |= {m.id: m for m in Medium.objects.filter(workspace=actor.workspace, id__in=unknown)}
        for missing in wanted - set(self.media):
            raise NotFound("medium", missing)
        named = any(v.channel for c in compositions for v in c.variants)
        rows = list(Channel.objects.filter(workspace=actor.workspace)) if named else []
        self.channels = {r.key: r for r in rows} | {str(r.id): r for r in rows}
        known = {c.name: c for c in Campaign.objects.filter(workspace=actor.workspace, name__in=names)}
        for name in names - set(known):
            known[name] = Campaign.objects.create(workspace=actor.workspace, name=name[:120])
        self.campaigns = known

    def channel(self, key: str) -> Channel:
        if key not in self.channels:
            raise NotFound("channel", key)
        return self.channels[key]


def _example_option_name(network: str) -> str:
    """A valid option name: one of `network` where that is installed and has options, else of any network."""
    slugs = sorted(registry.installed_slugs(), key=lambda slug: slug != network)
    return next(f"{slug}.{one.name}" for slug in slugs for one in registry.get_connector(slug).baseline.options)


def _build_draft(actor: Actor, c: Composition, book: _LookupCache) -> Draft:
    if not c.parts:
        raise validation_failed("parts", "A post needs at least one part. Add a part with text or a file.")
    for n, part in enumerate(_all_parts(c)):
        if len(part.text) > MAX_TEXT_LENGTH:
            raise validation_failed(
                f"parts.{n}.text",
                "This part of the post has {actual} characters, but a part can have at most {limit}. Shorten its text.",
                limit=MAX_TEXT_LENGTH,
                actual=len(part.text),
            )
        if "\x00" in part.text:
            raise validation_failed(
                f"parts.{n}.text",
                "The text contains an invisible control character (NUL), which no network accepts. Delete it, or type the text again.",
            )
    timezone = c.timezone or actor.workspace.timezone
    try:
        clock.find_zone(timezone)
    except LookupError as exc:
        raise validation_failed("timezone", str(exc).replace("{", "(").replace("}", ")")) from None
    for name in c.options:
        network, _, option = name.partition(".")
        if network not in registry.installed_slugs() or not option:
            raise validation_failed(
                f"options.{name}",
                "{name!r} is not a valid option name. Write the name of the network, a dot, and the name of the option. For example: {example}",
                name=name,
                example=_example_option_name(network),
            )
    return Draft(
        workspace=actor.workspace,
        author=actor.person,
        ref=c.ref,
        language=c.language[:20],
        campaign=book.campaigns.get(c.campaign),
        tags=[t[:60] for t in c.tags],
        timezone=timezone,
        state=DraftState.DRAFT,
        origin=c.origin,
        origin_detail=c.origin_detail[:500],
        ai_use=check_ai_use(actor.workspace.ai_use if c.ai_use is None else c.ai_use),
        extras={
            **_extras(c.link, c.poll, c.first_comment),
            "options": dict(c.options),
            "convert": c.convert,
            "mark_links": c.mark_links,
        },
    )


def _save_parts(pairs: Sequence[tuple[Draft, Composition]], book: _LookupCache) -> None:
    variants: list[Variant] = []
    parts: list[Part] = []
    uses: list[PartMedium] = []

    def keep(draft: Draft, variant: Variant | None, inputs: Iterable[PartContent]) -> None:
        for position, given in enumerate(inputs):
            part = Part(
                draft=draft,
                variant=variant,
                position=position,
                text=given.text,
                origin=draft.origin,
                origin_detail=draft.origin_detail,
                ai_use=draft.ai_use,
            )
            parts.append(part)
            uses.extend(_build_part_medium(part, n, use, book) for n, use in enumerate(given.media))

    for draft, composition in pairs:
        keep(draft, None, composition.parts)
        taken: set[tuple[UUID | None, str]] = set()
        for given in composition.variants:
            variant = _build_variant(draft, given, book)
            if (variant.channel_id, variant.network) in taken:
                raise validation_failed(
                    "variants",
                    "This post has two variants (customized versions) for {target}, but only one is possible. Remove one of them.",
                    target=given.channel or given.network,
                )
            taken.add((variant.channel_id, variant.network))
            variants.append(variant)
            keep(draft, variant, given.parts or ())
    Variant.objects.bulk_create(variants)
    Part.objects.bulk_create(parts)
    PartMedium.objects.bulk_create(uses)


def _build_part_medium(part: Part, position: int, given: MediumAttachment, book: _LookupCache) -> PartMedium:
    medium = book.media[_medium_id(given.medium)]
    cover = book.media[_medium_id(given.cover)] if given.cover else None
    if (cover or given.cover_ms is not None) and medium.kind != content.MediaKind.VIDEO:
        raise validation_failed(
            "cover", "{name} is not a video, so it cannot have a cover image. Remove the cover image.", name=medium.name
        )
    if cover and cover.kind != content.MediaKind.IMAGE:
        raise validation_failed(
            "cover",
            "{name} is not an image. As the cover of the video, choose an image or a frame from the video.",
            name=cover.name,
        )
    if given.cover_ms is not None and not 0 <= given.cover_ms <= MAX_VIDEO_MS:
        raise validation_failed(
            "cover",
            "The cover of the video is set to the frame at {actual} milliseconds, but the video is shorter. Choose a time within the video.",
            actual=given.cover_ms,
        )
    return PartMedium(
        part=part,
        medium=medium,
        position=position,
        alt=given.alt,
        cover=cover,
        cover_ms=None if cover else given.cover_ms,
    )


def _build_variant(draft: Draft, given: VariantContent, book: _LookupCache) -> Variant:
    if bool(given.channel) == bool(given.network):
        raise validation_failed(
            "variants",
            "A variant (customized version) of a post must be for exactly one channel or one network. Choose the channel or network for this variant.",
        )
    if given.network and given.network not in registry.installed_slugs():
        raise validation_failed(
            "variants.network",
            "Kicau has no network named {network!r}. Available networks: {known}.",
            network=given.network,
            known=", ".join(registry.installed_slugs()),
        )
    extras = _extras(given.link, given.poll, given.first_comment) | {"options": dict(given.options)}
    channel = book.channel(given.channel) if given.channel else None
    return Variant(
        draft=draft, channel=channel, network=given.network, has_parts=given.parts is not None, extras=extras
    )


def _extras(link: LinkContent | None, poll: content.Poll | None, first_comment: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if link:
        found["link"] = {
            "url": link.url,
            "title": link.title,
            "description": link.description,
            "thumbnail": str(link.thumbnail) if link.thumbnail else None,
        }
    if poll:
        found["poll"] = {"options": list(poll.options), "minutes": poll.minutes, "question": poll.question}
    if first_comment is not None:
        found["first_comment"] = first_comment
    return found


def _all_parts(c: Composition) -> tuple[PartContent, ...]:
    return c.parts + tuple(part for v in c.variants for part in v.parts or ())


def _medium_id(given: UUID | str) -> UUID:
    found = as_uuid(given)
    if found == NO_ID:
        raise NotFound("medium", given)
    return found


# Reading


def drafts(actor: Actor) -> QuerySet[Draft]:
    """The workspace's drafts, newest first."""
    actor.require(Permission.READ)
    return Draft.objects.filter(workspace=actor.workspace).order_by("-id")


def one_draft(actor: Actor, draft_id: UUID | str) -> Draft:
    """With everything that composing needs. Raises NotFound."""
    found = with_content(drafts(actor)).filter(id=as_uuid(draft_id)).first()
    if found is None:
        raise NotFound("post", draft_id)
    return found


def campaigns(actor: Actor) -> QuerySet[Campaign]:
    """The workspace's campaigns by name."""
    actor.require(Permission.READ)
    return Campaign.objects.filter(workspace=actor.workspace).order_by("name")


def with_content(rows: QuerySet[Draft]) -> QuerySet[Draft]:
    """Drafts with parts, media and variants in four statements, however many they are."""
    parts = Part.objects.prefetch_related(Prefetch("uses", PartMedium.objects.select_related("medium", "cover")))
    return rows.select_related("campaign", "author", "workspace").prefetch_related(Prefetch("parts", parts), "variants")


def composition_of(draft: Draft) -> Composition:
    """The composition that would make this draft again (without its `ref`); `draft` comes from `with_content`."""
    extras = draft.extras
    return Composition(
        parts=_part_inputs(draft, None),
        link=_link_input(extras),
        poll=_poll_value(extras),
        first_comment=extras.get("first_comment", ""),
        options=extras.get("options", {}),
        variants=tuple(
            VariantContent(
                channel=str(v.channel_id) if v.channel_id else "",
                network=v.network,
                parts=_part_inputs(draft, v.id) if v.has_parts else None,
                link=_link_input(v.extras),
                poll=_poll_value(v.extras),
                first_comment=v.extras.get("first_comment"),
                options=v.extras.get("options", {}),
            )
            for v in draft.variants.all()
        ),
        language=draft.language,
        campaign=draft.campaign.name if draft.campaign else "",
        tags=tuple(draft.tags),
        timezone=draft.timezone,
        convert=bool(extras.get("convert", True)),
        mark_links=bool(extras.get("mark_links")),
        origin=draft.origin,
        origin_detail=draft.origin_detail,
        ai_use=draft.ai_use,
    )


def _part_inputs(draft: Draft, variant_id: UUID | None) -> tuple[PartContent, ...]:
    return tuple(
        PartContent(
            text=p.text,
            media=tuple(
                MediumAttachment(medium=u.medium_id, alt=u.alt, cover=u.cover_id, cover_ms=u.cover_ms)
                for u in p.uses.all()
            ),
        )
        for p in draft.parts.all()
        if p.variant_id == variant_id
    )


def _link_input(extras: Mapping[str, Any]) -> LinkContent | None:
    return LinkContent(**extras["link"]) if extras.get("link") else None


def _poll_value(extras: Mapping[str, Any]) -> content.Poll | None:
    poll = extras.get("poll")
    return (
        content.Poll(options=tuple(poll["options"]), minutes=poll["minutes"], question=poll["question"])
        if poll
        else None
    )
