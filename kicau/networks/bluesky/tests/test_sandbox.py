"""The sandbox against what a real server answered, and against its own promises."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from kicau.connector.contract import ContractSession
from kicau.connector.sandbox.server import start_sandbox
from kicau.networks.bluesky.sandbox import Server, cid, schemas
from kicau.networks.bluesky.tests.cast import KABAR, KOPI, PASSWORD
from kicau.networks.bluesky.tests.spec import recorded

REC = recorded("transcripts")["calls"]
ALICE = "did:plc:3nhwcncx7kk3if2pxkxhusp6"  # of the recording
POST = "app.bsky.feed.post"
PNG = bytes.fromhex(recorded("verdicts")["file"]["hex"])


class Caller:
    def __init__(self, box: Server, http: aiohttp.ClientSession, token: str = "") -> None:
        self.box, self.http, self.token = box, http, token

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        data: bytes | None = None,
        mime: str = "",
        agent: str = "test",
    ) -> tuple[int, Any, dict[str, str]]:
        head = {"User-Agent": agent, **({"Content-Type": mime} if mime else {})}
        if used := self.token if token is None else token:
            head["Authorization"] = f"Bearer {used}"
        url = (
            path
            if path.startswith("http")
            else f"{self.box.base_url}{path if path.startswith('/') else '/xrpc/' + path}"
        )
        async with self.http.request(method, url, json=body, data=data, headers=head) as answer:
            told = await answer.json() if answer.content_type.endswith("json") else await answer.read()
            return answer.status, told, {k.lower(): v for k, v in answer.headers.items()}


@pytest.fixture
def ask(box: Server, kopi: ContractSession, http: aiohttp.ClientSession) -> Caller:
    box.door.windows._open.clear()
    return Caller(box, http, kopi.credentials.access_token)


def as_recorded(box: Server) -> None:
    """The recording's account and files, so that its requests can be made again as they are."""
    alice = {"did": ALICE, "handle": "alice25023.test", "name": "Alice", "app_passwords": {"own": "hunter22"}}
    box.store.put("account", ALICE, alice)
    box.seed()
    for call in REC:
        if call["note"].startswith("uploadBlob") and call["status"] == 200:
            blob = call["body"]["blob"]
            box.store.put(
                "blob",
                f"{ALICE}/{blob['ref']['$link']}",
                {"mime": blob["mimeType"], "size": blob["size"], "sha256": ""},
            )
    box.blob_limit, box.shows_profiles = 5_242_880, False


SKIPPED = ("createAccount", "oauth", "uploadBlob", "createSession rl")  # made otherwise, below
REPLAYED = [c for c in REC if not c["note"].startswith(SKIPPED)]


async def test_it_answers_as_the_recorded_server(box: Server, ask: Caller) -> None:
    """The whole session again: statuses, errors, sentences, content identifiers and rate-limit policies."""
    as_recorded(box)
    tokens = {"no auth": "", "bad token": "aaa.bbb.ccc"}
    for call in REPLAYED:
        note, request = call["note"], call["request"]
        body = request["body"] if isinstance(request["body"], dict) else None
        if request["path"].endswith("createRecord") and call["status"] == 200:
            body = {**(body or {}), "rkey": call["body"]["uri"].rsplit("/", 1)[1]}  # that server chose them itself
        status, told, head = await ask(request["method"], request["path"], body, token=tokens.get(note))
        assert status == call["status"], (note, told)
        assert head.get("ratelimit-policy", "") == call["headers"].get("RateLimit-Policy", ""), note
        if "accessJwt" in call["body"]:
            tokens["refreshSession"], ask.token = told["refreshJwt"], told["accessJwt"]
            assert (told["did"], told["handle"], told["active"]) == (ALICE, "alice25023.test", True)
            continue
        if "commit" in call["body"]:
            assert told["commit"].keys() == call["body"]["commit"].keys()
            assert schemas.TID_PATTERN.fullmatch(told["commit"]["rev"])
            told, call = {**told, "commit": {}}, {**call, "body": {**call["body"], "commit": {}}}
        assert told == call["body"], note


