"""Pictures of every page, wide and narrow, light and dark, in both languages, into .screenshots/:

python -m tests.journeys.screenshots [page …]
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / ".screenshots"
DEMO = ROOT / "kicau" / "demo"
LOOKS = {  # name: (width, height, theme, language)
    "wide": (1360, 900, "light", "en"),
    "dark": (1360, 900, "dark", "en"),
    "id": (1360, 900, "light", "id"),
    "contrast": (1360, 900, "contrast", "en"),
    "360": (360, 740, "light", "id"),
    "360-dark": (360, 740, "dark", "en"),
}
HIGH = "document.body.scrollHeight + innerHeight - document.body.clientHeight"
WORKING = ExitStack()  # what is being worked on as long as pictures are taken
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
    from kicau.sync.models import Answer, Post

    now = clock.now()
    values = {
        "retweet_count": 12,
        "reply_count": 2,
        "like_count": 4711,
        "quote_count": 3,
        "bookmark_count": 40,
        "impression_count": 128_204,
    }
    Post.objects.create(
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
        Answer.objects.create(
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
    from kicau.channels.actions import register_app, set_slots
    from kicau.channels.channel_session import to_stored
    from kicau.channels.models import Channel
    from kicau.connector.session import Credentials
    from kicau.media.actions import add_medium
    from kicau.publishing.content import compositions
    from kicau.publishing.models import Attempt, Delivery, DeliveryState
    from kicau.publishing.scheduling import schedule

    media = {
        f.name: add_medium(actor, f, f.name)
        for f in sorted((DEMO / "media").iterdir())
        if f.suffix in (".jpg", ".png", ".gif", ".mp4", ".pdf")
    }
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
    from datetime import time

    set_slots(actor, "x-kopi", [(d, time(h)) for d in range(5) for h in (9, 17)], "Asia/Jakarta")
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
    now = clock.now()
    for row in Delivery.objects.filter(due_at__lt=now).exclude(state="held"):
        row.state, row.published_at, row.url, row.remote_ids = (
            DeliveryState.PUBLISHED,
            row.due_at + timedelta(milliseconds=240),
            f"https://example.org/{row.id.hex[:10]}",
            ["1"],
        )
        row.save()
        Attempt.objects.create(delivery=row, did="publish", outcome="published", sentence="Published.")
    late = list(Delivery.objects.filter(state="published").order_by("-due_at"))
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


def archived(actor):
    """What was published, a friend's archive, one that asks, and what is said of them."""
    from kicau.archive import record_statements
    from kicau.archive.imports import actions, import_job, own_posts
    from kicau.archive.models import Import, Item
    from kicau.base.advisory_locks import shared_lock
    from kicau.config.database_setup import propose_terms
    from kicau.rights.statements import NewStatement
    from kicau.workspaces import actions as workspaces

    propose_terms()
    workspaces.update_workspace(
        actor,
        ai_use={
            "train_gen": "allow",
            "train_other": "conditional",
            "ground": "allow",
            "embed": "deny",
            "search": "allow",
        },
        terms_url="https://kopisenja.example/syarat",
    )
    own_posts.archive_published(actor.workspace)
    folder = Path(tempfile.mkdtemp())
    table = folder / "kopi-senja-2019-2023.csv"
    rows = [
        f'{n},"Kopi pagi nomor {n}: gula aren dari Garut, dan hujan di luar.",20{19 + n % 5}-0{1 + n % 9}-1{n % 9}T07:30:00Z,{"teman" if n % 4 == 0 else "kopisenja"}'
        for n in range(40)
    ]
    table.write_text("id,text,date,author\n" + "\n".join(rows) + "\n,,,\n41,,2020-01-01,x\n")
    import_job.run_import(actions.begin_import(actor, table, network="x", account="kopisenja", acquired="imported").id)
    asks = actions.begin_import(actor, table, "tetangga.csv", network="x", account="tetangga")
    reads = Import.objects.create(
        workspace=actor.workspace,
        path="x",
        name="twitter-2026-11-20.zip",
        network="x",
        account_handle="kopisenja",
        state="running",
        expected=90_000,
        read=41_000,
        new=40_800,
        known=150,
        skipped=50,
    )
    WORKING.enter_context(shared_lock(reads.id))
    item = Item.objects.filter(workspace=actor.workspace, standing__own=True).latest("posted_at")
    record_statements.add_statements(
        actor,
        [
            NewStatement(
                layer="author",
                party="author",
                party_name="Sari Wulandari",
                subject="item",
                item=item.id,
                says={"train_gen": "deny", "search": "allow"},
                note="A guest's picture",
            ),
            NewStatement(
                layer="grant",
                party="author",
                party_name="Teman",
                subject="author",
                key="x:teman",
                says={"train_gen": "conditional"},
                conditions={"attribution": ""},
                source="https://teman.example/izin",
            ),
        ],
    )
    assert asks
    return item.id


