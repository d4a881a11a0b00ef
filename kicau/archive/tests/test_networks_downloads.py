"""Each network's own download, as it is packed, and what is broken in it."""

from __future__ import annotations

import io
import json
import tarfile
from datetime import UTC, datetime

import pytest

from kicau.archive.imports import actions, import_job
from kicau.archive.models import ArchiveImport, Item
from kicau.archive.tests.conftest import assigned, tweet, zipped
from kicau.base.errors import ValidationFailed
from kicau.channels.models import Channel

libipld = pytest.importorskip("libipld")


def latin(text: str) -> str:
    """As Meta writes it."""
    return text.encode().decode("latin-1")


def items() -> dict[str, Item]:
    return {i.text: i for i in Item.objects.select_related("standing")}


def test_facebook(take, tmp_path):
    post = {
        "timestamp": 1700000000,
        "data": [{"post": latin("Kopi pagi ☕ di Café")}],
        "attachments": [{"data": [{"media": {"uri": "posts/media/cup.jpg", "description": latin("Cangkir “putih”")}}]}],
    }
    files = {
        "your_facebook_activity/posts/your_posts__check_ins__photos_and_videos_1.json": json.dumps(
            [post, {"timestamp": 1700000100, "title": "changed a picture"}, "odd"]
        ),
        "your_facebook_activity/comments_and_reactions/comments.json": json.dumps(
            {
                "comments_v2": [
                    {
                        "timestamp": 1700000200,
                        "data": [{"comment": {"timestamp": 1700000200, "comment": latin("Enak 😋")}}],
                    }
                ]
            }
        ),
        "personal_information/profile_information/profile_information.json": json.dumps(
            {
                "profile_v2": {
                    "name": {"full_name": latin("Kopi Senjá")},
                    "profile_uri": "https://www.facebook.com/kopisenja",
                }
            }
        ),
    }
    row = take(zipped(tmp_path / "facebook.zip", files))
    assert (row.network, row.account_handle, row.account_name, row.new, row.skipped) == (
        "facebook",
        "kopisenja",
        "Kopi Senjá",
        2,
        1,
    )
    found = items()
    assert found["Kopi pagi ☕ di Café"].media[0]["alt"] == "Cangkir “putih”"
    assert found["Enak 😋"].kind == "comment"
    assert take(zipped(tmp_path / "again.zip", files)).new == 0


def test_instagram_with_threads(take, tmp_path):
    files = {
        "your_instagram_activity/media/posts_1.json": json.dumps(
            [
                {"media": [{"uri": "media/a.jpg", "creation_timestamp": 1700000000, "title": latin("Satu ☕")}]},
                {
                    "title": latin("Dua"),
                    "creation_timestamp": 1700000050,
                    "media": [{"uri": "media/b.jpg"}, {"uri": "media/c.mp4"}],
                },
            ]
        ),
        "your_instagram_activity/media/reels.json": json.dumps(
            {
                "ig_reels_media": [
                    {"media": [{"uri": "media/d.mp4", "creation_timestamp": 1700000060, "title": "Gerak"}]}
                ]
            }
        ),
        "your_instagram_activity/threads/threads_and_replies.json": json.dumps(
            {
                "text_post_app_text_posts": [
                    {"media": [{"uri": "", "title": latin("Di utas 🧵"), "creation_timestamp": 1700000070}]}
                ]
            }
        ),
        "your_instagram_activity/comments/post_comments_1.json": json.dumps(
            [{"string_map_data": {"Comment": {"value": latin("Siap!")}, "Time": {"timestamp": 1700000080}}}]
        ),
        "personal_information/personal_information/personal_information.json": json.dumps(
            {
                "profile_user": [
                    {"string_map_data": {"Username": {"value": "kopisenja"}, "Name": {"value": "Kopi Senja"}}}
                ]
            }
        ),
    }
    row = take(zipped(tmp_path / "instagram.zip", files))
    assert (row.network, row.account_handle, row.new) == ("instagram", "kopisenja", 5)
    found = items()
    assert [m["kind"] for m in found["Dua"].media] == ["image", "video"]
    assert (found["Di utas 🧵"].network, found["Di utas 🧵"].standing.own) == ("threads", True)
    assert found["Satu ☕"].posted_at == datetime.fromtimestamp(1700000000, UTC)


