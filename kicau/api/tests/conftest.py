"""One populated workspace, one stranger, and a way to ask as anybody."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django import conf
from django.db import transaction
from django.test import Client
from PIL import Image

from kicau.archive import record_statements
from kicau.archive.imports import actions as archives
from kicau.archive.imports import import_job
from kicau.archive.models import ArchiveImport, Item
from kicau.base import clock
from kicau.channels.channel_session import to_stored
from kicau.channels.models import Channel, NetworkApp, PendingSignIn
from kicau.connector.protocol import SignInIdentity
from kicau.connector.session import Credentials
from kicau.costs import actions as plans
from kicau.costs.models import Charge, ExchangeRate, OperatorPriceList, Purpose
from kicau.dataset_audit import actions as audits
from kicau.dataset_audit import canaries
from kicau.dataset_audit.models import DatasetAudit, FoundCopy, FoundPost
from kicau.evidence import log
from kicau.media.actions import add_medium
from kicau.offboarding import actions as offboardings
from kicau.offboarding import jobs
from kicau.offboarding.models import OffboardingJob
from kicau.publishing.approval import review_links, reviews
from kicau.publishing.content import compositions, contacts
from kicau.publishing.content import snippets as texts
from kicau.publishing.models import Delivery, DeliveryState
from kicau.publishing.scheduling import actions as publishing
from kicau.publishing.scheduling import schedule
from kicau.rights.statements import NewStatement
from kicau.sync.models import Comment
from kicau.training_sets import actions as datasets
from kicau.training_sets import recipients
from kicau.training_sets.models import PersonalDataFinding, Recipient, TrainingSetPreview, TrainingSetVersion
from kicau.training_sets.versions import version_folder
from kicau.workspaces import webhooks
from kicau.workspaces.actions import actor_for, add_person, create_workspace, set_member_role
from kicau.workspaces.actors import ROLE_PERMISSIONS, Actor
from kicau.workspaces.api_tokens import create_token
from kicau.workspaces.invitations import invite
from kicau.workspaces.models import Role

MARK = "rahasia-senja"  # in everything that the populated workspace holds
CONTRACT = (
    '[[list]]\nname = "contract"\nsince = 2026-01-01\ncurrency = "USD"\nsource = "ours"\n[list.prices]\ncalls = 10\n'
)


@pytest.fixture(autouse=True, scope="session")
def _static_folder() -> None:
    """WhiteNoise warns where it is missing."""
    Path(conf.settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@cache
def application() -> Client:
    """One for all: making it reads every static file's name."""
    return Client(raise_request_exception=False)


