"""LinkedIn's own Python client (linkedin-api-client 0.3.0), unchanged, against the sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import aiohttp
import linkedin_api.common.constants as constants
import pytest
from linkedin_api.clients.auth.client import AuthClient
from linkedin_api.clients.auth.utils import oauth
from linkedin_api.clients.restli.client import RestliClient
from linkedin_api.common.errors import ResponseFormattingError

from kicau.connector.contract import CALLBACK_URL, consent_at_sandbox
from kicau.networks.linkedin.sandbox.server import Server
from kicau.networks.linkedin.tests.cast import FILES

FIRM = "urn:li:organization:5012346"
SCOPES = [
    "r_basicprofile",
    "w_member_social",
    "w_organization_social",
    "r_organization_social",
    "rw_organization_admin",
]
VERSION = "202609"


@pytest.fixture
def pointed(box: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[AuthClient]:
    """The client has no option for its addresses: its constants are set."""
    monkeypatch.setattr(constants, "OAUTH_BASE_URL", f"{box.base_url}/oauth/v2")
    monkeypatch.setattr(oauth, "OAUTH_BASE_URL", f"{box.base_url}/oauth/v2")
    monkeypatch.setattr(constants, "VERSIONED_BASE_URL", f"{box.base_url}/rest")
    monkeypatch.setattr(constants, "NON_VERSIONED_BASE_URL", f"{box.base_url}/v2")
    client = AuthClient(
        client_id=box.default_app.client_id, client_secret=box.default_app.client_secret, redirect_url=CALLBACK_URL
    )
    yield client
    client.session.close()


async def signed_in(auth: AuthClient, http: aiohttp.ClientSession, scopes: list[str]) -> Any:
    url = auth.generate_member_auth_url(scopes=scopes, state="a-state-of-some-length")
    returned = await consent_at_sandbox(http, url)
    assert returned["state"] == "a-state-of-some-length"
    return await asyncio.to_thread(auth.exchange_auth_code_for_access_token, returned["code"])


async def test_sign_in_refresh_and_introspection(pointed: AuthClient, http: aiohttp.ClientSession, box: Server) -> None:
    token = await signed_in(pointed, http, SCOPES)
    assert (token.status_code, token.expires_in, token.refresh_token_expires_in) == (200, 5184000, 31536000)
    assert set(token.scope.split(",")) == set(SCOPES)
    again = await asyncio.to_thread(pointed.exchange_refresh_token_for_access_token, token.refresh_token)
    assert again.status_code == 200
    assert again.access_token != token.access_token
    assert again.refresh_token == token.refresh_token
    told = await asyncio.to_thread(pointed.introspect_access_token, again.access_token)
    assert (told.active, told.status, told.auth_type) == (True, "active", "3L")
    box.clock_offset = 61 * 86400
    told = await asyncio.to_thread(pointed.introspect_access_token, again.access_token)
    assert (told.active, told.status) == (False, "expired")


async def test_it_reads_the_member(pointed: AuthClient, http: aiohttp.ClientSession) -> None:
    token = await signed_in(pointed, http, ["openid", "profile", "w_member_social"])
    rest = RestliClient()
    info = await asyncio.to_thread(rest.get, resource_path="/userinfo", access_token=token.access_token)
    assert (info.status_code, info.entity["name"]) == (200, "Sari Wulandari")
    rest.session.close()


async def test_it_publishes_a_picture_reads_changes_and_deletes_it(
    pointed: AuthClient, http: aiohttp.ClientSession, box: Server
) -> None:
    token = (await signed_in(pointed, http, SCOPES)).access_token
    await asyncio.to_thread(_publish_read_delete, box, token)


def _upload_picture(rest: RestliClient, how: dict[str, Any]) -> str:
    """The URN of an image that was uploaded."""
    begun = rest.action(
        resource_path="/images",
        action_name="initializeUpload",
        action_params={"initializeUploadRequest": {"owner": FIRM}},
        **how,
    )
    sent = rest.session.put(begun.value["uploadUrl"], data=FILES["cup"].path.read_bytes(), timeout=60)
    assert sent.status_code == 201
    return str(begun.value["image"])


def _post_with(image: str) -> dict[str, Any]:
    return {
        "author": FIRM,
        "commentary": r"Kopi \(baru\) {hashtag|\#|senja}",
        "visibility": "PUBLIC",
        "distribution": {
            "feedDistribution": "MAIN_FEED",
            "targetEntities": [],
            "thirdPartyDistributionChannels": [],
        },
        "content": {"media": {"id": image, "altText": "A cup"}},
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": False,
    }


def _publish_read_delete(box: Server, token: str) -> None:
    rest = RestliClient()
    how: dict[str, Any] = {"access_token": token, "version_string": VERSION}
    roles = rest.finder(resource_path="/organizationAcls", finder_name="roleAssignee", **how)
    assert [role["organization"] for role in roles.elements] == [FIRM]

    image = _upload_picture(rest, how)
    made = rest.create(
        resource_path="/posts",
        entity=_post_with(image),
        **how,
    )
    assert made.status_code == 201
    urn = made.decoded_entity_id
    assert urn.startswith("urn:li:share:")
    (seen,) = box.public_posts()
    assert (seen.id, seen.text, seen.media[0]["alt"], seen.extra["tags"]) == (
        urn,
        "Kopi (baru) #senja",
        "A cup",
        ["senja"],
    )

    got = rest.get(resource_path="/posts/{id}", path_keys={"id": urn}, **how)
    assert got.entity["content"]["media"]["id"] == image
    found = rest.finder(resource_path="/posts", finder_name="author", query_params={"author": FIRM, "count": 5}, **how)
    assert [post["id"] for post in found.elements] == [urn]
    assert found.paging.total == 1

    changed = rest.partial_update(
        resource_path="/posts/{id}", path_keys={"id": urn}, patch_set_object={"commentary": "Kopi lagi"}, **how
    )
    assert changed.status_code == 204
    said = rest.create(
        resource_path="/socialActions/{id}/comments",
        path_keys={"id": urn},
        entity={"actor": FIRM, "object": urn, "message": {"text": "Pertama"}},
        **how,
    )
    assert said.status_code == 201
    assert [(p.text, p.extra["comments"]) for p in box.public_posts()] == [("Kopi lagi", ["Pertama"])]

    gone = rest.delete(resource_path="/posts/{id}", path_keys={"id": urn}, **how)
    assert gone.status_code == 204
    assert list(box.public_posts()) == []
    rest.session.close()


def _new_post(rest: RestliClient, text: str, how: dict[str, Any]) -> str:
    made = rest.create(
        resource_path="/posts",
        entity={
            "author": FIRM,
            "commentary": text,
            "visibility": "PUBLIC",
            "distribution": {"feedDistribution": "MAIN_FEED"},
            "lifecycleState": "PUBLISHED",
        },
        **how,
    )
    return str(made.decoded_entity_id)


async def test_it_gets_and_deletes_several_posts_at_once(
    pointed: AuthClient, http: aiohttp.ClientSession, box: Server
) -> None:
    token = (await signed_in(pointed, http, SCOPES)).access_token

    def work() -> None:
        rest = RestliClient()
        how: dict[str, Any] = {"access_token": token, "version_string": VERSION}
        one, two = (_new_post(rest, text, how) for text in ("Satu", "Dua"))
        gone = "urn:li:share:1"
        found = rest.batch_get(resource_path="/posts", ids=[one, two, gone], **how)
        assert found.status_code == 200
        assert {urn: post["commentary"] for urn, post in found.results.items()} == {one: "Satu", two: "Dua"}
        assert found.statuses == {one: 200, two: 200, gone: 404}
        assert found.errors[gone]["status"] == 404
        deleted = rest.batch_delete(resource_path="/posts", ids=[one, gone], **how)
        assert {urn: result.status for urn, result in deleted.results.items()} == {one: 204}
        rest.session.close()

    await asyncio.to_thread(work)
    assert [post.text for post in box.public_posts()] == ["Dua"]


async def test_a_batch_that_is_too_long_for_an_address_comes_in_the_body(
    pointed: AuthClient, http: aiohttp.ClientSession, box: Server
) -> None:
    token = (await signed_in(pointed, http, SCOPES)).access_token

    def work() -> None:
        rest = RestliClient()
        how: dict[str, Any] = {"access_token": token, "version_string": VERSION}
        urn = _new_post(rest, "Satu", how)
        missing = [f"urn:li:share:{n}" for n in range(7_000_000_000, 7_000_000_200)]
        found = rest.batch_get(resource_path="/posts", ids=[*missing, urn], **how)
        assert found.response.request.method == "POST"
        assert set(found.results) == {urn}
        assert len(found.errors) == 200
        rest.session.close()

    await asyncio.to_thread(work)


async def test_it_gets_several_pictures_at_once(pointed: AuthClient, http: aiohttp.ClientSession, box: Server) -> None:
    token = (await signed_in(pointed, http, SCOPES)).access_token
    box.processing_seconds = 0.0

    def work() -> None:
        rest = RestliClient()
        how: dict[str, Any] = {"access_token": token, "version_string": VERSION}
        begun = [
            rest.action(
                resource_path="/images",
                action_name="initializeUpload",
                action_params={"initializeUploadRequest": {"owner": FIRM}},
                **how,
            )
            for _ in range(2)
        ]
        rest.session.put(begun[0].value["uploadUrl"], data=FILES["cup"].path.read_bytes(), timeout=60)
        urns = [one.value["image"] for one in begun]
        found = rest.batch_get(resource_path="/images", ids=urns, **how)
        assert [found.results[urn]["status"] for urn in urns] == ["AVAILABLE", "WAITING_UPLOAD"]
        rest.session.close()

    await asyncio.to_thread(work)


@pytest.mark.parametrize("quotes", [True, False])
async def test_the_parts_of_a_video_are_named_as_they_were_confirmed(
    pointed: AuthClient, http: aiohttp.ClientSession, box: Server, quotes: bool
) -> None:
    token = (await signed_in(pointed, http, SCOPES)).access_token
    box.processing_seconds = 0.0

    def work() -> None:
        rest = RestliClient()
        how: dict[str, Any] = {"access_token": token, "version_string": VERSION}
        content = FILES["pour"].path.read_bytes()
        asked = {"owner": FIRM, "fileSizeBytes": len(content), "uploadCaptions": False, "uploadThumbnail": False}
        begun = rest.action(
            resource_path="/videos",
            action_name="initializeUpload",
            action_params={"initializeUploadRequest": asked},
            **how,
        ).value
        etags = []
        for part in begun["uploadInstructions"]:
            body = content[part["firstByte"] : part["lastByte"] + 1]
            etags.append(rest.session.put(part["uploadUrl"], data=body, timeout=60).headers["ETag"])
        assert all(etag.startswith('"') for etag in etags)
        done = {
            "video": begun["video"],
            "uploadToken": begun["uploadToken"],
            "uploadedPartIds": etags if quotes else [etag.strip('"') for etag in etags],
        }
        with pytest.raises(ResponseFormattingError):  # the answer has no body, which this client does not expect
            rest.action(
                resource_path="/videos",
                action_name="finalizeUpload",
                action_params={"finalizeUploadRequest": done},
                **how,
            )
        got = rest.get(resource_path="/videos/{id}", path_keys={"id": begun["video"]}, **how)
        assert got.entity["status"] == "AVAILABLE"
        rest.session.close()

    await asyncio.to_thread(work)
