"""The description catches wrong requests: each right one here, with one thing changed, is told."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from kicau.networks._meta.tests.spec import FACEBOOK, INSTAGRAM, Checker, calls, described, removed

facebook, instagram = Checker(FACEBOOK), Checker(INSTAGRAM)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
RUPLOAD = {"Authorization": "OAuth t", "offset": "0", "file_size": "3"}


def told(validate, method, path, params=None, *, headers=None, body=None):
    query = params if method != "POST" else {}
    form = urlencode(params or {}).encode() if method == "POST" and body is None else body or b""
    return list(validate(method, path, query or {}, headers or FORM, form))


RIGHT = [
    (
        facebook,
        "POST",
        "/v26.0/1/feed",
        {"message": "a", "attached_media": '[{"media_fbid":"2"}]', "access_token": "t"},
    ),
    (
        facebook,
        "GET",
        "/v26.0/1/feed",
        {"fields": "id,message,attachments{target}", "since": "1700000000", "limit": "5"},
    ),
    (facebook, "GET", "/v26.0/1/feed", {"fields": "id", "limit": "5", "after": "QVFI"}),
    (instagram, "GET", "/v26.0/1/media", {"fields": "id", "limit": "5", "after": "QVFI"}),
    (facebook, "POST", "/v26.0/1/video_reels", {"upload_phase": "finish", "video_id": "2", "video_state": "PUBLISHED"}),
    (facebook, "POST", "/v26.0/1_2/comments", {"message": "a"}),
    (facebook, "GET", "/v26.0/me/accounts", {"fields": "id,name,access_token,tasks", "limit": "5"}),
    (facebook, "DELETE", "/v26.0/1_2", {"access_token": "t"}),
    (instagram, "POST", "/v26.0/1/media", {"image_url": "https://x", "caption": "a", "is_carousel_item": "true"}),
    (instagram, "POST", "/v26.0/1/media_publish", {"creation_id": "12"}),
    (instagram, "GET", "/v26.0/1/content_publishing_limit", {"fields": "config,quota_usage"}),
    (instagram, "GET", "/v26.0/9", {"fields": "status_code,status"}),
    (instagram, "GET", "/facebook/v26.0/me/accounts", {"fields": "id,instagram_business_account{id,username}"}),
    (instagram, "GET", "/refresh_access_token", {"grant_type": "ig_refresh_token", "access_token": "t"}),
]
WRONG = {
    "a parameter that does not exist": (facebook, "POST", "/v26.0/1/feed", {"text": "a"}),
    "a list that is none": (facebook, "POST", "/v26.0/1/feed", {"attached_media": "2"}),
    "a list of the wrong things": (facebook, "POST", "/v26.0/1/feed", {"attached_media": "[2]"}),
    "a flag that is none": (facebook, "POST", "/v26.0/1/photos", {"published": "no"}),
    "a number that is none": (facebook, "POST", "/v26.0/1/videos", {"upload_phase": "start", "file_size": "big"}),
    "a word that is not in the list": (facebook, "POST", "/v26.0/1/videos", {"upload_phase": "begin"}),
    "what is needed and missing": (facebook, "POST", "/v26.0/1/video_reels", {"video_id": "2"}),
    "an edge that does not exist": (facebook, "POST", "/v26.0/1/tweets", {"message": "a"}),
    "a method that the edge lacks": (facebook, "DELETE", "/v26.0/1/feed", {}),
    "a field that does not exist": (facebook, "GET", "/v26.0/1/feed", {"fields": "id,text"}),
    "paging of a node": (facebook, "GET", "/v26.0/1_2", {"fields": "message", "limit": "5"}),
    "a path without a version": (facebook, "POST", "/1/feed", {"message": "a"}),
    "another network's edge": (facebook, "POST", "/v26.0/1/media", {"image_url": "https://x"}),
    "a quota field that does not exist": (instagram, "GET", "/v26.0/1/content_publishing_limit", {"fields": "left"}),
    "a creation id that is no number": (instagram, "POST", "/v26.0/1/media_publish", {"creation_id": "c1"}),
    "publishing nothing": (instagram, "POST", "/v26.0/1/media_publish", {}),
    "deleting a whole list": (instagram, "DELETE", "/v26.0/1/media", {"access_token": "t"}),
    "a nested field that does not exist": (
        instagram,
        "GET",
        "/facebook/v26.0/me/accounts",
        {"fields": "instagram_business_account{handle}"},
    ),
    "a refresh without a token": (instagram, "GET", "/refresh_access_token", {"grant_type": "ig_refresh_token"}),
    "a dialog without a state": (
        facebook,
        "GET",
        "/v26.0/dialog/oauth",
        {"client_id": "1", "redirect_uri": "https://x"},
    ),
    "a code sent with a stranger beside it": (
        facebook,
        "POST",
        "/v26.0/oauth/access_token",
        {"client_id": "1", "client_secret": "s", "verifier": "v"},
    ),
}


@pytest.mark.parametrize(("validate", "method", "path", "params"), RIGHT, ids=[f"{r[1]} {r[2]}" for r in RIGHT])
def test_a_right_request_passes(validate, method, path, params):
    assert told(validate, method, path, params) == []


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_request_is_told(name):
    assert told(*WRONG[name])


def test_both_versions_are_held_against():
    new = {"upload_phase": "start", "is_ai_generated": "true"}  # v26.0 has it, v25.0 does not
    assert told(facebook, "POST", "/v26.0/1/video_reels", new) == [
        "v25.0: Page POST /video_reels: unknown parameter is_ai_generated"
    ]


def test_a_reel_is_sent_as_the_collection_says():
    assert told(facebook, "POST", "/video-upload/v26.0/7", headers=RUPLOAD, body=b"abc") == []
    assert told(
        facebook, "POST", "/video-upload/v26.0/7", headers={**RUPLOAD, "Authorization": "Bearer t"}, body=b"abc"
    )
    assert told(facebook, "POST", "/video-upload/v26.0/7", headers={**RUPLOAD, "file_size": "2"}, body=b"abc")
    assert told(facebook, "POST", "/video-upload/v26.0/7", headers={"Authorization": "OAuth t"}, body=b"abc")


def test_files_of_a_form_are_seen():
    body = b'--b\r\nContent-Disposition: form-data; name="%s"; filename="f"\r\n\r\nabc\r\n--b--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert told(facebook, "POST", "/v26.0/1/photos", headers=headers, body=body % b"source") == []
    assert told(facebook, "POST", "/v26.0/1/photos", headers=headers, body=body % b"picture")


def test_the_description_is_the_one_it_says():
    assert (described("v25.0")["version"], described("v26.0")["version"]) == ("v25.0", "v26.0")


def test_a_call_that_nobody_looked_up_in_the_changelogs_is_told():
    unlisted = {
        "a call": ("GET", "/v26.0/1/videos", {"fields": "id"}),
        "a parameter": ("POST", "/v26.0/1/feed", {"message": "a", "backdated_time": "1700000000"}),
        "a field": ("GET", "/v26.0/1_2", {"fields": "message,icon"}),
    }
    for method, path, params in unlisted.values():
        assert [one for one in told(facebook, method, path, params) if "calls.toml" in one]


def test_nothing_is_sent_that_a_version_removed():
    for call, (parameters, fields) in calls().items():
        edge = call.rpartition("/")[2]
        assert not ({edge} | parameters | fields) & removed(), call


@pytest.mark.parametrize("name", ["ids", "date_format", "method", "callback", "metric"])
def test_what_was_removed_is_told(name):
    params = {name: "total_video_consumption_rate" if name == "metric" else "x"}
    assert told(facebook, "GET", "/v26.0/1_2", params)


def test_each_call_of_a_batch_is_held_against_the_description():
    def batch(*listed):
        return told(facebook, "POST", "/v26.0/", {"batch": json.dumps(listed), "access_token": "t"})

    right = {"method": "GET", "relative_url": "1_2?fields=message"}
    assert batch(right, right) == []
    assert batch(right, {"method": "GET", "relative_url": "1_2?fields=text"})
    assert batch({**right, "relativeUrl": "1"})
    assert batch()
    assert batch(*[right] * 51)
    assert told(facebook, "POST", "/v26.0/", {"batch": "no list"})
    assert told(facebook, "POST", "/v26.0/", {"batch": json.dumps([right]), "is_async": "true"})
