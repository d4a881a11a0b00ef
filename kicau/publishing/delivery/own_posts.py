"""Whether a post that is answered is the account's own, as far as Kicau knows: networks bill and permit that differently."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from kicau.channels.models import Channel
from kicau.publishing.models import Delivery


def is_reply_to_own_post(channels: Collection[Channel], reply_to: str | None) -> bool | None:
    """Whether `reply_to` (an id or an address) names a post of one of these channels; None where that is not known."""
    if not reply_to or not channels:
        return None
    names = {reply_to, *re.split(r"[^\w:.-]+", reply_to)} - {""}
    if Delivery.objects.filter(channel__in=channels, remote_ids__overlap=list(names)).exists():
        return True
    address = urlsplit(reply_to)
    profile = address.path.strip("/").split("/")[0].removeprefix("@").casefold()
    if not address.hostname or "/" not in address.path.strip("/") or len(profile) < 2:
        return None
    handles = {one.handle.removeprefix("@").split("@")[0].casefold() for one in channels}
    return profile in handles
