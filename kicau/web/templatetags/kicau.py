"""What templates say often: icons, networks' marks, badges, moments, text with its spans."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.templatetags.static import static
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from kicau.base.money import MICRO_PER_UNIT
from kicau.base.sentences import Sentence
from kicau.connector import addresses, registry
from kicau.connector.content import Media, RenderedMedia, RenderedPart, SpanKind
from kicau.costs import amounts, display_currency
from kicau.web.core import labels, network_logos
from kicau.workspaces.names import DELETED_PERSON

register = template.Library()


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """One of our own drawings; decoration unless `label` says what it means."""
    return _icon(name, label)


@lru_cache(maxsize=512)
def _icon(name: str, label: str) -> SafeString:
    address = f"{static('web/icons.svg')}#{name}"
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="{}"></use></svg>', label, address)
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"></use></svg>', address)


@register.simple_tag
def mark(slug: str, size: int = 18, named: bool = True) -> SafeString:
    """A network's own mark."""
    return _mark(slug, size, named)


@lru_cache(maxsize=256)
def _mark(slug: str, size: int, named: bool) -> SafeString:
    alt = network_logos.network_label(slug) if named else ""
    if slug not in registry.installed_slugs():  # it has no drawing, and a table names networks as it likes
        return format_html("{}", alt)
    return format_html(
        '<img class="mark" src="{}" width="{}" height="{}" alt="{}">',
        reverse("network-logo", args=[slug]),
        size,
        size,
        alt,
    )


@register.simple_tag
def badge(thing: Any) -> SafeString:
    """The state of a delivery, draft or channel: word, icon and tone."""
    found = _badge_of(thing)
    return format_html('<span class="badge tone-{}">{}{}</span>', found.tone, icon(found.icon), found.word)


@register.simple_tag
def dot(thing: Any) -> SafeString:
    """The same where there is room for an icon only."""
    found = _badge_of(thing)
    return _dot(found.tone, found.icon, str(found.word))


@lru_cache(maxsize=256)
def _dot(tone: str, drawing: str, word: str) -> SafeString:
    return format_html('<span class="dot tone-{}">{}</span>', tone, _icon(drawing, word))


def _badge_of(thing: Any) -> labels.Badge:
    if isinstance(thing, labels.Badge):
        return thing
    match type(thing).__name__:
        case "Delivery" | "DeliverySummary":
            return labels.delivery_badge(thing)
        case "Channel":
            return labels.channel_badge(thing)
        case "Draft":
            return labels.DRAFT_BADGES[thing.state]
        case "Offboarding":
            return labels.OFFBOARDING_BADGES[thing.state]
        case "Review":
            return labels.REVIEW_BADGES[thing.kind]
        case _:
            return labels.DELIVERY_BADGES[str(thing)]


@register.filter
def full_hour(hour: int) -> str:
    """09:00, in Indonesian 09.00."""
    return labels.clock_time(datetime(2000, 1, 1, hour))


@register.filter
def network(slug: str) -> str:
    return network_logos.network_label(slug)


@register.filter
def review_word(review: Any) -> str:
    return str(labels.REVIEW_BADGES[review.kind].word)


@register.filter
def said(thing: Any) -> str:
    """The sentence of a delivery's state, of a step, of reading, or of a channel's trouble, in the reader's language and zone."""
    match type(thing).__name__:
        case "Delivery" | "SyncProgress" | "WebhookSubscription":
            return labels.localize_sentence(thing.reason, thing.said)
        case "Attempt":
            return labels.localize_sentence(thing.sentence, thing.detail.get("said", ()))
        case _:
            return labels.channel_reason(thing)


@register.filter
def role(name: str) -> str:
    return str(labels.ROLE_LABELS[name][0])


@register.filter
def role_means(name: str) -> str:
    return str(labels.ROLE_LABELS[name][1])


