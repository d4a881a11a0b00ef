"""Channels and posts: some out, some coming, some in trouble."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path

from kicau import demo
from tests.journeys.stock.archive import archived, evidence
from tests.journeys.stock.costs import spend

DEMO = Path(demo.__file__).parent

PEOPLE = {
    "x-kopi": ("x", "Kopi Senja", "kopisenja"),
    "x-kabar": ("x", "Kabar Priangan", "kabarpriangan"),
    "page-kopi": ("facebook", "Kopi Senja", "kopisenja.bdg"),
    "ig-kopi": ("instagram", "Kopi Senja", "kopisenja"),
    "li-sari": ("linkedin", "Sari Wulandari", "sari-wulandari"),
    "li-kopi": ("linkedin", "PT Kopi Senja", "kopi-senja"),
}

ASKS = {"handle": "rini.hartati", "name": "Rini Hartati"}  # who is told by name, where the network tells it


def read_of(row):
    """What came back of it; the id of its post."""
    from kicau.base import clock
    from kicau.sync.models import Comment, PostMetrics

    now = clock.now()
    values = {
        "retweet_count": 12,
        "reply_count": 2,
        "like_count": 4711,
        "quote_count": 3,
        "bookmark_count": 40,
        "impression_count": 128_204,
    }
    PostMetrics.objects.create(
        channel=row.channel,
        delivery=row,
        remote_id="77",
        published_at=now - timedelta(hours=3),
        values=values,
        read_at=now - timedelta(minutes=12),
    )
    for n, text in enumerate(
        (
            "Masih ada yang 250 gram, Kak? Saya di Dago, bisa diambil sore ini.",
            "Enak sekali, terima kasih sudah dikirim sampai Garut!",
        )
    ):
        Comment.objects.create(
            channel=row.channel,
            delivery=row,
            remote_id=f"78{n}",
            author=f"179000000000000{n}",
            **(ASKS if n == 0 else {}),
            text=text,
            at=now - timedelta(hours=2 - n),
        )
    return row.draft_id


def stock(actor, workspace) -> dict[str, object]:
    """The demo's posts on six channels, some out, some coming, some in trouble."""
    from kicau.base import clock

    media, channels = demo_media(actor), demo_channels(actor, workspace)
    made = demo_posts(actor, media, channels)
    now = clock.now()
    late = published_posts(now)
    answered = read_of(late[-1])
    for row, state, reason in [
        (late[0], "failed", "The network refused it: the link is not allowed."),
        (late[2], "unknown", "The answer was lost and the network cannot tell; look there, then decide."),
    ]:
        row.state, row.reason, row.published_at, row.url = state, reason, None, ""
        row.save()
    spend(actor, channels["x-kopi"], late)
    telling(actor, channels["ig-kopi"], now)
    carousel = next((d for d in made if sum(len(p.get("media", ())) for p in d.rendered["parts"]) > 1), made[0])
    announced, left = leaving(actor, now)
    item = archived(actor)
    return evidence(actor) | {
        "announced": announced,
        "left": left,
        "item": item,
        "post": made[0].draft_id,
        "answered": answered,
        "carousel": carousel.draft_id,
        "medium": media["senja-cup.jpg"].id,
        "failed": late[0].draft_id,
    }


def demo_media(actor):
    from kicau.media.actions import add_medium

    return {
        f.name: add_medium(actor, f, f.name)
        for f in sorted((DEMO / "media").iterdir())
        if f.suffix in (".jpg", ".png", ".gif", ".mp4", ".pdf")
    }


def demo_channels(actor, workspace):
    from datetime import time

    from kicau.channels.actions import register_app, set_slots
    from kicau.channels.channel_session import to_stored
    from kicau.channels.models import Channel
    from kicau.connector.session import Credentials

    channels = {}
    for key, (network, name, handle) in PEOPLE.items():
        app = register_app(network, "id", "secret", is_sandbox=True)
        channels[key] = Channel.objects.create(
            workspace=workspace,
            network=network,
            app=app,
            key=key,
            account_id=key,
            handle=handle,
            name=name,
            credentials=to_stored(Credentials(access_token="x")),
        )
    set_slots(actor, "x-kopi", [(d, time(h)) for d in range(5) for h in (9, 17)], "Asia/Jakarta")
    return channels


def demo_posts(actor, media, channels):
    """The deliveries of the demo's table."""
    from kicau.base import clock
    from kicau.publishing.content import compositions
    from kicau.publishing.models import Delivery
    from kicau.publishing.scheduling import schedule

    start = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=20)
    made = []
    with (DEMO / "posts.csv").open(encoding="utf-8-sig", newline="") as file:
        for n, row in enumerate(csv.DictReader(file)):
            uses = tuple(
                compositions.MediumAttachment(medium=media[name].id, alt=alt)
                for name, alt in zip(row["media"].split(), row["alt"].split("|") + [""] * 20, strict=False)
                if name in media
            )
            try:
                draft = compositions.create_draft(
                    actor,
                    compositions.Composition(
                        parts=(compositions.PartContent(text=row["text"], media=uses),),
                        campaign=row["campaign"],
                        first_comment=row["first_comment"],
                    ),
                )
                wanted = [c for c in row["channels"].split() if c in channels]
                draft = compositions.one_draft(actor, draft.id)
                fitting = [c for c in wanted if not schedule.render(draft, channels[c]).problems]
                if fitting:
                    made += schedule.schedule(
                        actor, draft, fitting, clock.now() + timedelta(hours=max(0.1, n * 2.7 - 20)), confirm=n % 2 == 0
                    ).deliveries
                    Delivery.objects.filter(draft=draft).update(due_at=start + timedelta(hours=n * 2.7))
            except Exception as exc:
                print(row["ref"], exc)
    return made


