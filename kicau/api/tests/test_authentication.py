"""Who is let in, how often, and how whatever is refused is said."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from kicau.api.core.problems import PROBLEM_TYPES
from kicau.api.tests.conftest import Caller, caller_for
from kicau.workspaces.actions import create_workspace, remove_member
from kicau.workspaces.api_tokens import create_token, revoke_token
from kicau.workspaces.models import ApiToken, Passkey


def problem(answer, status: int) -> dict:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert {"type", "title", "status", "detail"} <= set(body)
    assert body["status"] == status
    kind = body["type"].removeprefix("/api/v1/docs#problem-")
    assert PROBLEM_TYPES[kind].status == status
    return body


@pytest.mark.parametrize("path", ["/me", "/posts", "/nothing/here", "/", "/posts/", "/openapi.json/x"])
def test_no_token_opens_nothing(nobody, db, path):
    answer = nobody.get(path)
    body = problem(answer, 401)
    assert "Authorization: Bearer" in body["detail"]
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["Bearer kicau_no", "Bearer", "Basic a2ljYXU6eA==", "Bearer \x00", "kicau_no"])
def test_a_wrong_token_opens_nothing(nobody, db, header):
    problem(nobody.get("/me", Authorization=header), 401)


def test_a_revoked_token_stops_at_once(api, actor):
    assert api.get("/me").status_code == 200
    revoke_token(actor, ApiToken.objects.get().id)
    assert "revoked" in problem(api.get("/me"), 401)["detail"]


def test_an_expired_token_stops(api):
    ApiToken.objects.update(expires_at="2020-01-01T00:00:00Z")
    problem(api.get("/me"), 401)


def test_a_removed_member_is_out(actor, member):
    editor = member("editor")
    asking = caller_for(editor)
    assert asking.get("/me").status_code == 200
    remove_member(actor, editor.person)
    problem(asking.get("/me"), 401)


def test_a_page_session_is_no_way_in(owner, workspace):
    browser = Client(raise_request_exception=False)
    browser.force_login(owner)
    problem(browser.get("/api/v1/me"), 401)


def test_a_personal_token_chooses_its_workspace(owner, workspace, actor):
    other = create_workspace(owner, "Redaksi")
    asking = Caller(create_token(actor, "all", ["read"], personal=True).secret)
    assert asking.get("/me").json()["workspace"]["name"] == "Kopi Senja"
    chosen = asking.get("/me", Kicau_Workspace=str(other.id)).json()
    assert chosen["workspace"]["name"] == "Redaksi"
    assert [w["name"] for w in chosen["workspaces"]] == ["Kopi Senja", "Redaksi"]
    assert (
        "Redaksi"
        not in asking.http.get(
            "/api/v1/me", headers={"Authorization": f"Bearer {create_token(actor, 'one', ['read']).secret}"}
        ).content.decode()
    )


def test_a_workspace_that_the_token_does_not_open(api, stranger):
    assert (
        "has no access to the workspace"
        in problem(api.get("/me", Kicau_Workspace=str(stranger.workspace.id)), 404)["detail"]
    )
    problem(api.get("/me", Kicau_Workspace="what?"), 404)


def test_unknown_addresses_and_methods(api):
    assert "/api/v1/nothing" in problem(api.get("/nothing"), 404)["detail"]
    answer = api.ask("DELETE", "/posts")
    assert "GET, POST" in problem(answer, 405)["detail"]
    assert set(answer["Allow"].split(", ")) == {"GET", "POST"}


def test_head_is_a_get_without_its_body(api):
    answer = api.http.head("/api/v1/me", headers={"Authorization": f"Bearer {api.secret}"})
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"parts": [', "line 1, column 12"),
        (b"\xff\xfe", "not valid UTF-8"),
        (b'{"parts": NaN}', "NaN"),
        (b"[" * 100_000, "nested too deeply"),
        (b"1" * 5000, "not valid JSON"),
    ],
)
def test_a_body_that_is_not_json(api, body, says):
    assert says in problem(api.raw("POST", "/posts", body, "application/json"), 400)["detail"]


def test_a_body_of_another_type(api):
    assert "text/plain" in problem(api.raw("POST", "/posts", b"halo", "text/plain"), 415)["detail"]
    assert "multipart/form-data" in problem(api.raw("POST", "/media", b"{}", "application/json"), 415)["detail"]


def test_a_body_too_large(api):
    assert "10 MB" in problem(api.raw("POST", "/posts", b" " * 10_000_001, "application/json"), 413)["detail"]


def test_characters_that_cannot_be_kept(api):
    body = problem(api.raw("POST", "/posts", rb'{"parts": [{"text": "a\u0000b"}]}', "application/json"), 422)
    assert (body["errors"][0]["field"], body["errors"][0]["code"]) == ("parts.0.text", "nul")
    body = problem(api.raw("POST", "/posts", rb'{"parts": [{"text": "\ud800"}]}', "application/json"), 422)
    assert body["errors"][0]["code"] == "surrogate"
    problem(api.get("/posts?tag=a%00b"), 422)
    problem(api.get("/channels/a%00b"), 404)


def test_fields_and_parameters_that_do_not_exist(api):
    errors = problem(api.post("/posts", {"parts": [{"text": "x", "txet": "y"}], "tags": "menu"}), 422)["errors"]
    assert {(e["field"], e["code"]) for e in errors} == {("parts.0.txet", "extra-forbidden"), ("tags", "list-type")}
    assert "Available: campaign, cursor" in problem(api.get("/posts?stat=draft"), 422)["detail"]


def test_a_limit_is_said_as_a_number(api):
    error = problem(api.get("/posts?limit=1000"), 422)["errors"][0]
    assert (error["field"], error["limit"]) == ("limit", 100)


@pytest.mark.parametrize("day", ["0", "1764115200", "26-11-2026", "2026-11-26T10:00"])
def test_a_day_is_said_as_it_is_written(api, day):
    said = problem(api.get(f"/archive/items?until={day}"), 422)
    assert said["detail"] == "until: a day is written YYYY-MM-DD."


def test_rate_limits(api, settings):
    settings.KICAU_API_RATE = 3
    left = [api.get("/me")["RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    answer = api.get("/me")
    assert "3 are allowed" in problem(answer, 429)["detail"]
    assert 0 < int(answer["Retry-After"]) <= 60
    assert answer["RateLimit-Limit"] == "3"


def test_each_token_has_a_rate_of_its_own(api, actor, settings):
    settings.KICAU_API_RATE = 1
    other = caller_for(actor)
    assert [c.get("/me").status_code for c in (api, other, api, other)] == [200, 200, 429, 429]


def test_a_fault_is_logged_and_shows_nothing(api, monkeypatch):
    def broken(actor):
        raise RuntimeError("secret of the house")

    monkeypatch.setattr("kicau.publishing.content.compositions.campaigns", broken)
    body = problem(api.get("/campaigns"), 500)
    assert body["instance"].startswith("urn:uuid:")
    assert "secret" not in json.dumps(body)


def test_a_full_disk_is_said(api, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kicau.media.actions.add_medium", full)
    from django.core.files.uploadedfile import SimpleUploadedFile

    assert "disk" in problem(api.upload("/media", file=SimpleUploadedFile("a.png", b"x")), 507)["detail"]


def test_the_description_and_its_page_are_open(nobody, db):
    answer = nobody.get("/openapi.json")
    assert answer.json()["openapi"].startswith("3.1")
    page = nobody.get("/docs")
    html = page.content.decode()
    assert page.status_code == 200
    assert "<script" not in html
    assert "style=" not in html
    assert "//" not in html.replace("https://", "").replace("http://", "") or 'src="' not in html
    for operations in answer.json()["paths"].values():
        for operation in operations.values():
            assert f'id="{operation["operationId"]}"' in html
    for kind in PROBLEM_TYPES:
        assert f'id="problem-{kind}"' in html


def test_a_token_of_somebody_without_the_required_second_factor_is_refused(api, workspace, owner):
    workspace.requires_second_factor = True
    workspace.save()
    body = problem(api.get("/me"), 403)
    assert body["type"] == "/api/v1/docs#problem-second-factor"
    assert "Signing in" in body["detail"]
    Passkey.objects.create(person=owner, name="Phone", credential_id=b"k", credential=b"k")
    assert api.get("/me").json()["workspace"]["requires_second_factor"] is True
