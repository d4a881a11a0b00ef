"""X's two vocabularies: which one a request speaks, what it may ask for, and posts and accounts in its words."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kicau.networks.x.sandbox.errors import invalid_request_error


def split_words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


# Fields of both descriptions (2.166 and 2.167); a request uses those of one.
SHARED_FIELDS = split_words(
    "article attachments card_uri community_id context_annotations conversation_id created_at display_text_range "
    "edit_controls entities geo id lang matched_media_notes media_metadata non_public_metrics note_request_suggestions "
    "organic_metrics paid_partnership possibly_sensitive promoted_metrics public_metrics reply_settings scopes source "
    "suggested_source_links suggested_source_links_with_counts text withheld"
)
USER_FIELDS = split_words(
    "affiliation confirmed_email connection_status created_at description entities id is_identity_verified location "
    "name parody profile_banner_url profile_image_url protected public_metrics receives_your_dm subscribes_to_you "
    "subscription subscription_type url username verified verified_followers_count verified_type withheld "
    "most_recent_tweet_id pinned_tweet_id"
)
MEDIA_FIELDS = split_words(
    "alt_text duration_ms height media_key non_public_metrics organic_metrics preview_image_url promoted_metrics "
    "public_metrics type url variants width"
)
POLL_FIELDS = split_words("duration_minutes end_datetime id options voting_status")
PLACE_FIELDS = split_words("contained_within country country_code full_name geo id name place_type")
SHARED_EXPANSIONS = split_words(
    "article.cover_media article.media_entities attachments.media_keys attachments.media_source_tweet "
    "attachments.poll_ids author_id entities.mentions.username geo.place_id in_reply_to_user_id"
)


@dataclass(frozen=True, slots=True)
class FieldVocabulary:
    """One vocabulary."""

    name: str
    fields: str
    posts: str  # in includes
    referenced: str
    history: str
    reposts: str
    long_text: str
    count: str
    post_fields: frozenset[str]
    expansions: frozenset[str]


NEW_VOCABULARY = FieldVocabulary(
    name="new",
    fields="post.fields",
    posts="posts",
    referenced="referenced_posts",
    history="edit_history_post_ids",
    reposts="repost_count",
    long_text="note_post",
    count="post_count",
    post_fields=SHARED_FIELDS | {"article_title", "note_post"},
    expansions=SHARED_EXPANSIONS
    | {"edit_history_post_ids", "referenced_posts", "username", "affiliation", "most_recent_post_id", "pinned_post_id"},
)
OLD_VOCABULARY = FieldVocabulary(
    name="old",
    fields="tweet.fields",
    posts="tweets",
    referenced="referenced_tweets",
    history="edit_history_tweet_ids",
    reposts="retweet_count",
    long_text="note_tweet",
    count="tweet_count",
    post_fields=SHARED_FIELDS
    | {"author_id", "edit_history_tweet_ids", "in_reply_to_user_id", "note_tweet", "referenced_tweets"},
    expansions=SHARED_EXPANSIONS
    | {
        "edit_history_tweet_ids",
        "entities.note.mentions.username",
        "referenced_tweets.id",
        "referenced_tweets.id.attachments.media_keys",
        "referenced_tweets.id.author_id",
        "affiliation.user_id",
        "most_recent_tweet_id",
        "pinned_tweet_id",
    },
)


@dataclass(frozen=True, slots=True)
class RequestedFields:
    """What a request wants to see."""

    words: FieldVocabulary
    named: bool  # whether the request itself used one vocabulary's own names
    post: frozenset[str]
    user: frozenset[str]
    media: frozenset[str]
    expansions: frozenset[str]


def known_vocabularies(known: Iterable[str]) -> list[FieldVocabulary]:
    """Those that a sandbox understands; where both are, the new one first."""
    return [words for words in (NEW_VOCABULARY, OLD_VOCABULARY) if words.name in known]


def read_requested_fields(query: Mapping[str, str], known: Iterable[str], own: Iterable[str]) -> RequestedFields:
    """Read a query; parameters that are neither fields nor the endpoint's `own` are refused, as X does."""
    known_words = known_vocabularies(known)
    allowed = {
        *own,
        *(words.fields for words in known_words),
        "expansions",
        "user.fields",
        "media.fields",
        "poll.fields",
        "place.fields",
    }
    for name, value in query.items():
        if name not in allowed:
            raise invalid_request_error(
                f"The query parameter [{name}] is not one of [{','.join(sorted(allowed))}]", **{name: value}
            )
    expansions = _read_list(query, "expansions", frozenset().union(*(words.expansions for words in known_words)))
    words, named = known_words[0], False
    for one in known_words:
        others = frozenset().union(*(other.expansions for other in known_words if other is not one))
        if one.fields in query or expansions & (one.expansions - others):
            words, named = one, True
            break
    for field, values in (("poll.fields", POLL_FIELDS), ("place.fields", PLACE_FIELDS)):
        _read_list(query, field, values)
    return RequestedFields(
        words=words,
        named=named,
        post=_read_list(query, words.fields, words.post_fields),
        user=_read_list(query, "user.fields", USER_FIELDS),
        media=_read_list(query, "media.fields", MEDIA_FIELDS),
        expansions=expansions,
    )


