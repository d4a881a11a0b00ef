"""A full workspace for benchmarks: one of each thing by the acts, then many like it by SQL."""

from __future__ import annotations

import random
import sys
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

DAYS = 1096  # three years, half of them to come
WORDS = (
    "kopi gayo toraja senja pagi Bandung roastery harvest rain Lembang window cup farmer market morning letter river"
)


@dataclass(frozen=True, kw_only=True)
class FirstRows:
    """One of each, as the acts make it."""

    people: list[Any]
    channels: list[Any]
    campaigns: list[Any]
    rare: Any  # a campaign that few posts have
    medium: Any
    draft: Any
    delivery: Any
    attempt: Any
    charge: Any
    entry: Any
    uses: Any


def fill(posts: int, media: int) -> dict[str, Any]:
    """Gives what pages are asked for: ids and names, by kind."""
    random.seed(5)
    first = make_first_rows()
    copy_media(first, media)
    copy_posts(first, posts)
    number_posts(first, posts, media)
    copy_deliveries(first, posts)
    copy_answers(first)
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE bench_numbered")
        cursor.execute("VACUUM ANALYZE")
    return pick_ids(first)


def make_first_rows() -> FirstRows:
    from kicau.base import clock
    from kicau.costs.models import Charge
    from kicau.media.actions import add_medium
    from kicau.publishing.content import compositions
    from kicau.publishing.models import Attempt, Campaign, PartMedium
    from kicau.publishing.scheduling import schedule
    from kicau.rights.models import ActivityEntry
    from kicau.workspaces.actions import actor_for, add_person, create_workspace
    from kicau.workspaces.models import Membership

    owner = add_person("bench@example.org", "Bench", operator=True, timezone="Asia/Jakarta")
    workspace = create_workspace(owner, "Bench", timezone="Asia/Jakarta")
    actor = actor_for(owner, workspace.id, "cli")
    people = [owner, *(add_person(f"p{n}@example.org", f"Person {n}", proved=True) for n in range(10))]
    for person in people[1:]:
        Membership.objects.create(workspace=workspace, person=person, role="editor")
    channels = connected(workspace)
    campaigns = [Campaign.objects.create(workspace=workspace, name=f"Campaign {n}") for n in range(40)]
    rare = Campaign.objects.create(workspace=workspace, name="Rare")
    with tempfile.TemporaryDirectory() as folder:
        from PIL import Image

        Image.new("RGB", (800, 600), "#a05030").save(Path(folder) / "senja.jpg")
        medium = add_medium(actor, Path(folder) / "senja.jpg", "senja.jpg", alt="A cup")
    given = compositions.Composition(
        parts=(
            compositions.PartContent(text="Selamat pagi", media=(compositions.MediumAttachment(medium=medium.id),)),
        ),
        campaign="Campaign 0",
        tags=("menu",),
    )
    draft = compositions.one_draft(actor, compositions.create_draft(actor, given).id)
    fitting = [c for c in channels if not schedule.render(draft, c).problems]
    delivery = schedule.schedule(
        actor, draft, [fitting[0].key], clock.now() + timedelta(days=1), confirm=True
    ).deliveries[0]
    attempt = Attempt.objects.create(delivery=delivery, did="publish", outcome="published", sentence="Published.")
    charge = Charge.objects.create(
        workspace_id=workspace.id,
        delivery_id=delivery.id,
        network=delivery.network,
        meter="post",
        units=1,
        purpose="publish",
    )
    return FirstRows(
        people=people,
        channels=channels,
        campaigns=campaigns,
        rare=rare,
        medium=medium,
        draft=draft,
        delivery=delivery,
        attempt=attempt,
        charge=charge,
        entry=ActivityEntry.objects.filter(workspace_id=workspace.id).first(),
        uses=PartMedium.objects.get(),
    )


def array(values: list[Any], cast: str) -> str:
    return "ARRAY[" + ",".join(f"'{v}'" for v in values) + f"]::{cast}[]"


SPOT = (
    f"(moment.now - interval '{DAYS // 2} days' + ((i * 2654435761) % ({DAYS}::bigint * 1440)) * interval '1 minute')"
)


def random_text() -> str:
    """SQL that makes a text of 24 words."""
    said = array(WORDS.split(), "text")
    return f"(SELECT string_agg(({said})[1 + (hashint4(i * 31 + k) & 1023) % {len(WORDS.split())}], ' ') FROM generate_series(1, 24) k)"


