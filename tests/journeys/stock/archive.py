"""An archive, what is said of its items, training sets and dataset audits."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

WORKING = ExitStack()  # what is being worked on as long as pictures are taken


def archived(actor):
    """What was published, a friend's archive, one that asks, and what is said of them."""
    from kicau.archive import record_statements
    from kicau.archive.imports import own_posts
    from kicau.archive.models import Item
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
    imported(actor)
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
    return item.id


def imported(actor):
    """A friend's archive that was read, one that asks whose it is, and one that is being read."""
    from kicau.archive.imports import actions, import_job
    from kicau.archive.models import ArchiveImport
    from kicau.base.advisory_locks import shared_lock

    folder = Path(tempfile.mkdtemp())
    table = folder / "kopi-senja-2019-2023.csv"
    rows = [
        f'{n},"Kopi pagi nomor {n}: gula aren dari Garut, dan hujan di luar.",20{19 + n % 5}-0{1 + n % 9}-1{n % 9}T07:30:00Z,{"teman" if n % 4 == 0 else "kopisenja"}'
        for n in range(40)
    ]
    table.write_text("id,text,date,author\n" + "\n".join(rows) + "\n,,,\n41,,2020-01-01,x\n")
    import_job.run_import(actions.begin_import(actor, table, network="x", account="kopisenja", acquired="imported").id)
    actions.begin_import(actor, table, "tetangga.csv", network="x", account="tetangga")
    reads = ArchiveImport.objects.create(
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


def evidence(actor):
    """A set with two versions, one taken back from, and an audit that found copies."""
    of, asked = training_set(actor)
    canary, found, waiting = dataset_audits(actor)
    return {
        "canary": canary.id,
        "set": of.id,
        "audit": found.id,
        "audit-waiting": waiting.id,
        "asked": urlsplit(asked.link).path,
    }


def training_set(actor):
    """A set with two versions, and the link by which a recipient confirms."""
    from kicau.archive.models import Item, RightsContext
    from kicau.archive.record_statements import add_statements
    from kicau.rights.statements import NewStatement
    from kicau.training_sets import actions as training_sets_actions
    from kicau.training_sets import build, recipients

    add_statements(
        actor,
        [NewStatement(layer="author", party="workspace", subject="author", key="own", says={"train_gen": "allow"})],
    )
    ours = RightsContext.objects.filter(items__isnull=False, workspace=actor.workspace, own=True).earliest("id")
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
    return of, recipients.create_confirmation_link(actor, recipients.unconfirmed_recipients(actor).get().id)


def dataset_audits(actor):
    """A canary, an audit that found copies, and one that waits."""
    import json

    from django.core.files.uploadedfile import SimpleUploadedFile

    from kicau.archive.models import Item
    from kicau.dataset_audit import actions as audits
    from kicau.dataset_audit import audit_job, canaries

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
    return canary, found, waiting
