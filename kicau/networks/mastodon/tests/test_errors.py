from __future__ import annotations

import json
from datetime import timedelta

import pytest

from kicau.connector import clock
from kicau.connector.errors import AuthExpired, RateLimited, Rejected
from kicau.connector.transport.http import HttpResponse
from kicau.networks.mastodon.errors import read_error, rejection_at_part
from kicau.networks.mastodon.limits import baseline
from kicau.networks.mastodon.render import render
from kicau.networks.mastodon.tests.cast import saying


def reply(status: int, error: str = "", headers: dict[str, str] | None = None, **more: str) -> HttpResponse:
    return HttpResponse(status, headers or {}, json.dumps({"error": error, **more}).encode())


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (
            "Validation failed: Text character limit of 500 exceeded",
            "too-long",
            "On Mastodon, the text has too many characters, but the limit is 500. Shorten the text.",
        ),
        (
            "text too long, 5001 characters provided (including content warning) but limit is 5000",
            "too-long",
            "On Mastodon, the text has too many characters, but the limit is 5000. Shorten the text.",
        ),
        (
            "The status is over the character limit",
            "too-long",
            "The text is longer than this Mastodon server allows. Shorten the text.",
        ),
        (
            "Validation failed: Text can't be blank",
            "empty",
            "The post for Mastodon is empty. Write text or add a file.",
        ),
        (
            "Cannot attach files that have not finished processing. Try again in a moment!",
            "media-not-ready",
            "Mastodon is still processing one of the files in this post. Message from the network: Cannot attach files that have not finished processing. Try again in a moment!",
        ),
        (
            "Media 12 not found or already attached to another post",
            "media-gone",
            "Mastodon no longer has one of the files in this post, or already uses it in another post. Message from the network: Media 12 not found or already attached to another post",
        ),
        (
            "Cannot attach a video to a post that already contains images",
            "mixed-media",
            "Mastodon does not allow a video together with other files in one post. Remove the video, or remove the other files.",
        ),
        (
            "Cannot attach more than 4 files",
            "too-many-media",
            "Mastodon allows at most 4 files in one post. Remove some files.",
        ),
        (
            "Validation failed: Description is too long (maximum is 1500 characters)",
            "alt-too-long",
            "On Mastodon, alt text can have at most 1500 characters. Shorten the alt text.",
        ),
        (
            "Validation failed: File file size must be less than 16 MB",
            "too-large",
            "Mastodon accepts only files smaller than 16 MB. Reduce the size of this file.",
        ),
        (
            "10000x9000 images are not supported",
            "too-many-pixels",
            "Mastodon does not accept a file with 10000x9000 pixels. Reduce the width and height of the file.",
        ),
        (
            "240fps videos are not supported",
            "wrong-fps",
            "Mastodon does not accept a video with 240 frames per second. Export the video with fewer frames per second.",
        ),
        (
            "Validation failed: File content type is invalid, File is invalid",
            "media-refused",
            "Mastodon could not use one of the files in this post (File content type is invalid, File is invalid). Replace the file.",
        ),
        (
            "Validation failed: Poll options can't contain more than 4 items",
            "poll-too-many",
            "A poll on Mastodon can have at most 4 options. Remove some options.",
        ),
        (
            "Validation failed: Poll options must have more than one item, Poll expires at is too soon",
            "poll-too-few",
            "A poll on Mastodon needs at least 2 options. Add an option.",
        ),
        (
            "Validation failed: Poll expires at is too far into the future",
            "poll-duration",
            "Mastodon rejected the duration of the poll. Choose another duration. Message from the network: Poll expires at is too far into the future",
        ),
        (
            "Validation failed: Text contained a disallowed hashtag: kopi",
            "banned-hashtag",
            "This Mastodon server does not accept posts with the hashtag #kopi. Remove the hashtag.",
        ),
        ("Something new", "refused", "Mastodon rejected the post. Message from the network: Something new"),
    ],
)
def test_what_a_server_says_of_a_post(error: str, code: str, sentence: str) -> None:
    read = read_error(reply(422, error))
    assert isinstance(read, Rejected)
    assert (read.problems[0].code, read.problems[0].sentence) == (code, sentence)


def test_the_same_words_as_before_sending() -> None:
    assert (
        read_error(reply(422, "Validation failed: Text can't be blank")).problems[0].message
        == "The post for {network} is empty. Write text or add a file."
    )  # type: ignore[union-attr]
    post = render(saying("a" * 120), baseline)
    refused = read_error(reply(422, "Validation failed: Text character limit of 100 exceeded"))
    assert isinstance(refused, Rejected)
    told = rejection_at_part(refused, post, 0).problems[0]
    assert (
        told.sentence
        == "On Mastodon, the text has 120 characters, but the limit is 100. Shorten the text, or split it into a thread (several connected posts)."
    )
    assert (told.limit, told.actual, told.fix) == (100, 120, "split")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, "The access token is invalid"),
        (401, "The access token was revoked"),
        (400, "invalid_grant"),
        (401, "invalid_client"),
        (403, "This action is outside the authorized scopes"),
        (403, "Your login is currently disabled"),
        (403, "Your login is missing a confirmed e-mail address"),
        (422, "This method requires an authenticated user"),
    ],
)
def test_what_needs_a_new_sign_in(status: int, error: str) -> None:
    assert isinstance(read_error(reply(status, error)), AuthExpired)


def test_other_refusals() -> None:
    for status, error, code in (
        (404, "Record not found", "not-found"),
        (410, "", "not-found"),
        (403, "This action is not allowed", "not-allowed"),
        (413, "", "too-large"),
        (404, "The post you are trying to reply to does not appear to exist.", "no-such-reply"),
        (404, "The post you are trying to quote does not appear to exist.", "no-such-quote"),
    ):
        read = read_error(reply(status, error))
        assert isinstance(read, Rejected), error
        assert read.problems[0].code == code
    plain = read_error(HttpResponse(404, {}, b"<h1>404 Not Found (snac/2.75)</h1>"))
    assert isinstance(plain, Rejected)
    assert (
        plain.problems[0].sentence
        == "Mastodon could not find a post, account or file that Kicau needs. Message from the network: 404 Not Found (snac/2.75)"
    )
    for status in (408, 500, 502, 503):
        assert read_error(reply(status, "There was a temporary problem")) is None


def test_the_time_of_a_limit_is_read_in_iso_8601() -> None:
    now = clock.now()
    ahead = (now + timedelta(seconds=90)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    with clock.freeze_clock(now):
        for headers, seconds in (
            ({"x-ratelimit-reset": ahead}, 90),
            ({"retry-after": "30"}, 30),
            ({"x-ratelimit-reset": "soon"}, 60),
            ({"x-ratelimit-reset": f"{now.year + 73}-01-01T00:00:00Z"}, 60),  # a clock that is wrong
            ({"x-ratelimit-reset": "2020-01-01T00:00:00Z"}, 1),
            ({}, 60),
        ):
            read = read_error(reply(429, "Too many requests", headers))
            assert isinstance(read, RateLimited)
            assert (read.until - now).total_seconds() == seconds, headers