def copy_media(first: FirstRows, media: int) -> None:
    many(
        "medium",
        first.medium,
        media,
        {
            "id": "uuidv7()",
            "sha256": "encode(sha256(i::text::bytea), 'hex')",
            "created_at": f"moment.now - (i % {DAYS * 720}) * interval '2 minutes'",
            "name": "CASE WHEN i % 50 = 0 THEN 'senja-' ELSE 'file-' END || i || '.jpg'",
            "alt": "CASE WHEN i % 3 = 0 THEN '' ELSE 'A picture of a cup ' || i END",
            "kind": "CASE WHEN i % 20 = 0 THEN 'video' ELSE 'image' END",
            "tags": "CASE WHEN i % 9 = 0 THEN ARRAY['menu'] ELSE ARRAY[]::varchar[] END",
        },
    )


def copy_posts(first: FirstRows, posts: int) -> None:
    people_ids = array([p.id for p in first.people[:-1]], "uuid")
    campaign_ids = array([c.id for c in first.campaigns], "uuid")
    many(
        "draft",
        first.draft,
        posts,
        {
            "id": "uuidv7(((i % 1000000)::text || ' seconds')::interval - interval '30 days')",
            "ref": "''",
            "author_id": f"CASE WHEN i % 20000 = 7 THEN '{first.people[-1].id}'::uuid ELSE ({people_ids})[1 + i % {len(first.people) - 1}] END",
            "campaign_id": f"CASE WHEN i % 20000 = 11 THEN '{first.rare.id}'::uuid WHEN i % 3 = 0 THEN NULL ELSE ({campaign_ids})[1 + i % 40] END",
            "tags": "CASE WHEN i % 20000 = 13 THEN ARRAY['rare'] ELSE ARRAY['tag' || (i % 30)] END",
            "changed_at": SPOT,
            "created_at": SPOT,
            "state": "CASE WHEN i % 12 = 0 THEN 'draft' WHEN i % 97 = 0 THEN 'submitted' ELSE 'scheduled' END",
        },
    )


def number_posts(first: FirstRows, posts: int, media: int) -> None:
    """Texts and files of the posts, which are numbered for what refers to them."""
    from django.db import connection

    from kicau.publishing.models import Part

    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE bench_numbered AS SELECT id, (row_number() OVER (ORDER BY id))::int AS nr FROM publishing_draft"
        )
        cursor.execute("ALTER TABLE bench_numbered ADD PRIMARY KEY (nr)")
    many(
        "part",
        Part.objects.get(),
        posts,
        {"id": "uuidv7()", "draft_id": "n.id", "text": random_text()},
        "bench_numbered n",
    )
    many(
        "partmedium",
        first.uses,
        posts // 2,
        {"part_id": "p.id", "medium_id": "m.id"},
        "(SELECT id, row_number() OVER () nr FROM publishing_part) p JOIN (SELECT id, row_number() OVER () nr FROM media_medium) m ON true",
        "p.nr = i AND m.nr = 1 + i % " + str(media),
        reset="id",
    )


def copy_deliveries(first: FirstRows, posts: int) -> None:
    text = random_text()
    channel_ids = array([c.id for c in first.channels], "uuid")
    networks = array([c.network for c in first.channels], "text")
    at = SPOT.replace("i *", "(i / 3) *")
    state = f"""CASE WHEN {at} > moment.now THEN (CASE WHEN i % 40 = 0 THEN 'held' ELSE 'scheduled' END) WHEN i % 200 = 0 THEN 'failed'
        WHEN i % 5000 = 1 THEN 'unknown' WHEN i % 90 = 0 THEN 'canceled' ELSE 'published' END"""
    many(
        "delivery",
        first.delivery,
        posts * 3,
        {
            "id": "uuidv7()",
            "key": "gen_random_uuid()",
            "draft_id": "n.id",
            "channel_id": f"({channel_ids})[1 + i % {len(first.channels)}]",
            "text_hash": "md5(i::text)",
            "network": f"({networks})[1 + i % {len(first.channels)}]",
            "due_at": at,
            "next_at": at,
            "state": state,
            "changed_at": at,
            "published_at": f"CASE WHEN {at} > moment.now THEN NULL ELSE {at} END",
            "remote_ids": "ARRAY['1']",
            "rendered": f"jsonb_set(t.rendered, '{{parts,0,text}}', to_jsonb({text}))",
            "head": f"left({text}, 160)",
        },
        "bench_numbered n",
        "n.nr = 1 + i / 3 % " + str(posts),
    )
    copy_what_deliveries_have(first, posts)


