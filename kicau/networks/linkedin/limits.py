"""Every number of LinkedIn with its source, and the capabilities built from them.

LinkedIn publishes no machine-readable description and no number for several of its limits: a source that is not
LinkedIn's own says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from kicau.connector.capabilities import Ability, Capabilities, CoverRule, Fact, MediaRule, Option, PollRule
from kicau.connector.content import MediaKind, Recipe

NETWORK_LABEL = "LinkedIn"
CHECKED_ON = date(2026, 11, 24)
DOCS_SOURCE = "https://learn.microsoft.com/en-us/linkedin"
SHARES_SOURCE = f"{DOCS_SOURCE}/marketing/community-management/shares"
REFUSAL_SOURCE = "the API's own refusal, as quoted in https://github.com/n8n-io/n8n/issues/22899 (2025-12-07)"


def _fact(value: int | float | str, source: str) -> Fact:
    return Fact(value=value, source=source, checked=CHECKED_ON)


FACTS: Mapping[str, Fact] = {
    # The version of the API that this connector speaks: the LinkedIn-Version header of every call. LinkedIn serves a
    # version for a year at the least. Nothing else names a version.
    "version": replace(_fact("202609", f"{DOCS_SOURCE}/marketing/versioning"), ends=date(2027, 9, 1)),
    "max-length": _fact(3000, REFUSAL_SOURCE),
    # Counted in UTF-16 code units: the refusal tells the length of a Java string, and so an emoji counts as two.
    "unit": _fact("UTF-16 code units of the text as readers see it", f"inferred from {REFUSAL_SOURCE}"),
    "max-comment-length": _fact(
        1250, "not published by LinkedIn; https://glama.ai/mcp/connectors/com.publora/mcp-server"
    ),
    "max-parts": _fact(1, f"{SHARES_SOURCE}/posts-api: a post has one commentary, and no thread exists"),
    "multi-image-min": _fact(2, f"{SHARES_SOURCE}/multiimage-post-api"),
    "multi-image-max": _fact(20, f"{SHARES_SOURCE}/multiimage-post-api"),
    "image-max-pixels": _fact(36_152_319, f"{SHARES_SOURCE}/images-api: fewer than 36,152,320 pixels"),
    "image-max-side": _fact(6012, "the side of the largest square below image-max-pixels; for copies that we make"),
    "gif-max-frames": _fact(250, f"{SHARES_SOURCE}/images-api"),
    "video-min-size": _fact(75_000, f"{SHARES_SOURCE}/videos-api: 75 KB"),
    # The same page tells 500 MB in its specification and 5 GB beside the field fileSizeBytes: the stricter one.
    "video-max-size": _fact(500_000_000, f"{SHARES_SOURCE}/videos-api: 500 MB"),
    "video-min-duration-ms": _fact(3_000, f"{SHARES_SOURCE}/videos-api: 3 s"),
    "video-max-duration-ms": _fact(30 * 60_000, f"{SHARES_SOURCE}/videos-api: 30 min"),
    "video-part-size": _fact(4_194_304, f"{SHARES_SOURCE}/videos-api: parts of 4 MB"),
    "cover-max-size": _fact(
        10_000_000,
        "not published by LinkedIn; https://www.ayrshare.com/docs/apis/post/social-networks/linkedin: below 10 MB",
    ),
    "document-max-size": _fact(100_000_000, f"{SHARES_SOURCE}/documents-api: 100 MB"),
    "document-max-pages": _fact(300, f"{SHARES_SOURCE}/documents-api"),
    "max-alt": _fact(4086, f"{SHARES_SOURCE}/posts-api: altText"),
    "poll-min-options": _fact(2, f"{SHARES_SOURCE}/poll-post-api"),
    "poll-max-options": _fact(4, f"{SHARES_SOURCE}/poll-post-api"),
    "poll-max-option-length": _fact(
        30, "not published by LinkedIn; https://publer.com/docs/create-posts/content-types/polls"
    ),
    "poll-max-question-length": _fact(
        140, "not published by LinkedIn; the limit of the form on its site, told by its users"
    ),
    "poll-durations": _fact("ONE_DAY THREE_DAYS SEVEN_DAYS FOURTEEN_DAYS", f"{SHARES_SOURCE}/poll-post-api"),
    "confirmation": _fact(
        "needed", "LinkedIn API Terms of Use 3.1(26), 2022-12-13: no use of the APIs to automate posting"
    ),
    "comment-interval-seconds": _fact(
        60, "not published by LinkedIn: one comment a minute and member, told by its users"
    ),
    "daily-reset": _fact("00:00 UTC", f"{DOCS_SOURCE}/shared/api-guide/concepts/rate-limits"),
    "code-seconds": _fact(1800, f"{DOCS_SOURCE}/shared/authentication/authorization-code-flow"),
    "token-seconds": _fact(5_184_000, f"{DOCS_SOURCE}/shared/authentication/authorization-code-flow: 60 days"),
    "refresh-seconds": _fact(
        31_536_000, f"{DOCS_SOURCE}/shared/authentication/programmatic-refresh-tokens: 365 days, never extended"
    ),
}


def fact_number(name: str) -> int:
    """A fact that is a whole number. Raises KeyError for an unknown name."""
    return int(FACTS[name].value)


API_VERSION = str(FACTS["version"].value)

# The same product of LinkedIn names its permissions differently on its pages of 2026 (Posts: *_social; Comments:
# *_social_feed), and a sign-in that asks for one which the app does not have fails whole: so the operator names a set,
# or lists the scopes themselves, in the app's tier.
SCOPE_SETS: Mapping[str, tuple[str, ...]] = {
    # Community Management API, which must be the only product of its app.
    "community": (
        "r_basicprofile",
        "w_member_social",
        "w_organization_social",
        "r_organization_social",
        "rw_organization_admin",
    ),
    "community-feed": (
        "r_basicprofile",
        "w_member_social_feed",
        "w_organization_social_feed",
        "r_organization_social_feed",
        "rw_organization_admin",
    ),
    # "Share on LinkedIn" and "Sign In with LinkedIn using OpenID Connect": members only, granted to every app.
    "self-serve": ("openid", "profile", "w_member_social"),
}
DEFAULT_SCOPES = SCOPE_SETS["community"]


def scopes_for(tier: str) -> tuple[str, ...]:
    """What to ask for: a set's name, or scopes with blanks or commas between; "" and "standard" are the default."""
    named = SCOPE_SETS.get(tier.strip().lower())
    if named:
        return named
    listed = tuple(tier.replace(",", " ").split())
    return listed if any("_" in one or one == "openid" for one in listed) else DEFAULT_SCOPES