@register.filter
def sentence(problem: Any) -> str:
    return labels.sentence(problem)


@register.filter
def phrase(text: str) -> str:
    """A unit, or a place in a post, in the reader's language."""
    return labels.translate_phrase(text)


@register.filter
def told(text: str) -> str:
    """A text of a network's (the label of an option), or a sentence, in the reader's language."""
    if isinstance(text, Sentence):
        return labels.localize_sentence(text)
    return _(text) if text else ""


@register.filter
def act(name: str) -> str:
    return str(labels.ACTION_LABELS.get(name, name))


@register.filter
def sign_in_way(name: str) -> str:
    return str(labels.SIGN_IN_METHOD_LABELS.get(name, name))


@register.filter
def subject(name: str) -> str:
    return str(labels.SUBJECT_LABELS.get(name, name))


@register.filter
def actor(name: str) -> str:
    """Who did something; a person who was deleted has no name any more."""
    return _("(deleted user)") if name == DELETED_PERSON else name


@register.filter
def via(name: str) -> str:
    return str(labels.VIA_LABELS.get(name, name))


@register.filter
def names(channels: Any) -> str:
    """Networks of channels, as a list in a sentence."""
    return ", ".join(dict.fromkeys(network_logos.network_label(channel.network) for channel in channels))


@register.filter
def web_address(address: object) -> str:
    """An address that a network gave, where it is a page's; else nothing. What is stored is checked already."""
    return addresses.web_address(address)


@register.filter
def written(text: str) -> str:
    """For a textarea: browsers drop one line break right after its tag."""
    return f"\n{text}" if text.startswith("\n") else text


@register.filter
def number_word(name: str) -> str:
    """What a network calls a number, as people call it; what is not known stays in the network's own word."""
    plain = name.removesuffix("_count").removesuffix("Count").replace("_", " ").lower()
    single = f"{plain[:-3]}y" if plain.endswith("ies") else plain.removesuffix("s")
    return str(labels.METRIC_LABELS.get(single) or plain)


@register.filter
def did(name: str) -> str:
    return str(labels.ATTEMPT_LABELS.get(name, name))


@register.filter
def weekday(number: int) -> str:
    return str(labels.WEEKDAY_NAMES[number])


@register.filter
def money(micro: int, currency: str) -> str:
    return _converted_amount(micro, currency, micro) if micro else ""


def _converted_amount(micro: int, currency: str, rounded: int) -> str:
    return amounts.format_with_conversion(display_currency.active_display(), micro, currency, rounded)


@register.filter
def brief(costs: Mapping[str, int] | None) -> SafeString:
    """Micro-units by currency where there is little room: in the workspace's own currency alone, with both on asking."""
    told, whole = [], []
    for currency, micro in (costs or {}).items():
        worth = display_currency.active_display().of(micro, currency)
        told.append(amounts.format_amount(worth.micro, worth.currency) if worth else money_or_zero(micro, currency))
        whole.append(money_or_zero(micro, currency))
    if not told:
        return SafeString("")
    title = _("Publishing cost: %(cost)s") % {"cost": " + ".join(whole)}
    return format_html('<span class="cost" title="{}">{}</span>', title, " + ".join(told))


@register.filter
def whole_cost(costs: Mapping[str, int]) -> str:
    """The same where there is room for it."""
    return " + ".join(money_or_zero(micro, currency) for currency, micro in costs.items())


@register.simple_tag
def rates_told() -> SafeString:
    """By which rates the amounts above were converted, and which are missing; after the last amount of a page."""
    told = amounts.rate_sentences(display_currency.active_display())
    if not told:
        return SafeString("")
    link = format_html('<a href="{}#rates">{}</a>', reverse("price-lists"), _("Exchange rates"))
    return format_html('<p class="small soft rates">{} {}</p>', " ".join(told), link)


@register.filter
def plainly(number: Decimal) -> str:
    """All its places, with the reader's own marks."""
    return amounts.format_number(number)