async def test_a_sign_in_is_tried_thirty_times_in_five_minutes(box: Server, ask: Caller) -> None:
    (recorded_last,) = [c for c in REC if c["note"] == "createSession rl"]
    body = {"identifier": "kopisenja.test", "password": "wrong"}
    for _ in range(31):
        status, told, head = await ask("POST", "com.atproto.server.createSession", body)
    assert (status, told) == (recorded_last["status"], recorded_last["body"])
    assert head["ratelimit-policy"] == recorded_last["headers"]["RateLimit-Policy"]
    assert 0 < int(head["retry-after"]) <= 300
    assert int(head["ratelimit-reset"]) - time.time() <= 301
    status, _, _ = await ask("POST", "com.atproto.server.createSession", {**body, "identifier": "kabarpagi.test"})
    assert status == 401, "another account is not held up"
    box.clock_offset = 301
    status, _, _ = await ask("POST", "com.atproto.server.createSession", {**body, "password": PASSWORD})
    assert status == 200


async def test_sign_in_metadata_is_as_recorded(box: Server, ask: Caller) -> None:
    for note in ("oauth protected resource", "oauth AS metadata"):
        (call,) = [c for c in REC if c["note"] == note]
        _, told, _ = await ask("GET", call["request"]["path"])
        theirs = {k: _here(v, box) for k, v in call["body"].items()}
        assert told.keys() <= theirs.keys()
        assert {k: theirs[k] for k in told if k != "response_modes_supported"} == {
            k: v for k, v in told.items() if k != "response_modes_supported"
        }


def _here(value: Any, box: Server) -> Any:
    if isinstance(value, list):
        return [_here(one, box) for one in value]
    return value.replace("http://localhost:2591", box.base_url) if isinstance(value, str) else value


async def test_it_judges_records_as_the_recorded_server(ask: Caller, box: Server) -> None:
    """165 records: the same verdict on each, in the same words, and the same content identifier where it is taken."""
    box.limits_off = True
    found = recorded("verdicts")
    _, told, _ = await ask("POST", "com.atproto.repo.uploadBlob", data=PNG, mime=found["file"]["mime"])
    assert told["blob"]["size"] == len(PNG)
    for n, case in enumerate(found["cases"]):
        record = {k: v for k, v in {**found["record"], **case["change"]}.items() if v is not None}
        key = "3n32ye4jrk" + "".join(f"{n:03}".translate(str.maketrans("0189", "abcd")))
        body = {"repo": KOPI, "collection": POST, "rkey": key, "record": record}
        status, told, _ = await ask("POST", "com.atproto.repo.putRecord", body)
        if status == 200:
            told = {"cid": told["cid"], "v": told["validationStatus"], "commit": "commit" in told}
        assert (status, told) == (case["status"], case["answer"]), case["change"]


# What was seen on the same server beside the recording (2026-11-24)


async def test_writes_that_were_made_before(ask: Caller) -> None:
    record = {"$type": POST, "text": "x", "createdAt": "2026-11-24T12:00:00.000Z"}
    body = {"repo": KOPI, "collection": POST, "rkey": "3n32ye4jrkk27", "record": record}
    gate = {
        "$type": "app.bsky.feed.threadgate",
        "post": f"at://{KOPI}/{POST}/3n32ye4jrkk33",
        "allow": [],
        "createdAt": record["createdAt"],
    }
    create = "com.atproto.repo.applyWrites#create"
    writes = [
        {"$type": create, "collection": POST, "rkey": "3n32ye4jrkk33", "value": record},
        {"$type": create, "collection": gate["$type"], "rkey": "3n32ye4jrkk33", "value": gate},
    ]
    seen = [
        await ask("POST", "com.atproto.repo.createRecord", body),
        await ask("POST", "com.atproto.repo.createRecord", body),
        await ask("POST", "com.atproto.repo.putRecord", body),
        await ask("POST", "com.atproto.repo.putRecord", {**body, "record": {**record, "text": "y"}}),
        await ask("POST", "com.atproto.repo.applyWrites", {"repo": KOPI, "writes": writes}),
        await ask("POST", "com.atproto.repo.applyWrites", {"repo": KOPI, "writes": writes}),
        await ask("POST", "com.atproto.repo.deleteRecord", {k: v for k, v in body.items() if k != "record"}),
        await ask("POST", "com.atproto.repo.deleteRecord", {k: v for k, v in body.items() if k != "record"}),
    ]
    assert [status for status, _, _ in seen] == [200, 500, 200, 200, 200, 500, 200, 200]
    assert seen[1][1] == seen[5][1] == {"error": "InternalServerError", "message": "Internal Server Error"}
    assert ["commit" in told for _, told, _ in seen] == [True, False, False, True, True, False, True, False]
    assert [r["$type"] for r in seen[4][1]["results"]] == [f"{create}Result"] * 2