# Who may post for an organisation: https://learn.microsoft.com/en-us/linkedin/marketing/community-management/
# organizations/organization-access-control-by-role, 2026-11-24. Two spellings of the content admin are in use.
POSTING_ROLES = frozenset(
    {"ADMINISTRATOR", "DIRECT_SPONSORED_CONTENT_POSTER", "CONTENT_ADMIN", "CONTENT_ADMINISTRATOR"}
)

POLL_DURATIONS: Mapping[int, str] = {
    days * 1440: name for days, name in zip((1, 3, 7, 14), str(FACTS["poll-durations"].value).split(), strict=True)
}

IMAGE_RULE = MediaRule(
    mimes=frozenset({"image/jpeg", "image/png", "image/gif"}),
    max_count=fact_number("multi-image-max"),
    max_pixels=fact_number("image-max-pixels"),
    max_alt=fact_number("max-alt"),
)
GIF_RULE = replace(IMAGE_RULE, mimes=frozenset({"image/gif"}), max_frames=fact_number("gif-max-frames"))
PICTURE_RECIPE = Recipe(
    mime="image/jpeg", max_width=fact_number("image-max-side"), max_height=fact_number("image-max-side")
)
VIDEO_RULE = MediaRule(
    mimes=frozenset({"video/mp4"}),
    min_size=fact_number("video-min-size"),
    max_size=fact_number("video-max-size"),
    min_duration_ms=fact_number("video-min-duration-ms"),
    max_duration_ms=fact_number("video-max-duration-ms"),
    cover=CoverRule(
        picture=MediaRule(mimes=frozenset({"image/jpeg", "image/png"}), max_size=fact_number("cover-max-size") - 1),
        recipe=PICTURE_RECIPE,
    ),
)
DOCUMENT_RULE = MediaRule(
    mimes=frozenset(
        {
            "application/pdf",
            "application/msword",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.ms-powerpoint",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        }
    ),
    max_size=fact_number("document-max-size"),
    max_pages=fact_number("document-max-pages"),
)

VISIBILITY_OPTION = Option(
    name="visibility",
    label="Who can see this post",
    choices=(("PUBLIC", "Anyone"), ("CONNECTIONS", "Connections only")),
    default="PUBLIC",
    narrow=frozenset({"CONNECTIONS"}),
    help="Everyone can see posts from an organization's page. You cannot limit who sees them.",
)

baseline = Capabilities(
    max_length=fact_number("max-length"),
    max_comment_length=fact_number("max-comment-length"),
    max_parts=fact_number("max-parts"),
    media={
        MediaKind.IMAGE: IMAGE_RULE,
        MediaKind.GIF: GIF_RULE,
        MediaKind.VIDEO: VIDEO_RULE,
        MediaKind.DOCUMENT: DOCUMENT_RULE,
    },
    max_media=fact_number("multi-image-max"),
    needs_confirmation=True,
    poll=PollRule(
        min_options=fact_number("poll-min-options"),
        max_options=fact_number("poll-max-options"),
        max_option_length=fact_number("poll-max-option-length"),
        min_minutes=min(POLL_DURATIONS),
        max_minutes=max(POLL_DURATIONS),
        durations=tuple(POLL_DURATIONS),
        max_question_length=fact_number("poll-max-question-length"),
    ),
    abilities=frozenset(
        {
            Ability.EDIT,
            Ability.DELETE,
            Ability.ALT_TEXT,
            Ability.POLL,
            Ability.LINK_CARD,
            Ability.FIRST_COMMENT,
            Ability.REPLY,
        }
    ),
    editable=frozenset({"text"}),
    options=(VISIBILITY_OPTION,),
    facts=FACTS,
)


def capabilities_for_kind(kind: str) -> Capabilities:
    """What an account of this kind can do: an organisation has no connections to post to."""
    if kind == "person":
        return baseline
    only = replace(VISIBILITY_OPTION, choices=VISIBILITY_OPTION.choices[:1])
    return replace(baseline, options=(only,))