def _read_list(query: Mapping[str, str], name: str, allowed: frozenset[str]) -> frozenset[str]:
    if name not in query:
        return frozenset()
    found = frozenset(query[name].split(","))
    for value in sorted(found - allowed):
        raise invalid_request_error(
            f"The `{name}` query parameter value [{value}] is not one of [{','.join(sorted(allowed))}]", **{name: value}
        )
    return found


def short_url(post_id: str, place: int) -> str:
    """The t.co address of a post's link: the same at every reading."""
    digest = hashlib.sha256(f"{post_id} {place}".encode()).digest()
    return "https://t.co/" + base64.b32encode(digest)[:10].decode().lower()


def text_as_returned(post: Mapping[str, Any], site: str, username: str) -> tuple[str, list[dict[str, Any]]]:
    """The text as the API gives it (links shortened, & < > escaped, attached media as a link) and its links."""
    pieces, urls, last, length = [], [], 0, 0
    for place, (start, end, target) in enumerate(post["links"]):
        before = _escape_text(post["text"][last:start])
        link = short_url(post["id"], place)
        length += len(before)
        urls.append(
            {
                "start": length,
                "end": length + len(link),
                "url": link,
                "expanded_url": target,
                "display_url": _display_url(target),
            }
        )
        pieces += [before, link]
        length += len(link)
        last = end
    pieces.append(_escape_text(post["text"][last:]))
    text = "".join(pieces)
    if post["media"]:
        link = short_url(post["id"], len(post["links"]))
        text = f"{text} {link}" if text else link
        address = f"{site}/{username}/status/{post['id']}/{'photo' if post['kind'] == 'photo' else 'video'}/1"
        for media in post["media"]:
            urls.append(
                {
                    "start": len(text) - len(link),
                    "end": len(text),
                    "url": link,
                    "expanded_url": address,
                    "display_url": f"pic.x.com/{link[-10:]}",
                    "media_key": media,
                }
            )
    return text, urls


def _escape_text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _display_url(target: str) -> str:
    bare = target.split("://", 1)[-1].removeprefix("www.")
    return bare if len(bare) <= 27 else bare[:26] + "…"


def encode_cursor(post_id: str) -> str:
    return base64.b32hexencode(post_id.encode()).decode().rstrip("=").lower()


def decode_cursor(token: str) -> str:
    """Raises the 400 for a token that was never given out."""
    try:
        found = base64.b32hexdecode(token.upper() + "=" * (-len(token) % 8)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        found = ""
    if not found.isdigit():
        raise invalid_request_error(
            f"The `pagination_token` query parameter value [{token}] is not valid", pagination_token=token
        )
    return found
