"""Threads' own refusals as sentences: Graph subcodes, and what a spoilt container says.

Sources: https://developers.facebook.com/docs/threads/troubleshooting, as quoted; 4279009 as met by others
(github.com/fbsamples/threads_api/issues/70, 2026-03-10); looked up 2026-11-26.
"""

from __future__ import annotations

from kicau.networks._meta.containers import UNFETCHABLE_CODE
from kicau.networks._meta.errors import KnownRejection

NO_CONTAINER_SUBCODES = frozenset({4279009})  # 24: the container is not there, or not yet
QUOTA_SUBCODES = frozenset({2207042})  # 9: the posts of 24 hours are used up, as Instagram says it
LINK_LIMIT_ERROR = "THREADS_API__LINK_LIMIT_EXCEEDED"
FILE_FIELD = "parts.0.media"
UNFETCHABLE_FILE = KnownRejection(
    code=UNFETCHABLE_CODE,
    message="{network} could not fetch the file from this server: its public address must be open to the internet, robots.txt included.",
    field=FILE_FIELD,
)
KNOWN_REJECTIONS = {2207052: UNFETCHABLE_FILE}
TOO_MANY_LINKS = KnownRejection(
    code="too-many-links",
    message="{network} takes at most 5 different links in one post: remove some.",
    field="parts.0.text",
)

_VIDEO_MESSAGE = "{network} could not use the video ({said}): replace it by an MP4 or MOV with H.264 or HEVC and AAC."
CONTAINER_FAILURES = {
    "FAILED_DOWNLOADING_VIDEO": UNFETCHABLE_FILE,
    "FAILED_PROCESSING_AUDIO": KnownRejection(code="wrong-codec", message=_VIDEO_MESSAGE, field=FILE_FIELD),
    "FAILED_PROCESSING_VIDEO": KnownRejection(code="wrong-codec", message=_VIDEO_MESSAGE, field=FILE_FIELD),
    "INVALID_ASPEC_RATIO": KnownRejection(
        code="wrong-aspect",
        message="{network} takes a picture or video at most ten times as wide as high: replace it.",
        field=FILE_FIELD,
    ),
    "INVALID_BIT_RATE": KnownRejection(
        code="wrong-bitrate", message="{network} takes a video of at most 100 Mbit/s: replace it.", field=FILE_FIELD
    ),
    "INVALID_DURATION": KnownRejection(
        code="too-long-video", message="{network} takes a video of at most 5 minutes: cut it.", field=FILE_FIELD
    ),
    "INVALID_FRAME_RATE": KnownRejection(
        code="wrong-fps", message="{network} takes a video of 23 to 60 frames a second: replace it.", field=FILE_FIELD
    ),
    "INVALID_AUDIO_CHANNELS": KnownRejection(code="wrong-codec", message=_VIDEO_MESSAGE, field=FILE_FIELD),
    "INVALID_AUDIO_CHANNEL_LAYOUT": KnownRejection(code="wrong-codec", message=_VIDEO_MESSAGE, field=FILE_FIELD),
}
UNKNOWN_CONTAINER_FAILURE = KnownRejection(
    code="media-failed",
    message="{network} could not prepare the post ({said}): change it or send it again.",
    field=FILE_FIELD,
)