def test_linkedin(take, tmp_path):
    shares = 'Date,ShareLink,ShareCommentary,SharedUrl,MediaUrl,Visibility\n2024-01-31 08:15:00,https://www.linkedin.com/feed/update/urn%3Ali%3Ashare%3A7158,"Baris satu""\n""\n""baris dua",,,MEMBER_NETWORK\n2024-01-31 08:16:00,https://www.linkedin.com/feed/update/urn%3Ali%3Ashare%3A7159,Untuk kenalan,,,CONNECTIONS\n'
    comments = (
        "Date,Link,Message\n2024-02-01 09:00:00,https://www.linkedin.com/feed/update/urn%3Ali%3Aactivity%3A99,Setuju\n"
    )
    row = take(
        zipped(
            tmp_path / "linkedin.zip",
            {"Shares.csv": shares, "Comments.csv": comments, "Profile.csv": "First Name,Last Name\nSari,Wulandari\n"},
        )
    )
    assert (row.network, row.account_name, row.new, row.skipped) == ("linkedin", "Sari Wulandari", 2, 1)
    share = Item.objects.get(remote_id="urn:li:share:7158")
    assert share.text.splitlines()[0] == "Baris satu"
    assert share.text.splitlines()[-1] == "baris dua"
    assert Item.objects.get(kind="comment").reply_to == "urn:li:activity:99"


def test_a_comment_on_linkedin_that_quotes_somebody_is_one_comment_and_whole(take, tmp_path):
    at = "https://www.linkedin.com/feed/update/urn%3Ali%3Aactivity%3A9"
    comments = (
        "Date,Link,Message\n"
        f'2026-06-10 18:53:49,{at}1,"Kata beliau, \\"teh, bukan kopi\\", lalu pergi,\n\ndan \\"selesai\\""\n'
        f'2026-06-11 18:53:49,{at}2,"Ada di C:\\\\temp atau C:\\data, ""katanya"""\n'
        f",{at}3,Tanpa tanggal\n"
    )
    row = take(zipped(tmp_path / "linkedin.zip", {"Comments_17529409.csv": comments}))
    assert (row.new, row.skipped) == (3, 0)
    said = {item.reply_to[-2:]: item.text for item in Item.objects.all()}
    assert said["91"] == 'Kata beliau, "teh, bukan kopi", lalu pergi,\n\ndan "selesai"'
    assert said["92"] == 'Ada di C:\\temp atau C:\\data, "katanya"'
    assert said["93"] == "Tanpa tanggal"


def test_mastodon(take, tmp_path):
    note = {
        "id": "https://kopi.social/users/senja/statuses/111",
        "type": "Note",
        "published": "2024-03-01T10:00:00Z",
        "to": ["https://www.w3.org/ns/activitystreams#Public"],
        "content": "<p>Halo &amp; <a href='https://x'>selamat</a><br>datang</p><p>kedua</p>",
        "contentMap": {"id": ""},
        "inReplyTo": "https://lain.social/users/a/statuses/9",
        "attachment": [{"mediaType": "image/png", "url": "/media/a.png", "name": "Cangkir"}],
    }
    outbox = {
        "@context": "https://www.w3.org/ns/activitystreams",
        "type": "OrderedCollection",
        "orderedItems": [
            {"type": "Create", "object": note},
            {"type": "Announce", "object": "https://lain.social/1"},
            {"type": "Create"},
        ],
    }
    actor = {"id": "https://kopi.social/users/senja", "preferredUsername": "senja", "name": "Senja"}
    path = tmp_path / "archive.tar.gz"
    with tarfile.open(path, "w:gz") as tape:
        for name, value in (("outbox.json", outbox), ("actor.json", actor)):
            data = json.dumps(value).encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tape.addfile(info, io.BytesIO(data))
    row = take(path)
    assert (row.network, row.account_handle, row.new, row.skipped) == ("mastodon", "senja", 1, 1)
    item = Item.objects.get()
    assert (item.remote_id, item.reply_to, item.language) == ("kopi.social/111", "lain.social/9", "id")
    assert item.text == "Halo & selamat\ndatang\n\nkedua"