@register.filter
def money_exactly(micro: int, currency: str) -> str:
    """To its last place, so that a column adds up."""
    return _converted_amount(micro, currency, micro)


@register.filter
def money_or_zero(micro: int, currency: str) -> str:
    """The same for tables and figures, where nothing is a figure too; cents are enough from one of the currency on."""
    rounded = round(micro / 10_000) * 10_000 if abs(micro) >= MICRO_PER_UNIT else micro
    return _converted_amount(micro or 0, currency, rounded or 0) if currency else "0"


@register.filter
def money_at_glance(micro: int, currency: str) -> str:
    """For a figure that stands alone: cents, however small it is; less than one is said to be that. In the workspace's
    own currency, with what is charged small beside it."""
    if micro and abs(micro) < 10_000:
        charged = f"< {amounts.format_amount(10_000, currency)}"
    else:
        charged = amounts.format_amount(round(micro / 10_000) * 10_000, currency) if currency else "0"
    worth = display_currency.active_display().of(micro, currency)
    return (
        format_html('{} <span class="charged">{}</span>', amounts.format_amount(worth.micro, worth.currency), charged)
        if worth
        else charged
    )


@register.filter
def rough(micro: int, currency: str) -> str:
    """For the edge of a chart."""
    amount = (Decimal(micro) / MICRO_PER_UNIT).normalize()
    places = max(0, -int(amount.as_tuple().exponent))
    text = formats.number_format(amount, places and max(2, places), use_l10n=True, force_grouping=True)
    return f"{pgettext('dollar sign', '$')}{text}" if currency == "USD" else text


@register.filter
def plain_amount(budget: Any) -> str:
    """For its form."""
    return str(budget.amount) if budget.meter else f"{Decimal(budget.amount) / MICRO_PER_UNIT:f}"


@register.filter
def unlocalized(value: object) -> str:
    """A number for SVG, which knows no decimal comma."""
    return str(value)


@register.filter
def at_most(value: int, limit: int) -> str:
    return str(min(value, limit))


@register.filter
def share_of(part: int, whole: int) -> str:
    """Percent, for a gauge."""
    return str(round(100 * part / whole, 1)) if whole else "0"


@register.filter
def in_zone(at: datetime | None, zone: str) -> datetime | None:
    return at.astimezone(ZoneInfo(zone)) if at else None


@register.filter
def moment(at: datetime | None) -> SafeString:
    """Day and time in the reader's zone, as their language writes it; machines read the exact one."""
    if at is None:
        return SafeString("")
    local = timezone.localtime(at) if timezone.is_aware(at) else at
    text = f"{formats.date_format(local, 'D')} {formats.date_format(local, 'j M Y')}, {labels.clock_time(local)}"
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), text)


@register.filter
def moment_text(said: object) -> str:
    """The same of a stored ISO time, inside a sentence."""
    try:
        local = timezone.localtime(datetime.fromisoformat(str(said)))
    except ValueError:
        return ""
    return f"{formats.date_format(local, 'j M Y')}, {formats.time_format(local, 'H:i')}"


@register.filter
def hour(at: datetime) -> SafeString:
    local = timezone.localtime(at)
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), labels.clock_time(local))


@register.filter
def lateness(milliseconds: int | None) -> str:
    """How late a post went out, in words; "" before it is out."""
    if milliseconds is None:
        return ""
    if milliseconds < 1000:
        return _("at the scheduled time")
    seconds = round(milliseconds / 1000)
    if seconds < 120:
        return ngettext("%(n)s second after the scheduled time", "%(n)s seconds after the scheduled time", seconds) % {
            "n": seconds
        }
    minutes = round(seconds / 60)
    return ngettext("%(n)s minute after the scheduled time", "%(n)s minutes after the scheduled time", minutes) % {
        "n": minutes
    }


