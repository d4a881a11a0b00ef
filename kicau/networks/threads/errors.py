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
    message="{network} could not download a file of this post from the Kicau server. Ask the server administrator to make the server reachable from the internet and to allow downloads in robots.txt.",
    field=FILE_FIELD,
)
KNOWN_REJECTIONS = {2207052: UNFETCHABLE_FILE}
TOO_MANY_LINKS = KnownRejection(
    code="too-many-links",
    message="{network} allows at most 5 different links in one post. Remove some links.",
    field="parts.0.text",
)

_VIDEO_MESSAGE = "{network} could not use the video ({said}). Replace the video with an MP4 or MOV file with H.264 or HEVC video and AAC audio."
CONTAINER_FAILURES = {
    "FAILED_DOWNLOADING_VIDEO": UNFETCHABLE_FILE,
    "FAILED_PROCESSING_AUDIO": KnownRejection(code="wrong-codec", message=_VIDEO_MESSAGE, field=FILE_FIELD),
    "FAILED_PROCESSING_VIDEO": KnownRejection(code="wrong-codec", message=_VIDEO_MESSAGE, field=FILE_FIELD),
    "INVALID_ASPEC_RATIO": KnownRejection(
        code="wrong-aspect",
        message="On {network}, the width of an image or video can be at most ten times its height. Replace this file with a narrower one.",
        field=FILE_FIELD,
    ),
    "INVALID_BIT_RATE": KnownRejection(
        code="wrong-bitrate",
        message="{network} accepts only videos with a bitrate (amount of data per second) of at most 100 Mbit/s. Export the video with a lower bitrate.",
        field=FILE_FIELD,
    ),
    "INVALID_DURATION": KnownRejection(
        code="too-long-video",
        message="{network} accepts only videos of at most 5 minutes. Shorten the video.",
        field=FILE_FIELD,
    ),
    "INVALID_FRAME_RATE": KnownRejection(
        code="wrong-fps",
        message="{network} accepts only videos with 23 to 60 frames per second. Replace the video.",
        field=FILE_FIELD,
    ),
    "INVALID_AUDIO_CHANNELS": KnownRejection(code="wrong-codec", message=_VIDEO_MESSAGE, field=FILE_FIELD),
    "INVALID_AUDIO_CHANNEL_LAYOUT": KnownRejection(code="wrong-codec", message=_VIDEO_MESSAGE, field=FILE_FIELD),
}
UNKNOWN_CONTAINER_FAILURE = KnownRejection(
    code="media-failed",
    message="{network} could not prepare the post for publishing ({said}). Change the post, or retry it unchanged.",
    field=FILE_FIELD,
)