def test_what_was_addressed_to_a_few_on_mastodon_is_no_public_voice(take, tmp_path):
    everybody, followers = "https://www.w3.org/ns/activitystreams#Public", "https://kopi.social/users/senja/followers"

    def told(number: int, to: list[str] | str, cc: list[str] | str):
        note = {
            "id": f"https://kopi.social/users/senja/statuses/{number}",
            "type": "Note",
            "published": "2024-03-01T10:00:00Z",
            "content": f"<p>{number}</p>",
            "to": to,
            "cc": cc,
        }
        return {"type": "Create", "object": note}

    outbox = {
        "type": "OrderedCollection",
        "orderedItems": [
            told(1, [everybody], [followers]),
            told(2, [followers], [everybody]),
            told(3, "as:Public", []),
            told(4, [followers], []),
            told(5, ["https://lain.social/users/budi"], []),
            told(6, followers, "https://lain.social/users/budi"),
        ],
    }
    row = take(
        zipped(
            tmp_path / "outbox.zip",
            {
                "outbox.json": json.dumps(outbox),
                "actor.json": json.dumps({"id": "https://kopi.social/users/senja", "preferredUsername": "senja"}),
            },
        )
    )
    assert (row.new, row.skipped) == (3, 3)
    assert set(Item.objects.values_list("text", flat=True)) == {"1", "2", "3"}
    assert [(one["code"], one["count"]) for one in row.skips] == [("for-few", 3)]


def car(*blocks: object) -> bytes:
    """A CAR of these values; the first is the root."""
    import hashlib

    def varint(n: int) -> bytes:
        out = b""
        while n > 127:
            out += bytes([n & 127 | 128])
            n >>= 7
        return out + bytes([n])

    data = b""
    encoded = [b if isinstance(b, bytes) else libipld.encode_dag_cbor(b) for b in blocks]
    for one in encoded:
        cid = b"\x01\x71\x12\x20" + hashlib.sha256(one).digest()
        data += varint(len(cid) + len(one)) + cid + one
    header = libipld.encode_dag_cbor({"version": 1, "roots": []})
    return varint(len(header)) + header + data


def cid_of(value: object) -> bytes:
    import hashlib

    return b"\x01\x71\x12\x20" + hashlib.sha256(libipld.encode_dag_cbor(value)).digest()


def test_bluesky(take, tmp_path):
    posts = [
        {
            "$type": "app.bsky.feed.post",
            "text": f"Langit biru {n}",
            "createdAt": "2024-05-01T07:00:00.000Z",
            "langs": ["id"],
        }
        for n in range(3)
    ]
    posts[1]["reply"] = {"parent": {"uri": "at://did:plc:lain/app.bsky.feed.post/1", "cid": "x"}}
    like = {"$type": "app.bsky.feed.like", "createdAt": "2024-05-01T07:00:00.000Z"}
    keys = [b"app.bsky.feed.like/3a", b"app.bsky.feed.post/3a", b"app.bsky.feed.post/3b", b"app.bsky.feed.post/3c"]
    values = [like, *posts]
    entries = [
        {"p": 0 if n < 2 else 20, "k": keys[n] if n < 2 else keys[n][20:], "v": cid_of(v), "t": None}
        for n, v in enumerate(values)
    ]
    entries.append({"p": 20, "k": b"d", "v": cid_of(posts[0]), "t": None})  # the very same post again, in one block
    commit = {"did": "did:plc:senja", "version": 3, "data": cid_of(like), "rev": "1", "prev": None, "sig": b"s"}
    whole = car(commit, {"l": None, "e": entries}, *values)
    path = tmp_path / "repo.car"
    path.write_bytes(whole)
    row = take(path)
    assert (row.network, row.account_id, row.new, row.skipped) == ("bluesky", "did:plc:senja", 4, 0)
    found = items()
    twins = Item.objects.filter(text="Langit biru 0").order_by("remote_id").values_list("remote_id", flat=True)
    assert [one.rsplit("/", 1)[1] for one in twins] == ["3a", "3d"]
    assert twins[0] == "at://did:plc:senja/app.bsky.feed.post/3a"
    assert found["Langit biru 1"].reply_to == "at://did:plc:lain/app.bsky.feed.post/1"
    Item.objects.all().delete()
    path.write_bytes(whole[:-20].replace(b"biru 1", b"hitam1"))
    row = take(path)
    assert (row.new, {s["code"] for s in row.skips}) == (2, {"cut", "malformed"})


def test_web_pages_are_refused_with_what_to_ask_for(actor, tmp_path):
    """The form that Meta proposes first."""
    for network, name in (
        ("Facebook", "your_facebook_activity/posts/your_posts_1.html"),
        ("Instagram", "your_instagram_activity/media/posts_1.html"),
    ):
        path = zipped(tmp_path / f"{network}.zip", {name: "<html>", "start_here.html": "<html>"})
        with pytest.raises(ValidationFailed, match=f"Request your data from {network} again in the JSON format"):
            actions.begin_import(actor, path)
    assert not ArchiveImport.objects.exists()


