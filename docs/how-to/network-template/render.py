"""From a draft to exactly what Newnet gets and shows. Pure: no I/O, never raises, cuts nothing."""

from __future__ import annotations

from kicau.networks.newnet.limits import NETWORK

from kicau.connector.capabilities import Capabilities
from kicau.connector.checks.media import check_media
from kicau.connector.checks.shape import check_length, check_shape, resolve_options
from kicau.connector.content import Charge, Draft, Part, Problem, Rendered, RenderedPart

POST = Charge("post")  # one unit of a meter of the network; its price, where it has one, stands in prices.toml


def render(draft: Draft, can: Capabilities) -> Rendered:
    parts: list[RenderedPart] = []
    problems: list[Problem] = list(check_shape(NETWORK, draft, can))
    for n, part in enumerate(draft.parts or (Part(),)):
        checked = check_media(NETWORK, n, part.media, can, convert=draft.convert)
        problems += checked.problems
        # `used` is counted as the network counts: code points here; graphemes, weights or bytes elsewhere.
        parts.append(RenderedPart(text=part.text, media=checked.media, used=len(part.text), limit=can.max_length))
    problems += check_length(NETWORK, parts, can_thread=True)
    return Rendered(
        parts=tuple(parts),
        link=draft.link,
        poll=draft.poll,
        reply_to=draft.reply_to,
        language=draft.language,
        options=resolve_options(draft, can),
        problems=tuple(problems),
        charges=(POST,) * len(parts),
    )