@dataclass
class Caller:
    """Somebody with a token (or, with "", without)."""

    secret: str
    http: Client = field(default_factory=lambda: application())

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent: dict[str, Any] = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return self._send(method, path, sent, headers)

    def raw(self, method: str, path: str, data: bytes, content_type: str, **headers: str) -> Any:
        return self._send(method, path, {"data": data, "content_type": content_type}, headers)

    def upload(self, path: str, **fields: Any) -> Any:
        return self._send("POST", path, {"data": fields}, {})

    def _send(self, method: str, path: str, sent: dict[str, Any], headers: dict[str, str]) -> Any:
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.secret:
            said.setdefault("Authorization", f"Bearer {self.secret}")
        whole = path if path.startswith("/api") else f"/api/v1{path}"
        return getattr(self.http, method.lower())(whole, headers=said, **sent)

    def get(self, path: str, **headers: str) -> Any:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.ask("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.ask("PUT", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.ask("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.ask("DELETE", path, **headers)


def caller_for(actor: Actor, *scopes: str) -> Caller:
    """With a token of the actor's, of all scopes that they have or of those given."""
    return Caller(create_token(actor, "test", scopes or sorted(ROLE_PERMISSIONS[actor.role])).secret)


def png(colour: str = "#c0392b", size: tuple[int, int] = (640, 480)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def add_channel(actor: Actor, network: str, key: str = "") -> Channel:
    """Connected, with credentials that open nothing, so that no network is needed."""
    app, _ = NetworkApp.objects.get_or_create(
        network=network, name="default", defaults={"client_id": "id", "client_secret": "hush"}
    )
    key = key or f"{network}-kopisenja"
    return Channel.objects.create(
        workspace=actor.workspace,
        network=network,
        app=app,
        key=key,
        account_id=f"{MARK}-{key}",
        handle="kopisenja",
        name=f"Kopi Senja {MARK}",
        credentials=to_stored(Credentials(access_token=f"{MARK}-token")),
        connected_by=actor.person,
    )


def write(actor: Actor, text: str, **more: Any) -> Any:
    given = compositions.Composition(parts=(compositions.PartContent(text=text, media=more.pop("media", ())),), **more)
    return compositions.one_draft(actor, compositions.create_draft(actor, given).id)


def deliver(
    actor: Actor, channel: Channel, text: str, *, state: str = DeliveryState.SCHEDULED, **more: Any
) -> Delivery:
    """One delivery in any state; what the engine would do is written straight into its row."""
    draft = write(actor, text, **more)
    row = schedule.schedule(actor, draft, [channel.key], clock.now() + timedelta(days=1), confirm=True).deliveries[0]
    if state != row.state:
        out = (
            {"remote_ids": ["1"], "url": "https://social.example/1", "published_at": clock.now()}
            if state == DeliveryState.PUBLISHED
            else {}
        )
        Delivery.objects.filter(id=row.id).update(state=state, **out)
    return publishing.one_delivery(actor, row.id)


@dataclass
class World:
    """The populated workspace and the ids in it, by the names that paths give their parameters."""

    actor: Actor
    ids: dict[str, str]
    channel: Channel
    medium: Any
    post: Any
    deliveries: dict[str, Delivery]


@pytest.fixture
def world(actor: Actor, tmp_path: Path) -> World:
    return populate(actor, tmp_path)


@pytest.fixture(scope="module")
def populated(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[World]:
    """Filled once for all tests of a module, each of which undoes what it did; undone at their end. Such a module's
    `world` is a copy of this, and its `owner` and `workspace` are the world's."""
    with django_db_blocker.unblock(), transaction.atomic():
        person = add_person("sari@kopisenja.example", "Sari Wulandari", "hujan-di-bandung-41", operator=True)
        actor = actor_for(person, create_workspace(person, "Kopi Senja", timezone="Asia/Jakarta").id, "page")
        yield populate(actor, tmp_path_factory.mktemp("media"))
        transaction.set_rollback(True)


def populate(actor: Actor, folder: Path) -> World:
    facebook, linkedin = add_channel(actor, "facebook"), add_channel(actor, "linkedin")
    picture = folder / f"{MARK}.png"
    picture.write_bytes(png())
    medium = add_medium(actor, picture, picture.name, alt=f"Cangkir {MARK}", tags=[MARK])
    post = write(
        actor,
        f"Kopi {MARK}",
        media=(compositions.MediumAttachment(medium=medium.id),),
        campaign=MARK,
        tags=(MARK,),
        ref=MARK,
    )
    comment = reviews.comment(actor, post.id, f"Apa ini? {MARK}")
    link = review_links.create_link(actor, post.id, f"Ratna {MARK}").row
    rows = {
        state: deliver(actor, facebook, f"{state} {MARK}", state=state, campaign=MARK, tags=(MARK,))
        for state in ("scheduled", "published", "failed", "unknown")
    }
    held = schedule.schedule(
        actor, write(actor, f"held {MARK}"), [linkedin.key], clock.now() + timedelta(days=2)
    ).deliveries[0]
    rows["held"] = publishing.one_delivery(actor, held.id)
    budget = plans.set_budget(actor, plans.BudgetValues(name=MARK, amount=50_000_000))
    contract = OperatorPriceList.objects.create(network="facebook", toml=CONTRACT)
    rate = ExchangeRate.objects.create(currency="USD", shown_in="IDR", since="2026-01-01", rate=16250)
    canary = canaries.register_canary(actor, MARK, candidates=20, sentence=f"{MARK} {{words}}")
    hook = webhooks.add_webhook(actor, f"https://127.0.0.1/{MARK}", ["delivery.*"])
    somebody = add_person("dewi@kopisenja.example", f"Dewi {MARK}", "hujan-di-bandung-41", proved=True)
    set_member_role(actor, somebody, Role.EDITOR)
    token = create_token(actor, MARK, ["read"]).token
    invitation = invite(actor, f"{MARK}@kopisenja.example", Role.VIEWER).invitation
    found = SignInIdentity(
        id=f"{MARK}-page", handle="senja", name=MARK, kind="page", credentials=Credentials(access_token=MARK)
    )
    PendingSignIn.objects.create(
        state=f"state-{MARK}",
        workspace=actor.workspace,
        person=actor.person,
        app=facebook.app,
        memory={},
        found=[to_stored(found)],
    )
    Charge.objects.create(
        workspace_id=actor.workspace.id,
        channel_id=facebook.id,
        network="facebook",
        meter=f"calls-{MARK}",
        units=3,
        micro=45000,
        currency="USD",
        purpose=Purpose.PUBLISH,
    )
    table = folder / "posts.csv"
    table.write_text(f"text,id,author\nKopi {MARK},{MARK}-1,{MARK}\n")
    taken = archives.begin_import(actor, table, f"{MARK}.csv", network="facebook", account=MARK, acquired="imported")
    import_job.run_import(taken.id)
    item = Item.objects.get(workspace=actor.workspace, remote_id=f"{MARK}-1")
    asking = ArchiveImport.objects.create(workspace=actor.workspace, path=str(table), name=MARK, state="asking")
    (statement,) = record_statements.add_statements(
        actor,
        [
            NewStatement(
                layer="author", party="author", subject="author", key="own", says={"search": "allow"}, note=MARK
            )
        ],
    )
    lost = add_channel(actor, "bluesky", "lama")
    deliver(actor, lost, f"frozen {MARK}")
    left = offboardings.announce_offboarding(actor, channel=lost.key, reason=MARK)
    job = jobs.request_export(actor, left.id)
    OffboardingJob.objects.filter(id=job.id).update(state="done", result={"size": 2})
    jobs.archive_file(job).parent.mkdir(parents=True, exist_ok=True)
    jobs.archive_file(job).write_bytes(f"PK {MARK}".encode())
    text = texts.save_text(actor, "template", MARK, MARK)
    group = texts.save_group(actor, MARK, [facebook.key])
    contact = contacts.save_contact(actor, f"Budi{MARK}", {"x": "@budi"})
    said = Comment.objects.create(
        channel=rows["scheduled"].channel, remote_id="77", author=MARK, text=MARK, at=clock.now()
    )
    ids = prepare_evidence(actor) | {
        "message_id": str(said.id),
        "text_id": str(text.id),
        "group_id": str(group.id),
        "contact_id": str(contact.id),
        "comment_id": str(comment.id),
        "link_id": str(link.id),
        "item_id": str(item.id),
        "import_id": str(asking.id),
        "statement_id": str(statement.id),
        "offboarding_id": str(left.id),
        "job_id": str(job.id),
        "person_id": str(somebody.id),
        "token_id": str(token.id),
        "invitation_id": str(invitation.id),
        "post_id": str(post.id),
        "delivery_id": str(rows["scheduled"].id),
        "state": f"state-{MARK}",
        "channel": str(facebook.id),
        "medium_id": str(medium.id),
        "webhook_id": str(hook.id),
        "canary_id": str(canary.id),
        "budget_id": str(budget.id),
        "list_id": str(contract.id),
        "rate_id": str(rate.id),
        "network": "facebook",
    }
    return World(actor=actor, ids=ids, channel=facebook, medium=medium, post=post, deliveries=rows)


def prepare_evidence(actor: Actor) -> dict[str, str]:
    """A training set with a version that somebody has, and an audit that found something; as if they had been made."""
    of = datasets.create_set(actor, name=MARK, purpose=MARK)
    version = TrainingSetVersion.objects.create(
        set=of,
        number=1,
        state="ready",
        records=1,
        excluded={MARK: 1},
        files={"README.md": {"bytes": 20, "sha256": "0" * 64}},
    )
    version_folder(version).mkdir(parents=True)
    (version_folder(version) / "README.md").write_text(MARK)
    who = recipients.add_recipient(actor, version, name=MARK, contact=MARK)
    Recipient.objects.filter(id=who.id).update(owes=1)
    TrainingSetPreview.objects.create(set=of, state="ready", excluded={MARK: 1}, examples=[{"text": MARK}])
    PersonalDataFinding.objects.create(set=of, item=of.id, kind="email", start=0, end=3, sha256="0" * 64)
    summary = {
        "says": MARK,
        "posts": {"given": 1, "different": 1, "too_short_to_tell": 0},
        "kinds": {"exact": 1},
        "data": {"documents": 1, "unpacked_bytes": 1, "shards": [], "failed": {}, "skipped": [MARK]},
    }
    bundle = json.dumps({"form": MARK}).encode()
    audit = DatasetAudit.objects.create(
        workspace=actor.workspace,
        name=MARK,
        where="x",
        state="done",
        summary=summary,
        found=1,
        copies=1,
        finished_at=clock.now(),
        bundle_sha256=hashlib.sha256(bundle).hexdigest(),
    )
    FoundPost.objects.create(audit=audit, item=MARK, text=MARK)
    FoundCopy.objects.create(
        audit=audit,
        posts=[MARK],
        kind="exact",
        format="text",
        shard=MARK,
        first_byte=0,
        last_byte=4,
        words=1,
        of_words=1,
        longest_run=1,
        bits=60,
        raw="a29waQ==",
        raw_first_byte=0,
    )
    audits.audit_folder(audit.id).mkdir(parents=True)
    (audits.audit_folder(audit.id) / audits.BUNDLE_FILE_NAME).write_bytes(bundle)
    places = log.append_entries("post", [(MARK, MARK.encode())], actor.workspace.id)
    return {
        "set_id": str(of.id),
        "number": "1",
        "name": "README.md",
        "recipient_id": str(who.id),
        "audit_id": str(audit.id),
        "index": str(places[0]),
    }


@pytest.fixture
def api(actor: Actor) -> Caller:
    """Sari with a token of all scopes."""
    return caller_for(actor)


@pytest.fixture
def stranger(db: None) -> Actor:
    """Owner of another workspace."""
    person = add_person("rani@lain.example", "Rani", "hujan-di-bandung-41")
    return actor_for(person, create_workspace(person, "Toko Lain").id, "page")


@pytest.fixture
def nobody() -> Caller:
    return Caller("")
