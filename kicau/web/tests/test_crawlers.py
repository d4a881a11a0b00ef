"""What stands open to machines says what may be done with it."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from kicau.archive import published_policy
from kicau.connector.content import RenderedMedia
from kicau.media import library
from kicau.vocabularies import robots, rsl, tdmrep
from kicau.vocabularies.terms import combine_declarations
from kicau.workspaces import actions as workspaces

pytestmark = pytest.mark.django_db


def test_what_the_site_says_to_crawlers(actor, guest, owner, picture):
    assert "Content-Usage" not in guest.get("/robots.txt").content.decode()
    says = {"train_gen": "deny", "train_other": "conditional", "embed": "allow", "search": "allow"}
    workspaces.update_workspace(actor, ai_use=says, terms_url="https://kopisenja.example/syarat")
    actor.workspace.refresh_from_db()
    told = robots.read_robots(guest.get("/robots.txt").content, "https://kicau.example/robots.txt")
    assert combine_declarations(told.about("/m/x")) == {"train_gen": "deny", "train_other": "deny", "search": "allow"}
    assert rsl.read_document(guest.get("/license.xml").content).declarations[0].says["train_gen"] == "deny"
    own = guest.get(f"/license/{actor.workspace.id}.xml").content
    assert rsl.read_document(own).declarations[0].policy == "https://kopisenja.example/syarat"
    assert tdmrep.read_file(guest.get("/.well-known/tdmrep.json").content).declarations[0].says["embed"] == "deny"
    assert guest.get(f"/tdm-policy/{actor.workspace.id}.json").json()["@type"] == "Offer"
    answer = guest.get("/m/" + library.public_url(RenderedMedia(media=picture.value())).partition("/m/")[2])
    assert answer["Content-Usage"] == "train-ai=n, search=y"
    assert answer["tdm-reservation"] == "1"
    assert rsl.named_in_header(answer["Link"]) == (published_policy.licence_url(actor.workspace.id),)

    other = workspaces.create_workspace(owner, "Warung")
    assert "search" not in published_policy.site_rule()  # one that says nothing has not allowed it
    assert published_policy.site_rule()["train_gen"] == "deny"
    for form in published_policy.rule_forms(actor):
        assert form.text, form.slug
    silent = type(actor)(workspace=other, person=owner, role="owner", via="page")
    assert not any(form.text for form in published_policy.rule_forms(silent))
    assert "license.xml" in published_policy.rule_files(actor.workspace)


def test_who_says_nothing_gives_no_licence(actor, guest, workspace):
    """An empty one might be heard as one without limits."""
    for rule in ({}, {"redistribute": "deny"}):  # of the latter RSL has no word
        workspaces.update_workspace(actor, ai_use=rule)
        assert guest.get("/license.xml").status_code == guest.get(f"/license/{workspace.id}.xml").status_code == 404
        assert b"License:" not in guest.get("/robots.txt").content
        assert "Link" not in published_policy.rule_headers(actor.workspace, rule)
        assert "license.xml" not in published_policy.rule_files(actor.workspace)


def test_the_page_shows_each_form_and_reads_what_others_declare(page, workspace):
    silent = page.get(reverse("rights")).content.decode()
    assert "You have no content rules yet, so web crawlers" in silent
    page.post(reverse("rights-change-policy"), {"train_gen": "deny", "search": "allow", "embed": "conditional"})
    page.post(
        reverse("rights-update-declarations"), {"terms_url": "https://kopisenja.example/syarat", "marks_media": "1"}
    )
    workspace.refresh_from_db()
    assert (workspace.terms_url, workspace.marks_media) == ("https://kopisenja.example/syarat", True)
    shown = page.get(reverse("rights")).content.decode()
    assert "Content-Usage: / train-ai=n, search=y" in shown
    assert 'data-copies="#form-robots"' in shown
    assert 'name="embed" value="conditional" checked' in shown
    page.post(reverse("rights-update-declarations"), {"terms_url": "javascript:alert(1)"})
    workspace.refresh_from_db()
    assert workspace.terms_url == "https://kopisenja.example/syarat"
    file = SimpleUploadedFile("robots.txt", b"User-agent: *\nContent-Signal: search=no, ai-train=perhaps\n")
    heard = page.post(reverse("rights-read-declarations"), {"file": file}).content.decode()
    assert "Rule found in: Content Signals (robots.txt)." in heard
    assert "If Kicau cannot read a source, Kicau assumes that" in heard
    assert page.post(reverse("rights-read-declarations"), {"url": "http://169.254.169.254/"}).status_code == 422
    page.post(reverse("choose-language"), {"language": "id"})
    file.seek(0)
    assert (
        "Dalam aturan penggunaan untuk AI dan program lain (Content-Signal)"
        in page.post(reverse("rights-read-declarations"), {"file": file}).content.decode()
    )
