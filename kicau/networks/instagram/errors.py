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
        message="{network} accepts images of at most 8 MB, and this image is larger. Replace the image, or allow Kicau to make a smaller copy.",
        field=FILE_FIELD,
        fix="convert",
    ),
    2207005: KnownRejection(
        code="wrong-type",
        message="{network} accepts images only as JPEG, but this file has another format. Replace the file, or allow Kicau to make a JPEG copy.",
        field=FILE_FIELD,
        fix="convert",
    ),
    2207009: KnownRejection(
        code="wrong-aspect",
        message="On {network}, the width of an image must be 0.8 to 1.91 times its height. Replace this image, or allow Kicau to make a copy with a suitable width and height.",
        field=FILE_FIELD,
        fix="convert",
    ),
    2207010: KnownRejection(
        code="too-long",
        message="The text of this post is too long for {network}. Shorten it to at most 2200 characters.",
        field="parts.0.text",
        fix="shorten",
    ),
    2207013: KnownRejection(
        code=NOBODY_CODE,
        message="{network} has no professional account (business or creator) with this name. Check the spelling of the handle.",
    ),
    2207023: KnownRejection(
        code="wrong-kind",
        message="One file in this post has a type that {network} does not accept for this kind of post. Replace the file.",
        field=FILE_FIELD,
    ),
    2207026: KnownRejection(
        code="wrong-codec",
        message="{network} accepts videos only as MP4 or MOV files with H.264 or HEVC video and AAC audio. Export this video in such a format.",
        field=FILE_FIELD,
    ),
    2207028: KnownRejection(
        code="carousel-size",
        message="{network} allows 2 to 10 files in one carousel. Add or remove files.",
        field=FILE_FIELD,
    ),
    2207040: KnownRejection(
        code="too-many-mentions",
        message="{network} allows at most 20 mentions of accounts in a post. Remove some mentions.",
        field="parts.0.text",
    ),
    2207050: KnownRejection(
        code="account-restricted",
        message="{network} has restricted this account. Open the network's app, follow the instructions there, then retry the post.",
    ),
    2207051: KnownRejection(
        code="held-as-spam",
        message="{network} rejected the post as spam. Change the post, and check in the network's own app whether your account is restricted.",
        field="parts.0.text",
    ),
    2207052: KnownRejection(
        code=UNFETCHABLE_CODE,
        message="{network} could not download a file of this post from the Kicau server. Ask the server administrator to make the server reachable from the internet and to allow downloads in robots.txt.",
        field=FILE_FIELD,
    ),
    2207057: KnownRejection(
        code="bad-cover",
        message="{network} could not use the chosen frame of the video as the cover image. Choose an earlier moment in the video.",
        field=FILE_FIELD,
    ),
    2207081: KnownRejection(
        code="no-trial-reels",
        message="{network} does not let this account publish trial reels, which non-followers see first. Publish the video as an ordinary reel.",
        field="options.format",
    ),
}
