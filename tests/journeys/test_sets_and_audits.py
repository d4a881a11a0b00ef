"""A marketing person and their lawyer: a training set looked at, made, taken back from; a data set searched, its evidence
checked. Wide in English, then the recipient's page in Indonesian at 360 px."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from kicau.archive.models import Item, RightsContext
from kicau.archive.record_statements import add_statements
from kicau.dataset_audit import audit_job, audit_queue
from kicau.rights.statements import NewStatement
from kicau.training_sets import build
from tests.journeys.conftest import come_in, fits

POSTS = (
    "Petani Puntang mengirim biji pertama musim ini; rasanya seperti jeruk, madu dan kayu manis",
    "Sangrai kedua kami buka hari Sabtu di Lembang, siapa membawa gelas sendiri minum gratis",
    "Pesan tempat lewat 0812-3456-7801, teras kami muat dua puluh orang dan satu kucing tua",
)


def archived(actor) -> None:
    """Three posts of ours, and one of somebody who said nothing."""
    for own, texts in ((True, POSTS), (False, ("Kopi di sini enak sekali, kata teman saya dari Garut",))):
        standing = RightsContext.objects.create(
            workspace=actor.workspace, network="x", author=f"x:{own}", own=own, acquired=["imported"]
        )
        Item.objects.bulk_create(
            Item(
                workspace=actor.workspace, network="x", remote_id=f"{own}{n}", standing=standing, text=text, sources=[]
            )
            for n, text in enumerate(texts)
        )
    add_statements(
        actor,
        [NewStatement(layer="author", party="workspace", subject="author", key="own", says={"train_gen": "allow"})],
    )


def test_a_set_is_made_and_taken_back_from_and_a_data_set_searched(
    page: Page, browser, site, transactional_db, settings, owner, workspace, actor, tmp_path
):
    settings.KICAU_PUBLIC_URL = site
    archived(actor)
    come_in(page.context, site, owner)
    page.goto("/archive")
    page.get_by_role("link", name="Create a training set").click()
    page.get_by_label("Name", exact=True).fill("Our voice")
    page.get_by_role("button", name="Preview the training set").click()
    expect(page.get_by_text("Kicau will check your posts as soon as other tasks are finished.")).to_be_visible()
    build.make_next()
    expect(page.get_by_text("Unknown. Nobody has stated whether this content may be")).to_be_visible()
    expect(page.locator(".tally")).to_contain_text("3 records would be included in the training set")
    page.get_by_role("link", name="Review texts with personal data: 1").click()
    expect(page.locator("mark")).to_have_text("0812-3456-7801")
    page.get_by_text("Replace text", exact=True).click()
    page.get_by_role("button", name="Save decisions").click()
    page.get_by_role("link", name="Back to the training set").click()
    page.get_by_role("button", name="Create version 1 of the training set").click()
    build.make_next()
    expect(page.get_by_text("Version ready", exact=True)).to_be_visible()
    page.get_by_role("link", name="Version 1").click()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="train.parquet").click()
    assert downloading.value.suggested_filename == "train.parquet"
    page.get_by_label("Recipient", exact=True).fill("Lab Bahasa")
    page.get_by_role("button", name="Record a recipient").click()
    expect(page.get_by_text("No content removed from the recipient's version")).to_be_visible()

    page.goto("/archive")
    page.get_by_role("link", name="Sangrai kedua").click()
    page.get_by_text("Choose the allowed uses of this content").click()
    page.get_by_role("button", name="Withdraw consent for every use of this content").click()
    expect(page.get_by_text("withdrew the permission to use this content for").first).to_be_visible()
    build.make_next()
    page.goto("/training-sets")
    page.get_by_role("link", name="Our voice").click()
    expect(page.get_by_text("1 record was removed from this version")).to_be_visible()
    page.get_by_role("button", name="Ask the recipient to confirm the removal of the content").click()
    link = page.locator("#ask-link").inner_text()

    narrow = browser.new_context(base_url=site, viewport={"width": 360, "height": 740}, locale="id-ID")
    lab = narrow.new_page()
    lab.goto(link)
    expect(lab.get_by_text("1 entri dalam versi set data latih Anda tidak boleh dipakai lagi")).to_be_visible()
    assert fits(lab)
    lab.get_by_label("Nama Anda").fill("Tono")
    lab.get_by_role("button", name="Konfirmasi penghapusan entri").click()
    expect(lab.get_by_text("Tono mengonfirmasi pada")).to_be_visible()
    narrow.close()

    corpus = tmp_path / "corpus.jsonl"
    others = [f"Text number {n} about {n * 7} things that have nothing to do with anybody here" for n in range(80)]
    corpus.write_text(
        "".join(
            json.dumps({"text": text}) + "\n"
            for text in [*others, f"Seen today: {POSTS[0]} …", POSTS[1], POSTS[2].upper()]
        ),
        "utf-8",
    )
    page.goto("/dataset-audits/new")
    page.get_by_label("Files of the dataset to search").set_input_files(corpus)
    page.get_by_label("Name of the dataset in the report").fill("Corpus of Example AI")
    page.get_by_role("button", name="Search the dataset", exact=True).click()
    expect(page.get_by_text("You can leave this page")).to_be_visible()
    audit_job.run_audit(audit_queue.next_due_audit(), processes=1)
    # What was taken back from every use is not searched for either.
    expect(page.get_by_text("Posts found in this dataset: 2")).to_be_visible()
    expect(page.locator("mark").first).to_contain_text("Petani Puntang")
    for name in ("PDF · Bahasa Indonesia", "HTML · English"):
        page.get_by_text("Download the report", exact=True).click()
        with page.expect_download() as downloading:
            page.get_by_role("link", name=name).click()
        assert downloading.value.suggested_filename.startswith("audit-")
        page.keyboard.press("Escape")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download the evidence file").click()
    bundle = tmp_path / "evidence.json"
    downloading.value.save_as(bundle)
    page.goto("/dataset-audits/check")
    page.get_by_label("Evidence file", exact=True).set_input_files(bundle)
    page.get_by_role("button", name="Check the evidence file", exact=True).click()
    expect(
        page.get_by_text(
            "The evidence file evidence.json has not changed since it was signed. Kicau did not check who signed it, because you entered no key fingerprint."
        )
    ).to_be_visible()
    bundle.write_bytes(bundle.read_bytes().replace(b"Petani", b"Petami", 1))
    page.get_by_label("Evidence file", exact=True).set_input_files(bundle)
    page.get_by_role("button", name="Check the evidence file", exact=True).click()
    expect(page.get_by_text("The evidence file evidence.json is not valid, for this reason:")).to_be_visible()


def test_conditions_are_asked_where_something_is_conditional(browser, site, transactional_db, owner, workspace, actor):
    """Also where no script runs."""
    archived(actor)
    for script in (True, False):
        context = browser.new_context(
            base_url=site, viewport={"width": 360, "height": 740}, locale="en-GB", java_script_enabled=script
        )
        come_in(context, site, owner)
        page = context.new_page()
        page.goto("/rights")
        page.get_by_text("Record a rights statement").click()
        form = page.locator("#say")
        expect(form).to_be_visible()
        expect(form.get_by_label("crediting the author", exact=True)).to_be_hidden()
        form.locator("[name=train_gen]").select_option("conditional")
        form.get_by_label("crediting the author", exact=True).check()
        form.get_by_label("crediting the author: details").fill(f"@kopisenja {script}")
        assert not script or fits(page)
        form.get_by_role("button", name="Save the rights statement").click()
        expect(page.get_by_text(f"crediting the author (@kopisenja {script})")).to_be_visible()
        context.close()
