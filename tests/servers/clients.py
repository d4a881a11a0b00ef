"""One session each of the usual clients, unchanged: the same calls against a sandbox and against the real server.

Each gives what every call meant, in order, without what differs from server to server (ids, times, addresses).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import mastodon
from mastodon import Mastodon

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the SDK's own models
    import atproto
    from atproto import client_utils, models
    from atproto_client import exceptions

type Told = list[tuple[str, Any]]


def bluesky(url: str, name: str, password: str, picture: bytes) -> Told:
    """atproto: an account without an app server behind it, as a lone account server is."""
    told: Told = []
    client = atproto.Client(base_url=url)
    try:
        try:
            client.login(f"{name}.test", password)
        except exceptions.BadRequestError as refused:  # no profiles are served here; the session stands all the same
            told.append(("profile", str(getattr(refused.response.content, "error", ""))))
        assert client._session
        did = client._session.did
        told.append(("session", client._session.handle))
        client.me = models.AppBskyActorDefs.ProfileViewDetailed(did=did, handle=f"{name}.test")
        text = (
            client_utils.TextBuilder()
            .text("Halo ☕ ")
            .link("menu", "https://kopisenja.example")
            .text(" ")
            .tag("#kopi", "kopi")
        )
        made = client.send_image(text, picture, "Secangkir kopi", langs=["id"])
        read = client.get_post(made.uri.rsplit("/", 1)[1], did)
        (image,) = read.value.embed.images  # type: ignore[union-attr]
        facets = [(f.index.byte_start, f.index.byte_end, type(f.features[0]).__name__) for f in read.value.facets or []]
        told += [("text", read.value.text), ("facets", facets), ("alt", image.alt), ("langs", read.value.langs)]
        told.append(("same", read.cid == made.cid))
        blob = client.com.atproto.sync.get_blob({"did": did, "cid": image.image.cid.encode()})
        told.append(("bytes", blob == picture))
        root = models.create_strong_ref(made)
        reply = client.send_post("Lanjut", reply_to=models.AppBskyFeedPost.ReplyRef(root=root, parent=root))
        listed = client.com.atproto.repo.list_records({"repo": did, "collection": "app.bsky.feed.post"})
        told.append(("listed", [one.value.text for one in listed.records]))  # type: ignore[attr-defined]
        told.append(("reply", listed.records[0].value.reply.root.uri == made.uri))  # type: ignore[attr-defined]
        told.append(("resolve", client.resolve_handle(f"{name}.test").did == did))
        long = {"$type": "app.bsky.feed.post", "text": "a" * 301, "createdAt": "2026-11-26T00:00:00Z"}
        told.append(
            (
                "too long",
                _refused(
                    lambda: client.com.atproto.repo.create_record(
                        {"repo": did, "collection": "app.bsky.feed.post", "record": long}
                    )
                ),
            )
        )
        told += [("delete", client.delete_post(uri)) for uri in (reply.uri, made.uri)]
        told.append(("gone", _refused(lambda: client.get_post(made.uri.rsplit("/", 1)[1], did))))
        before = client._session.refresh_jwt
        renewed = client.com.atproto.server.refresh_session(headers={"Authorization": f"Bearer {before}"})
        told.append(("renewed", renewed.did == did and renewed.refresh_jwt != before))
        return told
    finally:
        client.request.close()


def _refused(call: Callable[[], object]) -> str:
    try:
        call()
    except exceptions.BadRequestError as refused:
        content = getattr(refused.response, "content", None)
        return f"{refused.response.status_code if refused.response else 0} {getattr(content, 'error', '')}: {getattr(content, 'message', '')}".split(
            ": at://"
        )[0]
    return "taken"


def mastodon_session(url: str, consent: Callable[[str], dict[str, str]], picture: bytes) -> Told:
    """Mastodon.py: registers, signs in, posts with a file, answers, edits, reads back. `consent` is a person's part."""
    told: Told = []
    back = "http://127.0.0.1:9/callback"
    scopes = ["read", "write"]
    client_id, secret = Mastodon.create_app("Other", scopes=scopes, redirect_uris=back, api_base_url=url)
    client = Mastodon(client_id, secret, api_base_url=url, version_check_mode="none", ratelimit_method="throw")
    returned = consent(client.auth_request_url(redirect_uris=back, scopes=scopes, state="a-state", allow_http=True))
    told.append(("state", returned["state"]))
    client.log_in(code=returned["code"], redirect_uri=back, scopes=scopes, allow_http=True)
    me = client.account_verify_credentials()
    told.append(("me", bool(me.id and me.username)))
    told.append(("instance", client.instance_v1().version))
    cup = client.media_post(picture, mime_type="image/jpeg", description="Secangkir")
    client.media_update(cup, description="Secangkir kopi")
    made = client.status_post("Halo ☕ #kopi https://kopi.id", media_ids=[cup], spoiler_text="awas")
    read = client.status(made.id)
    told += [("warning", read.spoiler_text), ("files", [(one.type, one.description) for one in read.media_attachments])]
    told.append(("tags", [one.name.lstrip("#") for one in read.tags]))
    told.append(("source", client.status_source(made.id).text))
    answer = client.status_post("Lanjut", in_reply_to_id=made.id, visibility="private")
    told.append(("answer", (answer.in_reply_to_id == made.id, answer.visibility)))
    told.append(("context", [one.id == answer.id for one in client.status_context(made.id).descendants]))
    told.append(("listed", client.account_statuses(me.id)[0].id == made.id))
    twice = [client.status_post("Sekali", idempotency_key="k1").id for _ in range(2)]
    told.append(("same key", twice[0] == twice[1]))
    try:
        client.status_delete(answer.id)
        told.append(("delete", "done"))
    except mastodon.MastodonNotFoundError:
        told.append(("delete", "not found"))
    client.revoke_access_token(allow_http=True)
    return told