def evidence(actor):
    """A set with two versions, one taken back from, and an audit that found copies."""
    import json

    from django.core.files.uploadedfile import SimpleUploadedFile

    from kicau.archive.models import Item, Standing
    from kicau.archive.record_statements import add_statements
    from kicau.dataset_audit import actions as audits
    from kicau.dataset_audit import audit_job, canaries
    from kicau.rights.statements import NewStatement
    from kicau.training_sets import actions as training_sets_actions
    from kicau.training_sets import build, recipients

    add_statements(
        actor,
        [NewStatement(layer="author", party="workspace", subject="author", key="own", says={"train_gen": "allow"})],
    )
    ours = Standing.objects.filter(items__isnull=False, workspace=actor.workspace, own=True).earliest("id")
    table = Item(
        workspace=actor.workspace,
        network=ours.network,
        remote_id="table",
        standing=ours,
        sources=[],
        text="Reservations for the terrace: 0812-3456-7801 or meja@kopisenja.example, ask for Rani.",
    )
    table.save()
    of = training_sets_actions.create_set(
        actor, name="Our voice", purpose="Fine-tuning the assistant that drafts our replies"
    )
    build.make_version(training_sets_actions.order_version(actor, of.id))
    recipients.add_recipient(
        actor, training_sets_actions.get_version(actor, of.id), name="Lab Bahasa", contact="data@lab.example"
    )
    in_it = training_sets_actions.get_version(actor, of.id).members.exclude(item_id=table.id).values("item_id")
    gone = Item.objects.filter(id__in=in_it, said=False).latest("posted_at")
    add_statements(
        actor,
        [
            NewStatement(
                layer="withdrawal",
                party="author",
                party_name="Sari Wulandari",
                subject="item",
                item=gone.id,
                says={"train_gen": "deny"},
            )
        ],
    )
    training_sets_actions.request_preview(actor, of.id)
    while build.make_next():
        pass
    asked = recipients.create_confirmation_link(actor, recipients.unconfirmed_recipients(actor).get().id)
    texts = list(
        Item.objects.filter(standing__own=True).exclude(text="").order_by("id").values_list("text", flat=True)[:30]
    )
    longest = sorted(texts, key=len)[-3:]
    lines = [f"Text number {n} about {n * 7} things that have nothing to do with anybody here." for n in range(300)]
    lines += [
        f"As they wrote: {longest[0]} And so on.",
        longest[1].upper(),
        " ".join(longest[2].split()[: len(longest[2].split()) // 2]),
    ]
    corpus = "".join(json.dumps({"text": text}) + "\n" for text in lines).encode()
    files = [SimpleUploadedFile("corpus-000.jsonl", corpus), SimpleUploadedFile("corpus-001.parquet", b"PAR1 cut off")]
    found = audit_job.run_audit(
        audits.begin_audit(actor, name="Corpus of Example AI, 2026", files=files).id, processes=1
    )
    waiting = audits.begin_audit(actor, name="The same, older", files=[SimpleUploadedFile("old.jsonl", corpus)])
    canary = canaries.register_canary(actor, "Rainy season")
    for model in ("model-x, 2027-03", "model-y, 2027-06"):
        canaries.score_canary(actor, canary, [float(n) for n in range(1000)], model=model)
    return {
        "canary": canary.id,
        "set": of.id,
        "audit": found.id,
        "audit-waiting": waiting.id,
        "asked": urlsplit(asked.link).path,
    }


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
    from kicau.sync.models import Listening, Subscription

    Listening.objects.create(workspace=actor.workspace, network=channel.network, is_on=True)
    Subscription.objects.create(
        channel=channel, made_at=now - timedelta(days=2), told_at=now - timedelta(minutes=12), told=31
    )


def spend(actor, channel, rows) -> None:
    """A month of charges, and two budgets."""
    from kicau.base import clock
    from kicau.costs import actions as costs_actions
    from kicau.costs.models import Charge

    def charge(n, meter, micro, purpose, delivery=None):
        campaign = delivery.draft.campaign_id if delivery else None
        return Charge(
            at=clock.now() - timedelta(hours=7 * n),
            workspace_id=actor.workspace.id,
            channel_id=channel.id,
            app_id=channel.app_id,
            network=channel.network,
            meter=meter,
            units=1,
            micro=micro,
            currency="USD",
            purpose=purpose,
            campaign_id=campaign,
            person_id=actor.person_id,
        )

    kinds = (
        ("post", 15_000, "publish"),
        ("post-with-link", 200_000, "publish"),
        ("post-read", 5_000, "numbers"),
        ("post-read", 45_000, "answers"),
    )
    Charge.objects.bulk_create(
        charge(n, *kinds[(n * 7 // 3) % 4], rows[n % len(rows)] if rows else None) for n in range(110)
    )
    costs_actions.set_budget(actor, costs_actions.BudgetValues(name="November, everything", amount=12_000_000))
    costs_actions.set_budget(
        actor, costs_actions.BudgetValues(name="Reading", amount=2_000_000, purpose="answers", is_hard=False)
    )
    second_client(actor)


def second_client(actor) -> None:
    """Another workspace of the same agency, whose costs are shown in rupiah."""
    from kicau.base import clock
    from kicau.costs import actions as costs_actions
    from kicau.costs.models import Charge, Rate
    from kicau.workspaces.actions import actor_for, create_workspace, update_workspace

    theirs = actor_for(actor.person, create_workspace(actor.person, "Batik Laut", timezone="Asia/Jakarta").id, "page")
    update_workspace(theirs, currency="IDR")
    Rate.objects.create(currency="USD", shown_in="IDR", since="2026-01-01", rate=16_250)
    Charge.objects.bulk_create(
        Charge(
            at=clock.now() - timedelta(hours=11 * n),
            workspace_id=theirs.workspace.id,
            network="x",
            meter="post",
            units=1,
            micro=15_000,
            currency="USD",
            purpose="publish",
        )
        for n in range(90)
    )
    costs_actions.set_budget(theirs, costs_actions.BudgetValues(name="Batik Laut", amount=600_000))


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


def addresses(actor, things) -> dict[str, str]:
    """Every page that is worth a picture."""
    tell(actor, things)
    from kicau.publishing.approval import review_links, reviews
    from kicau.publishing.content import compositions

    long = (
        "Kopi Senja opens a second roastery in Lembang on Saturday, and everybody who brings a cup of their own drinks for free. "
        * 3
    )
    picture = compositions.MediumAttachment(medium=things["medium"])
    draft = compositions.create_draft(
        actor,
        compositions.Composition(
            parts=(compositions.PartContent(text=long + "https://kopisenja.example/lembang #kopi", media=(picture,)),)
        ),
    )
    poll = compositions.content.Poll(options=("Gayo", "Toraja", "Kintamani"), minutes=1440)
    whole = compositions.create_draft(
        actor,
        compositions.Composition(
            parts=(compositions.PartContent(text="One"), compositions.PartContent(text="Two")),
            poll=poll,
            link=compositions.LinkContent(url="https://kopisenja.example/", title="Kopi Senja"),
            first_comment="More in the link.",
            campaign="Lembang",
        ),
    )
    opened = opened_networks(actor, picture)
    reviews.submit(actor, draft.id)
    reviews.comment(actor, draft.id, "Which Saturday?", quote="on Saturday")
    link = review_links.create_link(actor, draft.id, "Ibu Ratna").link
    return {
        "calendar": "/",
        "day": "/?view=day",
        "import": "/import",
        "week": "/?view=week",
        "month": "/?view=month",
        "past": "/?view=past",
        "attention": "/?view=attention",
        "compose": f"/compose/{draft.id}",
        "compose-whole": f"/compose/{whole.id}",
        "compose-new": "/compose",
        "compose-open": f"/compose/{opened.id}",
        "post": f"/posts/{things['carousel']}",
        "post-answered": f"/posts/{things['answered']}",
        "failed": f"/posts/{things['failed']}",
        "drafts": "/drafts",
        "channels": "/channels",
        "channel": "/channels/x-kopi",
        "connect": "/channels/connect/x",
        "app-keys": "/channels/app-keys",
        "app-keys-guide": "/channels/app-keys/linkedin",
        "library": "/library",
        "medium": f"/library/{things['medium']}",
        "offboarding-list": "/offboarding",
        "offboarding-new": "/offboarding/new?network=linkedin",
        "offboarding-announced": f"/offboarding/{things['announced']}",
        "offboarding-left": f"/offboarding/{things['left']}",
        "offboarding-new-targets": f"/offboarding/{things['left']}/new-targets?channel=li-sari&channel=x-kabar",
        "offboarding-return": f"/offboarding/{things['left']}/return",
        "offboarding-instance-wide": "/offboarding/instance-wide",
        "archive": "/archive",
        "archive-found": "/archive?words=kopi&use=train_gen&answer=unknown",
        "archive-item": f"/archive/{things['item']}",
        "archive-imports": "/archive/imports",
        "rights": "/rights",
        "training-sets": "/training-sets",
        "training-set-new": "/training-sets/new",
        "training-set": f"/training-sets/{things['set']}",
        "training-set-version": f"/training-sets/{things['set']}/versions/2",
        "training-set-personal-data": f"/training-sets/{things['set']}/personal-data",
        "retractions": things["asked"],
        "dataset-audits": "/dataset-audits",
        "dataset-audit-new": "/dataset-audits/new",
        "dataset-audit": f"/dataset-audits/{things['audit']}",
        "dataset-audit-waiting": f"/dataset-audits/{things['audit-waiting']}",
        "dataset-audit-check": "/dataset-audits/check",
        "canaries": "/dataset-audits/canaries",
        "canary": f"/dataset-audits/canaries/{things['canary']}",
        "inbox": "/inbox",
        "team": "/team",
        "workspace-settings": "/settings",
        "activity": "/activity",
        "notifications": "/notifications",
        "notification-settings": "/settings/notifications",
        "costs": "/costs?plain=1",
        "budgets": "/costs/budgets",
        "prices": "/costs/prices",
        "statement": "/costs/statement",
        "clients": "/costs/clients",
        "personal-settings": "/settings/personal",
        "sign-in-settings": "/settings/sign-in",
        "set-up-authenticator": "/settings/sign-in/authenticator",
        "submitted": f"/posts/{draft.id}",
        "client-review": urlsplit(link).path,
        "missing": "/posts/018f0000-0000-7000-8000-000000000000",
    }


def open_as(browser, site, person, theme: str, width: int, height: int):
    """A browser's context in which `person` is signed in."""
    from tests.journeys.conftest import come_in

    scheme = "dark" if theme == "dark" else "light"
    context = browser.new_context(
        base_url=site,
        viewport={"width": width, "height": height},
        locale="en-GB",
        timezone_id="Asia/Jakarta",
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    come_in(context, site, person)
    context.add_cookies([{"name": "kicau_theme", "value": theme, "url": site}])
    return context


def test_pictures(browser, site, transactional_db, owner, workspace, actor):
    from kicau.workspaces.actions import update_person
    from tests.journeys.conftest import fits

    pages = addresses(actor, stock(actor, workspace))
    wanted, looks = os.environ.get("SHOTS_PAGES", "").split(), os.environ.get("SHOTS_LOOKS", "").split()
    TARGET.mkdir(exist_ok=True)
    for name, (width, height, theme, language) in LOOKS.items():
        if looks and name not in looks:
            continue
        update_person(owner, language=language)
        context = open_as(browser, site, owner, theme, width, height)
        page = context.new_page()
        for title, address in pages.items():
            if wanted and title not in wanted:
                continue
            page.set_viewport_size({"width": width, "height": height})
            page.goto(address)
            page.wait_for_load_state("networkidle")
            assert fits(page), f"{title} is wider than the window in {name}"
            if width < 500:  # the body scrolls there: a window as high as what is in it, and the bar below
                page.set_viewport_size({"width": width, "height": max(height, page.evaluate(HIGH))})
            page.screenshot(
                path=TARGET / f"{title}-{name}.png",
                full_page=width < 500 or title.startswith(("compose", "post", "channel", "rights")),
            )
        if not wanted or "sign-in" in wanted:
            context.clear_cookies(name="kicau")
            context.add_cookies([{"name": "django_language", "value": language, "url": site}])
            page.goto("/sign-in")
            page.screenshot(path=TARGET / f"sign-in-{name}.png")
        context.close()


def main(arguments: list[str]) -> int:
    """The pages that are named, or all of them."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", str(Path(__file__)), "-q"],
        check=False,
        cwd=ROOT,
        env={**os.environ, "SHOTS_PAGES": " ".join(arguments)},
    ).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