@pytest.mark.parametrize(
    ("path", "change", "status", "error", "message"),
    [
        (
            "putRecord",
            {"rkey": "hello"},
            400,
            "InvalidRequest",
            'Invalid record key for app.bsky.feed.post: Invalid TID string (got "hello") at $',
        ),
        ("putRecord", {"rkey": "he/llo"}, 400, "InvalidRequest", 'Invalid record key (got "he/llo") at $.rkey'),
        ("putRecord", {"rkey": None}, 400, "InvalidRequest", 'Missing required key "rkey" at $'),
        ("createRecord", {"record": None}, 400, "InvalidRequest", 'Missing required key "record" at $'),
        (
            "createRecord",
            {"record": {"$type": "app.bsky.feed.like"}},
            400,
            "InvalidRequest",
            "Invalid $type: expected app.bsky.feed.post, got app.bsky.feed.like",
        ),
        ("createRecord", {"repo": "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"}, 403, "AccountNotFound", "Account not found"),
        ("createRecord", {"repo": "kabarpagi.test"}, 401, "AuthenticationRequired", "Authentication Required"),
        ("refreshSession", {}, 400, "InvalidToken", "Token could not be verified"),
    ],
)
async def test_refusals_as_seen(
    ask: Caller, path: str, change: dict[str, Any], status: int, error: str, message: str
) -> None:
    record = {"$type": POST, "text": "x", "createdAt": "2026-11-24T12:00:00.000Z"}
    body = {"repo": KOPI, "collection": POST, "rkey": "3n32ye4jrkk27", "record": record, **change}
    body = {k: v for k, v in body.items() if v is not None}
    nsid = f"com.atproto.{'server' if path == 'refreshSession' else 'repo'}.{path}"
    got, told, _ = await ask("POST", nsid, body if path != "refreshSession" else None)
    assert (got, told) == (status, {"error": error, "message": message})


async def test_wrong_requests_as_seen(ask: Caller) -> None:
    create = "com.atproto.repo.createRecord"
    _, told, _ = await ask("GET", create)
    assert told["message"] == "Incorrect HTTP method (GET) expected POST"
    _, told, _ = await ask("POST", create, data=b"xx", mime="text/plain")
    assert told["message"] == "Wrong request encoding (Content-Type): text/plain"
    _, told, _ = await ask("POST", create, data=b"xx", mime="application/json")
    assert told == {"error": "SyntaxError", "message": "Unexpected token 'x', \"xx\" is not valid JSON"}
    _, told, _ = await ask("GET", f"com.atproto.repo.getRecord?repo={KOPI}&collection={POST}")
    assert told["message"] == 'Invalid com.atproto.repo.getRecord params: Missing required key "rkey"'
    status, told, _ = await ask("GET", "com.atproto.identity.resolveHandle?handle=nobody.test")
    assert (status, told["error"]) == (400, "HandleNotFound")
    status, told, _ = await ask("GET", "/did:plc:aaaaaaaaaaaaaaaaaaaaaaaa")
    assert (status, told) == (404, {"message": "DID not registered: did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"})


async def test_a_file_over_the_servers_limit(ask: Caller, box: Server) -> None:
    box.blob_limit = 1000
    for agent in ("test", "Kicau/0"):  # read piece by piece, or whole for the specification
        status, told, _ = await ask(
            "POST", "com.atproto.repo.uploadBlob", data=b"0" * 1001, mime="video/mp4", agent=agent
        )
        assert (status, told["error"]) == (413, "PayloadTooLarge")
    _, told, _ = await ask("GET", "com.atproto.server.describeServer")
    assert told["blobUploadLimit"] == 1000


async def test_files_are_kept_by_what_they_are_and_served(ask: Caller, box: Server) -> None:
    _, told, _ = await ask("POST", "com.atproto.repo.uploadBlob", data=PNG, mime="image/png")
    name = told["blob"]["ref"]["$link"]
    assert name == cid.cid_of_bytes(hashlib.sha256(PNG).digest())
    status, content, head = await ask("GET", f"com.atproto.sync.getBlob?did={KOPI}&cid={name}")
    assert (status, content, head["content-type"]) == (200, PNG, "image/png")
    status, _, _ = await ask("GET", f"com.atproto.sync.getBlob?did={KABAR}&cid={name}")
    assert status == 400


