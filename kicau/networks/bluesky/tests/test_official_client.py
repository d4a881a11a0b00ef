"""The Python SDK of the AT Protocol (atproto 0.0.73), unchanged, against the sandbox."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from kicau.networks.bluesky.sandbox import Server
from kicau.networks.bluesky.tests.cast import FILES, KABAR, KOPI, PASSWORD

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the SDK's own models
    import atproto
    from atproto import client_utils, models
    from atproto_client import exceptions

if TYPE_CHECKING:
    from atproto import Client

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")  # how the SDK calls its HTTP client


@contextmanager
def sdk(box: Server) -> Iterator[Client]:
    client = atproto.Client(base_url=box.base_url)
    try:
        yield client
    finally:
        client.request.close()


@contextmanager
def signed_in(box: Server) -> Iterator[Client]:
    with sdk(box) as client:
        profile = client.login("kopisenja.test", PASSWORD)
        assert (profile.did, profile.handle, profile.display_name) == (KOPI, "kopisenja.test", "Kopi Senja")
        yield client


async def use(box: Server, work: Callable[[Client], None]) -> None:
    """Work with a client that has signed in, in a thread of its own."""

    def carry_out() -> None:
        with signed_in(box) as client:
            work(client)

    await asyncio.to_thread(carry_out)


async def test_it_publishes_a_picture_reads_it_back_and_deletes_it(box: Server) -> None:
    cup = FILES["cup"].path.read_bytes()

    def work(client: Client) -> None:
        ratio = models.AppBskyEmbedDefs.AspectRatio(width=320, height=240)
        made = client.send_image("Kopi pagi ☕", cup, "A cup of coffee", image_aspect_ratio=ratio, langs=["id"])
        key = made.uri.rsplit("/", 1)[1]
        read = client.get_post(key, KOPI)
        assert (read.cid, read.value.text, read.value.langs) == (made.cid, "Kopi pagi ☕", ["id"])
        (image,) = read.value.embed.images  # type: ignore[union-attr]
        assert (image.alt, image.aspect_ratio.width, image.image.mime_type) == ("A cup of coffee", 320, "image/jpeg")
        content = client.com.atproto.sync.get_blob({"did": KOPI, "cid": image.image.cid.encode()})
        assert content == cup
        assert client.delete_post(made.uri)
        with pytest.raises(exceptions.BadRequestError, match="RecordNotFound"):
            client.get_post(key, KOPI)

    await use(box, work)
    assert list(box.public_posts()) == []


async def test_it_writes_links_mentions_tags_and_threads(box: Server) -> None:
    def work(client: Client) -> None:
        text = (
            client_utils.TextBuilder()
            .text("Halo ☕ ")
            .mention("@kabarpagi.test", KABAR)
            .text(" ")
            .link("menu", "https://kopisenja.example")
            .text(" ")
            .tag("#kopi", "kopi")
        )
        root = models.create_strong_ref(client.send_post(text))
        reply = client.send_post("Lanjut", reply_to=models.AppBskyFeedPost.ReplyRef(root=root, parent=root))
        listed = client.com.atproto.repo.list_records({"repo": KOPI, "collection": "app.bsky.feed.post", "limit": 1})
        assert [one.uri for one in listed.records] == [reply.uri]
        assert client.resolve_handle("kabarpagi.test").did == KABAR

    await use(box, work)
    first, second = box.public_posts()
    assert first.extra["links"] == [f"@kabarpagi.test → {KABAR}", "menu → https://kopisenja.example", "#kopi → #kopi"]
    assert second.in_reply_to == first.id


async def test_it_renews_its_session(box: Server) -> None:
    def work(client: Client) -> None:
        with sdk(box) as again:
            again.login(session_string=client.export_session_string())
            assert again._session is not None
            before = again._session.refresh_jwt
            renewed = again.com.atproto.server.refresh_session(headers={"Authorization": f"Bearer {before}"})
            assert renewed.did == KOPI
            assert renewed.refresh_jwt != before
            box.clock_offset = 7300
            with pytest.raises(exceptions.BadRequestError, match="ExpiredToken"):
                again.com.atproto.server.get_session()

    await use(box, work)


async def test_it_understands_every_refusal(box: Server) -> None:
    def work(client: Client) -> None:
        with pytest.raises(exceptions.UnauthorizedError, match="AuthenticationRequired"), sdk(box) as other:
            other.login("kopisenja.test", "wrong")
        with pytest.raises(exceptions.BadRequestError, match="grapheme too big"):
            client.send_post("a" * 301)
        with pytest.raises(exceptions.BadRequestError, match="HandleNotFound"):
            client.resolve_handle("nobody.test")
        told: list[Any] = []
        for _ in range(31):
            try:
                with sdk(box) as other:
                    other.login("kabarpagi.test", "wrong")
            except (exceptions.RequestException, exceptions.UnauthorizedError) as refused:
                told.append(refused.response.status_code if refused.response else 0)
        assert told[-1] == 429

    await use(box, work)


def _write_as_kabar(box: Server, work: Callable[[Client], Any]) -> Any:
    """What the other account does."""
    with sdk(box) as other:
        other.login("kabarpagi.test", box.store.get("account", KABAR)["app_passwords"]["kicau"])  # type: ignore[index]
        return work(other)


async def test_likes_and_reposts_are_counted_until_they_are_taken_off(box: Server) -> None:
    def work(client: Client) -> None:
        made = client.send_post("Kopi pagi")
        client.like(made.uri, made.cid)
        _write_as_kabar(box, lambda other: [other.like(made.uri, made.cid) for _ in range(2)])
        repost = _write_as_kabar(box, lambda other: other.repost(made.uri, made.cid))
        (post,) = client.get_posts([made.uri]).posts
        assert (post.like_count, post.repost_count) == (2, 1), "an account counts once"
        assert post.viewer.like.startswith(f"at://{KOPI}/app.bsky.feed.like/")
        assert post.viewer.repost is None
        told = client.app.bsky.notification.list_notifications({"limit": 10}).notifications
        assert sorted(one.reason for one in told) == ["like", "like", "repost"]
        assert {one.reason_subject for one in told} == {made.uri}
        _write_as_kabar(box, lambda other: other.unrepost(repost.uri))
        client.unlike(post.viewer.like)
        (post,) = client.get_posts([made.uri]).posts
        assert (post.like_count, post.repost_count, post.viewer.like) == (1, 0, None)

    await use(box, work)


async def test_a_thread_is_read_upwards_and_downwards(box: Server) -> None:
    def work(client: Client) -> None:
        root = models.create_strong_ref(client.send_post("Satu"))
        made, above = [root], root
        for text in ("Dua", "Tiga", "Empat"):
            reply = models.AppBskyFeedPost.ReplyRef(root=root, parent=above)
            above = models.create_strong_ref(client.send_post(text, reply_to=reply))
            made.append(above)
        side = models.AppBskyFeedPost.ReplyRef(root=root, parent=made[1])
        _write_as_kabar(box, lambda other: other.send_post("Setuju", reply_to=side))

        thread = client.get_post_thread(made[1].uri).thread
        assert (thread.post.record.text, thread.post.reply_count) == ("Dua", 2)
        assert (thread.parent.post.record.text, thread.parent.parent) == ("Satu", None)
        assert sorted(one.post.record.text for one in thread.replies) == ["Setuju", "Tiga"]
        third = next(one for one in thread.replies if one.post.record.text == "Tiga")
        assert [one.post.record.text for one in third.replies] == ["Empat"]

        near = client.get_post_thread(made[1].uri, depth=1, parent_height=0).thread
        assert near.parent is None
        assert [one.replies for one in near.replies] == [None, None]

        client.delete_post(made[1].uri)
        orphan = client.get_post_thread(made[2].uri).thread
        assert (orphan.parent.uri, orphan.parent.not_found) == (made[1].uri, True)
        with pytest.raises(exceptions.BadRequestError, match="NotFound"):
            client.get_post_thread(made[1].uri)

    await use(box, work)