def published_posts(now):
    """What was due is out; the newest first."""
    from kicau.publishing.models import Attempt, Delivery, DeliveryState

    for row in Delivery.objects.filter(due_at__lt=now).exclude(state="held"):
        row.state, row.published_at, row.url, row.remote_ids = (
            DeliveryState.PUBLISHED,
            row.due_at + timedelta(milliseconds=240),
            f"https://example.org/{row.id.hex[:10]}",
            ["1"],
        )
        row.save()
        Attempt.objects.create(delivery=row, did="publish", outcome="published", sentence="Published.")
    return list(Delivery.objects.filter(state="published").order_by("-due_at"))


def leaving(actor, now):
    """One network that has a date, and one that was left, with an export and an obstacle or two."""
    from kicau.offboarding import actions as offboarding_actions
    from kicau.offboarding import jobs
    from kicau.offboarding.new_targets import RetargetDecision
    from kicau.publishing.content import compositions
    from kicau.publishing.scheduling import schedule

    for n in range(3):
        text = "A long story of beans, told slowly and with pleasure. " * (12 if n == 1 else 1)
        part = compositions.PartContent(text=f"{n + 1}. {text}")
        draft = compositions.one_draft(
            actor, compositions.create_draft(actor, compositions.Composition(parts=(part,))).id
        )
        schedule.schedule(actor, draft, ["page-kopi"], now + timedelta(days=9 + n))
    announced = offboarding_actions.announce_offboarding(
        actor, network="x", effective_at=now + timedelta(days=6), reason="$42,000 a month", cause="network"
    )
    left = offboarding_actions.announce_offboarding(actor, network="facebook", reason="We leave it for a while")
    jobs.run_job(jobs.request_export(actor, left.id).id)
    jobs.run_job(jobs.request_retarget(actor, left.id, RetargetDecision(channels=("li-kopi",))).id)
    return announced.id, left.id


def telling(actor, channel, now) -> None:
    """Its network tells of it by webhook."""
    from kicau.sync.models import WebhookChoice, WebhookSubscription

    WebhookChoice.objects.create(workspace=actor.workspace, network=channel.network, is_on=True)
    WebhookSubscription.objects.create(
        channel=channel, made_at=now - timedelta(days=2), told_at=now - timedelta(minutes=12), told=31
    )


def tell(actor, things) -> None:
    """What the reader was told, read and unread, of one and of many."""
    from kicau.notifications import actions as notifications_actions

    def say(event, **details):
        notifications_actions.notify(event, actor.workspace.id, to=[actor.person_id], **details)

    say("draft.approved", name="Ratna", post="Biji baru dari Puntang")
    notifications_actions.mark_all_read(actor.person)
    say("channel.expired", channel="Kopi Senja (X)", page="/channels/x-kopi")
    for post in ("one", "two", "three"):
        say(
            "delivery.failed",
            gather="ig",
            post=post,
            channel="Kopi Senja (Instagram)",
            reason="Instagram could not fetch the picture; send another one.",
        )
    say(
        "draft.submitted",
        name="Bima",
        post="The second roastery opens on Saturday, and everybody who brings a cup drinks for free",
        page=f"/posts/{things['failed']}",
    )


def opened_networks(actor, picture):
    """A draft for two open networks with what only they have."""
    from kicau.channels.actions import register_app
    from kicau.channels.channel_session import to_stored
    from kicau.channels.models import Channel
    from kicau.connector.session import Credentials
    from kicau.publishing.content import compositions

    for network in ("mastodon", "bluesky"):
        app = register_app(network, "id", "secret", is_sandbox=True)
        Channel.objects.create(
            workspace=actor.workspace,
            network=network,
            app=app,
            key=f"{network}-kopi",
            account_id="1",
            handle="kopisenja",
            name="Kopi Senja",
            credentials=to_stored(Credentials(access_token="x")),
        )
    chosen = {
        "mastodon.warning": "Kafein",
        "mastodon.focus": "0.3,-0.4",
        "mastodon.visibility": "unlisted",
        "bluesky.label": "nudity",
        "bluesky.reply_to": "https://bsky.app/profile/kabar.test/post/3k",
    }
    draft = compositions.create_draft(
        actor,
        compositions.Composition(
            parts=(compositions.PartContent(text="Gayo, natural", media=(picture,)),), options=chosen, campaign="Gayo"
        ),
    )
    draft.extras = {**draft.extras, "desk": {"channels": ["mastodon-kopi", "bluesky-kopi"]}}
    draft.save()
    return draft