async def test_a_list_goes_page_by_page_newest_first(ask: Caller) -> None:
    record = {"$type": POST, "text": "x", "createdAt": "2026-11-24T12:00:00.000Z"}
    keys = [f"3n32ye4jrkk2{c}" for c in "abcde"]
    for key in keys:
        await ask(
            "POST", "com.atproto.repo.createRecord", {"repo": KOPI, "collection": POST, "rkey": key, "record": record}
        )
    listing, seen, cursor = f"com.atproto.repo.listRecords?repo={KOPI}&collection={POST}&limit=2", [], ""
    for _ in range(4):
        _, told, _ = await ask("GET", listing + (f"&cursor={cursor}" if cursor else ""))
        seen += [one["uri"].rsplit("/", 1)[1] for one in told["records"]]
        cursor = told.get("cursor", "")
    assert seen == keys[::-1]
    _, told, _ = await ask("GET", listing + "&reverse=true")
    assert told["records"][0]["uri"].endswith(keys[0])
    status, _, _ = await ask("GET", listing.replace("limit=2", "limit=101"))
    assert status == 400


async def test_people_see_posts_and_profiles(kopi: ContractSession, ask: Caller, box: Server) -> None:
    record = {"$type": POST, "text": "Selamat <pagi>", "createdAt": "2026-11-24T12:00:00.000Z"}
    _, told, _ = await ask(
        "POST", "com.atproto.repo.createRecord", {"repo": KOPI, "collection": POST, "record": record}
    )
    key = told["uri"].rsplit("/", 1)[1]
    for path in ("/", f"/profile/kopisenja.test/post/{key}", f"/profile/{KOPI}/post/{key}", "/profile/kopisenja.test"):
        status, page, _ = await ask("GET", path)
        assert status == 200
        assert b"Selamat &lt;pagi&gt;" in page
    for path in ("/profile/kabarpagi.test/post/x", "/profile/nobody.test"):
        assert (await ask("GET", path))[0] == 404


async def test_a_restart_keeps_everything(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    folder = tmp_path / "kept"
    first = Server(folder=folder)
    runner = await start_sandbox(first)
    ask = Caller(first, http)
    _, told, _ = await ask("POST", "com.atproto.server.createSession", {"identifier": KOPI, "password": PASSWORD})
    ask.token = told["accessJwt"]
    _, blob, _ = await ask("POST", "com.atproto.repo.uploadBlob", data=PNG, mime="image/png")
    embed = {"$type": "app.bsky.embed.images", "images": [{"image": blob["blob"], "alt": "x"}]}
    record = {"$type": POST, "text": "x", "createdAt": "2026-11-24T12:00:00.000Z", "embed": embed}
    await ask("POST", "com.atproto.repo.createRecord", {"repo": KOPI, "collection": POST, "record": record})
    await runner.cleanup()
    second = Server(folder=folder)
    runner = await start_sandbox(second)
    ask.box = second
    (post,) = second.public_posts()
    assert post.media[0]["sha256"] == hashlib.sha256(PNG).hexdigest()
    assert (await ask("GET", post.media[0]["url"]))[1] == PNG
    assert (await ask("GET", "com.atproto.server.getSession"))[0] == 200
    _, told, _ = await ask("GET", f"com.atproto.repo.listRecords?repo={KOPI}&collection={POST}")
    assert len(told["records"]) == 1
    await runner.cleanup()


async def test_it_says_what_another_client_needs(box: Server) -> None:
    told = box.describe()
    assert told["app_passwords"]["kopisenja.test"] == PASSWORD
    assert [a["handle"] for a in told["accounts"]] == ["kopisenja.test", "kabarpagi.test"]


def test_content_identifiers_are_the_networks_own() -> None:
    """Every record that the real server took, by the identifier that it gave."""
    taken = [c for c in REC if c["request"]["path"].endswith("createRecord") and c["status"] == 200]
    assert len(taken) == 6
    for call in taken:
        assert cid.cid_of_record(call["request"]["body"]["record"]) == call["body"]["cid"]
    assert cid.cid_of_record({"b": {"$bytes": "aGk"}, "n": [None, True, -1, 2**40]}).startswith("bafyrei")
    with pytest.raises(ValueError, match="float"):
        cid.cid_of_record({"x": 1.5})
    assert cid.find_unknown_value({"a": [{"b": 1.5}]}, "$") == (1.5, "$.a[0].b")
