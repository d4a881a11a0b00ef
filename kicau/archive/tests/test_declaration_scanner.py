"""A site that says something in every place it can: heard over real HTTP, kept with its bytes, and counted in decisions."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote

import pytest
from asgiref.sync import async_to_sync
from PIL import Image

from kicau.archive import declaration_scanner, record_statements
from kicau.base.errors import NotAllowed, ValidationFailed
from kicau.connector.content import RenderedMedia
from kicau.connector.transport import ssrf
from kicau.media import library, usage_metadata_writer
from kicau.media.actions import add_medium
from kicau.rights.decisions import ItemFacts, RightsVerdict, decide
from kicau.rights.models import Statement
from kicau.rights.statements import statement_facts
from kicau.vocabularies import containers, iptc, rsl
from kicau.workspaces import actions as workspaces

pytestmark = pytest.mark.django_db


def picture(says=None) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "#804020").save(out, "JPEG")
    return containers.embed_xmp(out.getvalue(), iptc.write_packet(says)) if says else out.getvalue()


@pytest.fixture
def site(monkeypatch):
    """(its address, what it answers by path: (headers, body), to be filled)."""
    answers: dict[str, tuple[dict[str, str], bytes]] = {}

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers, body = answers.get(self.path, ({}, b""))
            self.send_response(200 if self.path in answers else 404)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        address = f"127.0.0.1:{server.server_port}"
        monkeypatch.setattr(ssrf, "ALLOWED_HOSTS", {address})
        yield f"http://{address}", answers
        server.shutdown()


def test_everything_that_a_site_says_of_a_page_is_heard_and_kept(site, actor):
    base, answers = site
    url = f"{base}/kopi.html"
    answers["/kopi.html"] = (
        {"Content-Usage": "train-ai=n", "Link": '</license.xml>; rel="license"; type="application/rsl+xml"'},
        b'<html><meta name="tdm-reservation" content="1"><p>Kopi</p>',
    )
    answers["/robots.txt"] = (
        {},
        b"User-agent: *\nAllow: /\nContent-Usage: / train-ai=y, search=y\nContent-Signal: ai-input=no\n",
    )
    answers["/license.xml"] = ({}, rsl.write_document({"embed": "deny"}).encode())
    answers["/.well-known/tdmrep.json"] = ({}, b"{")
    found = async_to_sync(declaration_scanner.scan_address)(actor, url)
    assert {(one.vocabulary, h.where) for h in found.heard for one in h.declarations} == {
        ("aipref", "HTTP headers"),
        ("tdmrep", "HTML meta"),
        ("aipref", "robots.txt"),
        ("content-signal", "robots.txt"),
        ("rsl", "RSL"),
    }
    assert found.says == {
        "train_gen": "deny",
        "train_other": "deny",
        "ground": "deny",
        "embed": "deny",
        "synthesise": "deny",
        "search": "allow",
    }
    assert any("JSON" in fault for h in found.heard for fault in h.faults)
    assert not Statement.objects.exists()  # hearing alone keeps nothing

    kept = declaration_scanner.record_declarations(actor, found)
    assert len(kept) == 5
    of_robots = next(row for row in kept if row.source == f"{base}/robots.txt" and "aipref" in row.parser)
    assert of_robots.raw_sha256 == hashlib.sha256(answers["/robots.txt"][1]).hexdigest()
    assert bytes(of_robots.raw) == answers["/robots.txt"][1]
    said = [statement_facts(row) for row in record_statements.list_statements(actor)]
    at = max(row.recorded_at for row in kept)
    answer = lambda use: decide(use, ItemFacts(url=url, acquired=("fetched",)), said, at).answer  # noqa: E731
    assert (answer("train_gen"), answer("search"), answer("redistribute")) == (
        RightsVerdict.NO,
        RightsVerdict.YES,
        RightsVerdict.UNKNOWN,
    )

    assert (
        declaration_scanner.record_declarations(actor, async_to_sync(declaration_scanner.scan_address)(actor, url))
        == []
    )  # the same again is not written twice
    answers["/kopi.html"] = ({}, b"<html><p>Kopi</p>")
    del answers["/robots.txt"]
    assert (
        declaration_scanner.record_declarations(actor, async_to_sync(declaration_scanner.scan_address)(actor, url))
        == []
    )
    valid = [row.parser for row in record_statements.list_statements(actor) if row.valid_until is None]
    assert valid == []  # nobody names the licence any more either
    assert Statement.objects.count() == 5  # and all of it stays in the story

    # What cannot be had is told.
    for bad in ("ftp://x", f"{base}/none", "http://169.254.169.254/latest"):
        with pytest.raises(ValidationFailed):
            async_to_sync(declaration_scanner.scan_address)(actor, bad)
    answers["/a.jpg"] = ({}, picture({"train_gen": "deny"}))
    found = async_to_sync(declaration_scanner.scan_address)(actor, f"{base}/a.jpg")
    assert found.says == {"train_gen": "deny"}
    with pytest.raises(NotAllowed):
        declaration_scanner.record_declarations(replace(actor, role="viewer"), found)
    for name, data, says in (
        ("robots.txt", b"User-agent: *\nContent-Signal: search=no\n", {"search": "deny"}),
        (
            "tdmrep.json",
            b'[{"location": "/", "tdm-reservation": 0}]',
            {"train_gen": "allow", "train_other": "allow", "embed": "allow"},
        ),
        (
            "croissant.json",
            json.dumps({"usageInfo": {"odrl:prohibition": [{"odrl:action": {"@id": "odrl:distribute"}}]}}).encode(),
            {"redistribute": "deny"},
        ),
        ("nothing.txt", b"Kopi hangat", {}),
    ):
        assert declaration_scanner.scan_file(actor, name, data).says == says, name


def test_pictures_bring_a_reservation_and_carry_one_away(actor, tmp_path):
    workspaces.update_workspace(actor, ai_use={"train_gen": "allow", "search": "allow"})
    actor.workspace.refresh_from_db()
    (tmp_path / "theirs.jpg").write_bytes(picture({"train_gen": "deny", "train_other": "deny"}))
    medium = add_medium(actor, tmp_path / "theirs.jpg", "theirs.jpg")
    assert medium.ai_use == {"train_gen": "deny", "search": "allow", "train_other": "deny"}
    (row,) = Statement.objects.filter(subject="file")
    assert (row.key, row.layer, row.says) == (medium.sha256, "author", {"train_gen": "deny", "train_other": "deny"})
    assert row.raw_sha256 == hashlib.sha256(row.raw).hexdigest()
    assert "iptc" in row.parser
    assert add_medium(actor, tmp_path / "theirs.jpg", "theirs.jpg") == medium
    assert Statement.objects.count() == 1

    # Published pictures carry the rule, where that is wanted.
    (tmp_path / "ours.jpg").write_bytes(picture())
    medium = add_medium(actor, tmp_path / "ours.jpg", "ours.jpg")
    workspaces.update_workspace(actor, ai_use={"train_gen": "deny"})
    media_rule = {"train_gen": "allow", "search": "allow"}
    assert medium.ai_use == media_rule  # as it was when it came; the rule of today goes before it
    assert usage_metadata_writer.usage_mark_of(medium.ref) is None  # nobody asked for it
    workspaces.update_workspace(actor, marks_media=True)
    mark = usage_metadata_writer.usage_mark_of(medium.ref)
    plain = library.network_copy(RenderedMedia(media=medium.value()))
    file = usage_metadata_writer.marked_file(plain, mark, 0)
    with file.path.open("rb") as opened:
        assert iptc.read_packet(containers.find_metadata(opened).xmp).declarations[0].says == {"train_gen": "deny"}
    assert file.size == file.path.stat().st_size
    assert (
        usage_metadata_writer.marked_file(plain, mark, plain.size + 10) == plain
    )  # it would be too large for the network
    url = library.public_url(RenderedMedia(media=medium.value()), mark)
    ref, behind = library.file_by_ticket(unquote(url.partition("/m/")[2]))
    assert (ref, behind.path) == (medium.ref, file.path)
    assert library.original_path(medium.ref).read_bytes() == (tmp_path / "ours.jpg").read_bytes()