def copy_what_deliveries_have(first: FirstRows, posts: int) -> None:
    """Attempts, charges, and entries of the activity log."""
    many(
        "attempt",
        first.attempt,
        posts * 3,
        {"delivery_id": "d.id"},
        "(SELECT id, row_number() OVER () nr FROM publishing_delivery) d",
        "d.nr = i",
        reset="id",
    )
    many(
        "charge",
        first.charge,
        posts,
        {"delivery_id": "d.id", "at": SPOT},
        "(SELECT id, row_number() OVER () nr FROM publishing_delivery) d",
        "d.nr = i",
        reset="id",
    )
    many(
        "audit",
        first.entry,
        posts * 3,
        {
            "at": SPOT,
            "act": f"({array(['draft.edited', 'draft.created', 'delivery.scheduled', 'delivery.moved', 'medium.added'], 'text')})[1 + i % 5]",
        },
        reset="id",
    )


def copy_answers(first: FirstRows) -> None:
    from kicau.base import clock
    from kicau.sync.models import Comment

    channels = first.channels
    channel_ids = array([c.id for c in channels], "uuid")
    said = Comment.objects.create(
        channel=channels[0], remote_id="0", author="1", handle="kabar", text="Enak", at=clock.now()
    )
    many(
        "answer",
        said,
        100_000,
        {
            "id": "uuidv7()",
            "remote_id": "i::text",
            "at": f"moment.now - ((i * 2654435761) % ({DAYS // 2}::bigint * 1440)) * interval '1 minute'",
            "text": random_text(),
            "channel_id": f"CASE WHEN i % 20000 = 7 THEN '{channels[-1].id}'::uuid ELSE ({channel_ids})[1 + i % {len(channels) - 1}] END",
            "done_at": "CASE WHEN i % 500 = 0 THEN NULL ELSE moment.now END",
            "fetched_at": "moment.now",
        },
    )


def pick_ids(first: FirstRows) -> dict[str, Any]:
    from kicau.base.ids import new_id
    from kicau.channels.models import Channel
    from kicau.publishing.models import Delivery, Draft

    some = Draft.objects.filter(state="scheduled").order_by("?").values_list("id", flat=True)[:200]
    open_drafts = Draft.objects.filter(state="draft").order_by("?").values_list("id", flat=True)[:100]
    return {
        "posts": [str(i) for i in some],
        "drafts": [str(i) for i in open_drafts],
        "delivery": str(Delivery.objects.first().id),
        "free": str(new_id()),
        "answered": [first.channels[0].key, first.channels[-1].network],
        "channels": [c.key for c in Channel.objects.all()],
        "campaigns": [c.name for c in first.campaigns],
        "tags": [f"tag{n}" for n in range(30)],
        "people": [str(p.id) for p in first.people[:-1]],
        "rare": str(first.people[-1].id),
    }


def connected(workspace: Any) -> list[Any]:
    """Two channels a network."""
    from kicau.channels.actions import register_app
    from kicau.channels.channel_session import to_stored
    from kicau.channels.models import Channel
    from kicau.connector import registry
    from kicau.connector.serialization import to_json
    from kicau.connector.session import Credentials

    made = []
    for slug in registry.installed_slugs():
        app = register_app(slug, "id", "secret", is_sandbox=True)
        for n in (1, 2):
            made.append(
                Channel.objects.create(
                    workspace=workspace,
                    network=slug,
                    app=app,
                    key=f"{slug}-{n}",
                    account_id=str(n),
                    handle=f"kopi{n}",
                    name=f"Kopi {n}",
                    credentials=to_stored(Credentials(access_token="none")),
                    capabilities=to_json(registry.get_connector(slug).baseline),
                )
            )
    return made


def many(
    what: str, like: Any, count: int, values: dict[str, str], beside: str = "", where: str = "n.nr = i", reset: str = ""
) -> None:
    """`count` rows like one that is there, with `values` (column: SQL) in place; `i` counts them, `t` is that one, and
    `moment.now` is the time."""
    from django.db import connection

    from kicau.base import clock

    table = like._meta.db_table
    columns = [f.column for f in like._meta.concrete_fields if f.column != reset]
    chosen = ", ".join(values.get(c, f't."{c}"') for c in columns)
    into = ", ".join(f'"{column}"' for column in columns)
    moment = f"(SELECT '{clock.now().isoformat()}'::timestamptz AS now) moment"
    rows = f'FROM "{table}" t, generate_series(1, {count}) i, {moment}' + (f", {beside}" if beside else "")
    which = f"t.id = '{like.pk}'" + (f" AND {where}" if beside else "")
    with connection.cursor() as cursor:
        cursor.execute(f'INSERT INTO "{table}" ({into}) SELECT {chosen} {rows} WHERE {which}')
    print(f"{count:7} {what}", file=sys.stderr)