@register.filter
def file_size(size: int) -> str:
    if size < 1_000_000:
        return f"{max(1, round(size / 1000))} kB"
    return f"{formats.localize(round(size / 1_000_000, 1))} MB"


@register.filter
def clip_length(milliseconds: int) -> str:
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return f"{minutes}:{seconds:02d}"


@register.filter
def poll_length(minutes: int) -> str:
    if minutes % 1440 == 0:
        days = minutes // 1440
        return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
    if minutes % 60 == 0:
        hours = minutes // 60
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
    return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}


@register.filter
def spanned(part: RenderedPart) -> SafeString:
    """The text as readers see it: links, mentions and tags marked, everything escaped."""
    pieces: list[Any] = []
    at = 0
    for span in part.spans:
        if span.start < at:
            continue
        pieces.append(conditional_escape(part.text[at : span.start]))
        word = part.text[span.start : span.end]
        if span.kind is SpanKind.LINK and span.target.startswith(("http://", "https://")):
            pieces.append(
                format_html(
                    '<a class="span-link" href="{}" rel="noopener noreferrer" target="_blank">{}</a>', span.target, word
                )
            )
        else:
            pieces.append(format_html('<span class="span-{}">{}</span>', span.kind.value, word))
        at = span.end
    pieces.append(conditional_escape(part.text[at:]))
    return format_html_join("", "{}", ((piece,) for piece in pieces))


@register.filter
def small(medium: Any) -> str:
    """Address of a small picture of a medium, of the library or of a rendered post."""
    return reverse("medium-thumbnail", args=[_digest(medium)])


@register.simple_tag(takes_context=True)
def picture(context: template.Context, medium: Any) -> str:
    """The same for whoever reads: signed in, or by a link (`media_base`) that opens these files only."""
    base = context.get("media_base")
    return f"{base}/thumbnails/{_digest(medium)}.jpg" if base else small(medium)


@register.simple_tag
def plate(piece: Any, media: dict[str, Any]) -> str:
    """Address of the small picture of a file in the composer: its cover, where one is chosen."""
    if piece.cover:
        return small(media[piece.cover])
    return small(media[piece.id]) + (f"?at={piece.cover_ms}" if piece.cover_ms is not None else "")


@register.simple_tag(takes_context=True)
def first_sight(context: template.Context, one: RenderedMedia) -> str:
    """Address of what a file shows in a feed: a video's cover where it has one, else the file's own small picture."""
    if one.cover is None:
        return picture(context, one.media)
    at = one.cover.recipe.frame_ms if one.cover.recipe else None
    return picture(context, one.cover.media) + (f"?at={at}" if at is not None else "")


@register.filter
def whole(medium: Any) -> str:
    return reverse("medium-original", args=[_digest(medium)])


def _digest(medium: Any) -> str:
    if isinstance(medium, Media):
        return medium.ref.rpartition("/")[2]
    return str(medium.sha256)


@register.filter
def fullness(part: RenderedPart) -> str:
    """How near the limit: for the counter's tone."""
    if not part.limit:
        return ""
    if part.used > part.limit:
        return "over"
    return "near" if part.used >= part.limit * 0.9 else ""


@register.filter
def strong_number(number: int) -> SafeString:
    """A bold number for use inside a translated sentence, with the reader's own mark between thousands."""
    return format_html("<strong>{}</strong>", formats.number_format(number, 0, use_l10n=True, force_grouping=True))


@register.filter
def left(part: RenderedPart) -> int:
    return part.limit - part.used


@register.filter
def get(mapping: Any, key: Any) -> Any:
    try:
        return mapping.get(key)
    except AttributeError:
        return None


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> SafeString:
    """This page's query with some values changed; an empty one takes a key away."""
    given = context["request"].GET.copy()
    for key, value in changes.items():
        given.pop(key, None)
        if value not in ("", None):
            given[key] = str(value)
    return format_html("?{}", given.urlencode())
