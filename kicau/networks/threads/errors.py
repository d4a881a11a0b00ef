"""Threads' own refusals as sentences: Graph subcodes, and what a spoilt container says.

Sources: https://developers.facebook.com/docs/threads/troubleshooting, as quoted; 4279009 as met by others
(github.com/fbsamples/threads_api/issues/70, 2026-03-10); looked up 2026-11-26.
"""

from __future__ import annotations

from kicau.networks._meta.containers import UNFETCHABLE
from kicau.networks._meta.errors import Refusal

NO_CONTAINER = frozenset({4279009})  # 24: the container is not there, or not yet
QUOTA = frozenset({2207042})  # 9: the posts of 24 hours are used up, as Instagram says it
LINKS = "THREADS_API__LINK_LIMIT_EXCEEDED"
FILE = "parts.0.media"
FETCH = Refusal(
    code=UNFETCHABLE,
    message="{network} could not fetch the file from this server: its public address must be open to the internet, robots.txt included.",
    field=FILE,
)
KNOWN = {2207052: FETCH}
TOO_MANY_LINKS = Refusal(
    code="too-many-links",
    message="{network} takes at most 5 different links in one post: remove some.",
    field="parts.0.text",
)

_VIDEO = "{network} could not use the video ({said}): replace it by an MP4 or MOV with H.264 or HEVC and AAC."
SPOILT = {
    "FAILED_DOWNLOADING_VIDEO": FETCH,
    "FAILED_PROCESSING_AUDIO": Refusal(code="wrong-codec", message=_VIDEO, field=FILE),
    "FAILED_PROCESSING_VIDEO": Refusal(code="wrong-codec", message=_VIDEO, field=FILE),
    "INVALID_ASPEC_RATIO": Refusal(
        code="wrong-aspect",
        message="{network} takes a picture or video at most ten times as wide as high: replace it.",
        field=FILE,
    ),
    "INVALID_BIT_RATE": Refusal(
        code="wrong-bitrate", message="{network} takes a video of at most 100 Mbit/s: replace it.", field=FILE
    ),
    "INVALID_DURATION": Refusal(
        code="too-long-video", message="{network} takes a video of at most 5 minutes: cut it.", field=FILE
    ),
    "INVALID_FRAME_RATE": Refusal(
        code="wrong-fps", message="{network} takes a video of 23 to 60 frames a second: replace it.", field=FILE
    ),
    "INVALID_AUDIO_CHANNELS": Refusal(code="wrong-codec", message=_VIDEO, field=FILE),
    "INVALID_AUDIO_CHANNEL_LAYOUT": Refusal(code="wrong-codec", message=_VIDEO, field=FILE),
}
OTHER = Refusal(
    code="media-failed",
    message="{network} could not prepare the post ({said}): change it or send it again.",
    field=FILE,
)