def test_what_others_wrote_on_a_profile_and_earlier_wordings_are_not_its_posts(take, tmp_path):
    def told(text: str, at: int):
        return {"timestamp": at, "data": [{"post": text}], "title": "Budi menulis di kronologi Sari"}

    files = {
        "posts/your_posts_1.json": json.dumps([told("Milik kami", 1700000000)]),
        "posts/other_people_s_posts_to_your_timeline.json": json.dumps(
            {"wall_posts_sent_to_you": {"activity_log_data": [told("Milik Budi", 1700000001)]}}
        ),
        "posts/edits_you_made_to_posts.json": json.dumps([told("Milik kam", 1700000002)]),
    }
    row = take(zipped(tmp_path / "facebook.zip", files))
    assert (row.new, row.skipped) == (1, 0)
    assert Item.objects.get().text == "Milik kami"


def test_facebook_groups_and_whatever_instagram_calls_its_lists(take, tmp_path):
    post = {"timestamp": 1700000000, "data": [{"post": "Di grup: jual mesin bekas"}]}
    comment = {"timestamp": 1700000200, "data": [{"comment": {"timestamp": 1700000200, "comment": "Masih ada?"}}]}
    groups = {
        "groups/your_posts_in_groups.json": json.dumps({"group_posts_v2": [post]}),
        "groups/your_comments_in_groups.json": json.dumps({"group_comments_v2": [comment]}),
    }
    row = take(
        zipped(tmp_path / "facebook.zip", {f"your_facebook_activity/{name}": told for name, told in groups.items()})
    )
    assert (row.network, row.new) == ("facebook", 2)
    films = {
        "ig_igtv_media": [{"media": [{"uri": "v.mp4", "creation_timestamp": 1700000300, "title": "Film panjang"}]}]
    }
    assert (
        take(
            zipped(tmp_path / "instagram.zip", {"your_instagram_activity/media/igtv_videos.json": json.dumps(films)})
        ).new
        == 1
    )
    assert set(items()) == {"Di grup: jual mesin bekas", "Masih ada?", "Film panjang"}


def test_x_communities_and_each_lists_own_files(archive, take):
    def pictured(number: int, text: str) -> dict:
        return tweet(number, text, entities={"media": [{"media_url_https": "https://pbs.twimg.com/media/A.jpg"}]})

    more = {
        "data/community-tweet.js": assigned("community_tweet.part0", [pictured(2, "Di komunitas")]),
        "data/community_tweet_media/1002-A.jpg": b"",
        "data/deleted-tweets.js": assigned("deleted_tweets.part0", [pictured(3, "Terhapus")]),
        "data/deleted_tweets_media/1003-A.jpg": b"",
        "data/tweets_media/1001-A.jpg": b"",
    }
    row = take(archive(pictured(1, "Biasa"), more=dict(sorted(more.items()))))
    assert row.new == 3
    assert {i.text: i.media[0]["file"] for i in items().values()} == {
        "Biasa": "data/tweets_media/1001-A.jpg",
        "Di komunitas": "data/community_tweet_media/1002-A.jpg",
        "Terhapus": "data/deleted_tweets_media/1003-A.jpg",
    }


def test_a_download_that_tells_only_a_name_asks_where_that_is_another(actor, channel, tmp_path):
    channel("sari wulandari")
    Channel.objects.update(network="linkedin", name="Sari Wulandari")

    def of(first: str, last: str):
        files = {
            "Shares.csv": f"Date,ShareLink,ShareCommentary\n2024-01-31 08:15:00,https://www.linkedin.com/feed/update/urn%3Ali%3Ashare%3A{len(last)},Halo\n",
            "Profile.csv": f"First Name,Last Name\n{first},{last}\n",
        }
        return actions.begin_import(actor, zipped(tmp_path / f"{last}.zip", files))

    assert of("Sari", "Wulandari").state == "waiting"
    asks, other = of("Tono", "Tetangga"), of("Rini", "Orang Lain")
    assert (asks.state, asks.problem["params"]["account"], asks.problem["params"]["channels"]) == (
        "asking",
        "Tono Tetangga",
        "Sari Wulandari",
    )
    for row in (asks, other):
        actions.answer_import(actor, row.id, "received")
        assert import_job.run_import(row.id).new == 1
    assert {i.standing.author for i in Item.objects.select_related("standing")} == {
        "linkedin:Tono Tetangga",
        "linkedin:Rini Orang Lain",
    }
