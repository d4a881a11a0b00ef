"""Instagram's own refusals, by subcode, as sentences.

Source: https://developers.facebook.com/documentation/instagram-platform/instagram-graph-api/reference/error-codes
(2026-06-02), read 2026-11-24.
"""

from __future__ import annotations

from kicau.networks._meta.containers import UNFETCHABLE_CODE
from kicau.networks._meta.errors import KnownRejection

QUOTA_SUBCODES = frozenset({2207042})  # 9: the posts of 24 hours are used up
NOT_READY_SUBCODES = frozenset({2207008, 2207027})  # wait a moment, and look at the container again
LOST_CONTAINER_SUBCODES = frozenset(
    {2207001, 2207003, 2207020, 2207032, 2207052, 2207053}
)  # make a new one and try again

FILE_FIELD = "parts.0.media"
NOBODY_CODE = "nobody"
KNOWN_REJECTIONS = {
    2207004: KnownRejection(
        code="too-large",
        message="{network} takes a picture of at most 8 MB; this one is larger: replace it or let a copy be made.",
        field=FILE_FIELD,
        mend="convert",
    ),
    2207005: KnownRejection(
        code="wrong-type",
        message="{network} takes JPEG as a picture; this file is something else: replace it or let a copy be made.",
        field=FILE_FIELD,
        mend="convert",
    ),
    2207009: KnownRejection(
        code="wrong-aspect",
        message="{network} takes a picture with a width of 0.8 to 1.91 times its height; this one lies outside: replace it or let a copy be made.",
        field=FILE_FIELD,
        mend="convert",
    ),
    2207010: KnownRejection(
        code="too-long",
        message="On {network}, the text is too long; the limit is 2200: shorten it.",
        field="parts.0.text",
        mend="shorten",
    ),
    2207013: KnownRejection(code=NOBODY_CODE, message="{network} has no professional account of that name."),
    2207023: KnownRejection(
        code="wrong-kind", message="{network} takes no such kind of file here: replace it.", field=FILE_FIELD
    ),
    2207026: KnownRejection(
        code="wrong-codec",
        message="{network} takes video as MP4 or MOV with H.264 or HEVC and AAC; this file is something else: replace it.",
        field=FILE_FIELD,
    ),
    2207028: KnownRejection(
        code="carousel-size",
        message="{network} takes 2 to 10 files in one carousel: add or remove some.",
        field=FILE_FIELD,
    ),
    2207040: KnownRejection(
        code="too-many-mentions", message="{network} takes at most 20 mentions: remove some.", field="parts.0.text"
    ),
    2207050: KnownRejection(
        code="account-restricted",
        message="{network} has restricted this account: open its app, do what it asks for, then retry the post.",
    ),
    2207051: KnownRejection(
        code="held-as-spam",
        message="{network} took the post for spam and refused it: change it, and look into the app for what the account may do.",
        field="parts.0.text",
    ),
    2207052: KnownRejection(
        code=UNFETCHABLE_CODE,
        message="{network} could not fetch the file from this server: its public address must be open to the internet, robots.txt included.",
        field=FILE_FIELD,
    ),
    2207057: KnownRejection(
        code="bad-cover",
        message="{network} could not take the cover from that moment of the video: choose an earlier one.",
        field=FILE_FIELD,
    ),
    2207081: KnownRejection(
        code="no-trial-reels",
        message="{network} offers no trial reels to this account: publish it as a reel.",
        field="options.format",
    ),
}
