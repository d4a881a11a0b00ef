"""What was chosen for one network beside text and media: who may reply, a content warning, what it answers."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kicau.channels.channel_session import capabilities_of
from kicau.channels.models import Channel
from kicau.connector.capabilities import REPLY_TO_OPTION, Option
from kicau.connector.content import Rendered

register = template.Library()


@register.simple_tag
def chosen(channel: Channel, rendered: Rendered) -> list[tuple[str, str]]:
    """Label and value of everything that is not as it would be without a choice."""
    found = [(_(REPLY_TO_OPTION.label), rendered.reply_to)] if rendered.reply_to else []
    if rendered.language:
        found.append((_("Language of the post"), rendered.language.replace(",", ", ")))
    for option in capabilities_of(channel).options:
        value = rendered.options.get(option.name, option.default)
        if value and value != option.default:
            found.append((_(option.label), _value_label(option, value)))
    return found


def _value_label(option: Option, value: str) -> str:
    if option.long:
        lines = len(value.splitlines())
        return ngettext("%(n)s line", "%(n)s lines", lines) % {"n": lines}
    word = dict(option.choices).get(value)
    return _(word) if word else value
