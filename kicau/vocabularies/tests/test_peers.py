"""Each vocabulary against somebody else's reader: it hears what we write, and we hear what it hears, on published examples."""

from __future__ import annotations

import io
import itertools
import json
import re
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import av
import c2pa
import http_sfv
import pyexiv2
import pytest
import rdflib
from agentpulse_asgi import parse_content_signals
from aiohttp import web
from aiohttp.test_utils import TestServer
from atproto_core.cbor import decode_dag
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from datadiligence.rules import TDMRepHeader
from license_expression import ExpressionError, get_spdx_licensing
from protego import Protego
from selectolax.lexbor import LexborHTMLParser
from supertab_connect import SupertabConnectError, obtain_license_token

from kicau.vocabularies import aipref, cawg, containers, content_signal, iptc, lexicon, odrl, robots, rsl, spdx, tdmrep
from kicau.vocabularies.terms import combine_declarations
from kicau.vocabularies.tests.test_containers import FILES

POLICIES = (
    {"train_gen": "deny"},
    {"train_gen": "deny", "train_other": "deny", "search": "allow", "ground": "allow"},
    {"train_gen": "allow", "train_other": "allow", "embed": "allow", "search": "allow", "ground": "deny"},
    {"train_gen": "conditional", "train_other": "conditional", "embed": "conditional", "search": "conditional"},
    {},
)


# Of draft-ietf-aipref-vocab and -attach.
PREFERENCES = (
    b"train-ai=n",
    b"train-ai=y, search=n",
    b'train-ai=y, train-ai, search=n, search="n"',
    b"train-ai;allow=n, train-ai=y",
    b'train-ai;has;parameters="?"',
    b"Train-AI=y",
    b"train-ai=y,",
)


def test_aipref_and_http_sfv():
    def theirs(value):
        found = http_sfv.Dictionary()
        try:
            found.parse(value)
        except ValueError:
            return None
        return {key: str(item.value) for key, item in found.items() if isinstance(item.value, http_sfv.Token)}

    for value in PREFERENCES:
        heard = theirs(value)
        ours = aipref.read_preference(value)
        words = {"y": "allow", "n": "deny"}
        assert combine_declarations(ours.declarations).get("train_gen") == words.get((heard or {}).get("train-ai"))
        assert combine_declarations(ours.declarations).get("search") == words.get((heard or {}).get("search"))
        assert bool(ours.faults) == (heard is None or b'"' in value)
    for says in POLICIES[:4]:
        told = theirs(aipref.write_preference(says).encode())
        assert told is not None
        assert set(told.values()) <= {"y", "n"}
        assert told.get("train-ai") == {"deny": "n", "conditional": "n", "allow": "y"}.get(says.get("train_gen"))


def test_robots_txt_with_the_standard_library_and_protego():
    written = robots.write_robots(POLICIES[1], licence="https://example.org/license.xml", disallow=["/posts"])
    theirs = RobotFileParser()
    theirs.parse(written.splitlines())
    ours = robots.read_robots(written.encode())
    for path in ("/", "/posts/1", "/m/a.jpg"):
        assert theirs.can_fetch("ExampleBot", f"https://example.org{path}") == robots.may_fetch(ours.rules["*"], path)
    assert ours.licences == ("https://example.org/license.xml",)
    assert not ours.reading.faults
    for pattern, path in itertools.product(
        ("/", "/a", "/a/", "/*.php", "/*.php$", "/a*/c", "/a$", "*b"), ("/", "/a", "/a/b", "/x.php", "/x.php5", "/ab/c")
    ):
        theirs = Protego.parse(f"User-agent: *\nDisallow: {pattern}\n")
        assert robots.matches_pattern(pattern, path) != theirs.can_fetch(f"https://example.org{path}", "x"), (
            pattern,
            path,
        )


def test_content_signals_and_agentpulse():
    # The examples of contentsignals.org and of Cloudflare's managed file.
    for value in (
        "search=yes, ai-train=no",
        "search=yes, ai-input=no, ai-train=no",
        "search=yes,ai-train=no,use=reference",
        "search=maybe",
        "",
    ):
        theirs, says = (
            parse_content_signals(value),
            combine_declarations(content_signal.read_signal(value).declarations),
        )
        for use, heard in (("search", theirs.search), ("ground", theirs.ai_input), ("train_gen", theirs.ai_train)):
            assert says.get(use) == {True: "allow", False: "deny", None: None}[heard]
    for says in POLICIES:
        theirs = parse_content_signals(content_signal.write_signal(says))
        assert theirs.ai_train == (
            None if "train_gen" not in says or says == POLICIES[4] else says["train_gen"] == "allow"
        )
        assert theirs.search == (says["search"] == "allow" if "search" in says else None)


RSL_WORDS = ("ai-train", "ai-input", "ai-index", "search")
SITES = itertools.count(1)
RSL_HEAD, RSL_TAIL = '<rsl xmlns="https://rslstandard.org/rsl">', "</rsl>"
COLLECTIVE = '<license><permits type="usage">ai-all</permits><payment><standard>https://rslcollective.org/license</standard></payment></license>'


@asynccontextmanager
async def site(document):
    """A site that serves an RSL document where Supertab's reader looks for it, and grants whoever asks a licence. Each has
    an address of its own, because that reader keeps what it read at an address, and ports come back."""

    async def licence(_):
        return web.Response(
            text=document.replace("{here}", str(server.make_url("")).rstrip("/")), content_type="application/rsl+xml"
        )

    async def token(_):
        return web.json_response({"access_token": "granted"})

    app = web.Application()
    app.add_routes([web.get("/license.xml", licence), web.post("/token", token)])
    n = next(SITES)
    async with TestServer(app, host=f"127.1.{n // 250}.{n % 250 + 1}") as server:
        yield server


async def supertab_hears(document, path, word):
    """Whether it may be used so without asking anybody ("free"), with a licence of the server named there ("asked"), or not."""
    async with site(document) as server:
        try:
            got = await obtain_license_token(
                client_id="c", client_secret="s", resource_url=str(server.make_url(path)), usage=word
            )
        except SupertabConnectError:
            return "no"
        return "free" if got is None else "asked"


async def test_rsl_and_supertab_connect():
    """Supertab's reader, for those who fetch pages. It knows no payment, spells no umbrella out, hears the first licence of
    a content only, and takes a location that ends in / for that address alone: there it hears less than the standard says."""
    for contents, path in (
        ('<content url="/"><license><prohibits type="usage">ai-all</prohibits></license></content>', "/a"),
        (
            '<content url="/"><license><permits type="usage">search</permits><payment type="free"/></license></content>',
            "/a/b",
        ),
        (
            '<content url="/"><license><permits type="usage">search</permits><prohibits type="usage">ai-train ai-input</prohibits></license></content>',
            "/",
        ),
        (
            '<content url="/"><license><permits type="usage">all</permits><prohibits type="usage">ai-train</prohibits></license></content>',
            "/a",
        ),
        (
            '<content url="/articles/*.html"><license><permits type="usage">ai-train ai-index</permits><payment type="subscription"><standard>https://rslcollective.org/license</standard></payment></license></content>',
            "/articles/1.html",
        ),
        (
            '<content url="/articles/*.html"><license><permits type="usage">ai-train</permits></license></content>',
            "/photos/1.html",
        ),
        (
            '<content url="/"><license><permits type="usage">search</permits></license></content><content url="/datasets/market-data.csv"><license><permits type="usage">search ai-train</permits></license></content>',
            "/datasets/market-data.csv",
        ),
    ):
        document = f"{RSL_HEAD}{contents}{RSL_TAIL}"
        says = combine_declarations(
            rsl.declarations_about(rsl.read_document(document.encode()), f"https://example.org{path}", path)
        )
        for word in RSL_WORDS:
            ours = all(says.get(use) in ("allow", "conditional") for use in rsl.TERMS_BY_NAME[word].grants)
            assert (await supertab_hears(document, path, word) == "free") == ours, (contents, word)
    # The guide of the RSL Collective names no kind of payment: to be paid all the same, by both.
    whole = f'{RSL_HEAD}<content url="/">{COLLECTIVE}</content>{RSL_TAIL}'
    heard = rsl.read_document(whole.encode())
    assert set(combine_declarations(heard.declarations).values()) == {"conditional"}
    assert heard.declarations[0].conditions == {"payment": "https://rslcollective.org/license"}
    assert not heard.faults
    assert await supertab_hears(whole, "/a", "ai-all") == "free"
    # Where a server is named, whoever wants it asks there first.
    served = whole.replace('url="/"', 'url="/archive/*" server="{here}"')
    assert await supertab_hears(served, "/archive/1", "ai-all") == "asked"
    assert rsl.read_document(served.encode()).declarations[0].conditions["consent"] == "{here}"
    assert await supertab_hears(served, "/elsewhere", "ai-all") == "no"
    for bad in ("<rsl", "<rsl/>", f"{RSL_HEAD}{RSL_TAIL}", f"{RSL_HEAD}<content>{COLLECTIVE}</content>{RSL_TAIL}"):
        assert await supertab_hears(bad, "/", "ai-all") == "no"
        assert rsl.read_document(bad.encode()).faults


async def test_what_we_write_of_rsl_and_supertab_connect():
    for says in (*POLICIES, {"search": "conditional", "embed": "conditional"}):
        for conditions in ({}, {"payment": ""}, {"attribution": ""}, {"geography": "ID"}):
            document = rsl.write_document(says, conditions=conditions, terms="https://example.org/ask")
            told = combine_declarations(rsl.read_document(document.encode()).declarations)
            firm = "allow" in told.values() or "deny" in told.values()  # else what is against payment stands first
            for word in RSL_WORDS:
                ours = {told.get(use) for use in rsl.TERMS_BY_NAME[word].grants} <= (
                    {"allow"} if firm else {"allow", "conditional"}
                )
                assert await supertab_hears(document, "/p/1", word) == ("free" if ours else "no"), (
                    says,
                    conditions,
                    word,
                )


def test_rsl_by_what_other_readers_expect():
    """What two more readers that no registry has (naulon's, and the check of ax-audit) say of such documents in their own
    tests and rules is asked of ours, and their rules of what we write."""
    head = '<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license>'
    tail = "</license></content></rsl>"
    for body, says in (
        (
            '<prohibits type="usage">ai-all</prohibits>',
            dict.fromkeys(("train_gen", "train_other", "ground", "embed", "synthesise"), "deny"),
        ),
        ('<permits type="usage">search</permits><payment type="free"/>', {"search": "allow"}),
        (
            '<permits type="usage">ai-train</permits><payment type="subscription"><standard>https://rslcollective.org/license</standard></payment>',
            {"train_gen": "conditional", "train_other": "conditional"},
        ),
        (
            '<permits type="usage">search,ai-input</permits><payment type="attribution"/>',
            {"ground": "conditional", "search": "conditional"},
        ),
    ):
        assert combine_declarations(rsl.read_document(f"{head}{body}{tail}".encode()).declarations) == says
    two = '<permits type="usage">search</permits><payment type="free"/></license><license><permits type="usage">ai-input ai-index</permits><payment type="crawl"><amount currency="USD">0.0011</amount></payment>'
    (heard,) = rsl.read_document(f"{head}{two}{tail}".encode()).declarations
    assert heard.says == {"ground": "conditional", "embed": "conditional", "search": "allow"}
    assert heard.conditions == {"payment": "crawl 0.0011 USD"}
    prefixed = re.sub(r"<(/?)(?=[a-z])", r"<\1r:", f"{head}{two}{tail}").replace("xmlns=", "xmlns:r=")
    assert rsl.read_document(prefixed.encode()).declarations == (heard,)
    assert rsl.read_document(
        f'{head}<permits type="usage">ai-input ai-summarize</permits>{tail}'.encode()
    ).declarations[0].says == {"ground": "allow"}
    (unpayable,) = rsl.read_document(
        f'{head}<permits type="usage">search</permits><payment type="barter"/>{tail}'.encode()
    ).declarations
    assert unpayable.says == {"search": "conditional"}
    empty = f"{head}<permits type='usage'>search</permits>{tail}".replace('url="/"', 'url=""').encode()
    assert not rsl.read_document(empty).declarations
    assert rsl.read_document(empty, "https://example.org/p").declarations[0].scope == "https://example.org/p"
    for says in POLICIES:
        written = rsl.write_document(says, conditions={"payment": ""}, terms="https://example.org/ask")
        if not written:
            assert not says, "nothing is said of nothing alone"
            continue
        root = ElementTree.fromstring(written)
        assert root.tag == f"{{{rsl.NAMESPACE}}}rsl"
        for element in root.iter():
            name, kind = element.tag.rpartition("}")[2], element.get("type", "")
            if name in ("permits", "prohibits"):
                words = {
                    "usage": {"all", "ai-all", "ai-train", "ai-input", "ai-index", "search"},
                    "user": {"commercial", "non-commercial", "education", "government", "personal"},
                }[kind]
                assert set(element.text.split()) <= words
            if name == "payment":
                assert kind in (
                    "purchase",
                    "subscription",
                    "training",
                    "crawl",
                    "use",
                    "contribution",
                    "attribution",
                    "free",
                )
            assert name != "content" or (element.get("url") and element.find(f"{{{rsl.NAMESPACE}}}license") is not None)


@pytest.mark.filterwarnings("ignore")
def test_tdm_headers_and_datadiligence():
    theirs = TDMRepHeader()
    for headers in (
        {"tdm-reservation": "1"},
        {"tdm-reservation": "0"},
        {"tdm-reservation": "1", "tdm-policy": "https://provider.com/policies/policy.json"},
    ):
        allowed = combine_declarations(tdmrep.read_headers(headers).declarations)["train_gen"] == "allow"
        assert allowed == theirs.is_allowed(headers=headers)
    for says in POLICIES[:4]:
        headers = tdmrep.write_headers(says, "https://example.org/policy.json") or {"x": ""}
        assert theirs.is_allowed(headers=headers) == (
            says.get("train_other", "allow") == "allow" and says["train_gen"] == "allow"
        )


# The report's own file (section 6.1.3), and what the crawler of the Open Web Index and a census of such files read in their
# tests: a mark of byte order goes before it, the first rule that matches counts.
FILES_OF_RESERVATIONS = (
    b'[{"location": "/directory-a/", "tdm-reservation": 1}, {"location": "/directory-b/html/", "tdm-reservation": 1, "tdm-policy": "https://provider.com/policies/policy.json"}, {"location": "/directory-b/images/*.jpg", "tdm-reservation": 0}]',
    b'\xef\xbb\xbf[{"location": "/blog", "tdm-reservation": 0}, {"location": "/", "tdm-reservation": 1}]',
    b'[{"location": "/", "tdm-reservation": 1, "tdm-policy": "https://x/p"}]',
    b'[{"location": "/*.pdf$", "tdm-reservation": 1}, {"location": "/a", "tdm-reservation": 1}, {"location": "/a/b", "tdm-reservation": 0}]',
)
PATHS = (
    "/",
    "/directory-a/x",
    "/directory-b/html/x",
    "/directory-b/images/a.jpg",
    "/directory-b/x",
    "/blog/1",
    "/a/b",
    "/c.pdf",
    "/c.pdfx",
)


@pytest.mark.filterwarnings("ignore")
def test_files_of_reservations_with_protego_and_datadiligence():
    """Which rule counts for an address is Protego's word, who reads such patterns in robots.txt (to which the report
    refers for them); what the rule says is datadiligence's."""

    def theirs(file, path):
        for rule in json.loads(file):
            if not Protego.parse(f"User-agent: *\nDisallow: {rule['location']}\n").can_fetch(
                f"https://example.org{path}", "x"
            ):
                return TDMRepHeader().is_allowed(headers={name: str(value) for name, value in rule.items()})
        return None

    for file in FILES_OF_RESERVATIONS:
        reading = tdmrep.read_file(file)
        assert not reading.faults
        for path in PATHS:
            ours = tdmrep.rule_about(reading, path)
            assert (None if ours is None else ours.says["embed"] == "allow") == theirs(
                file.removeprefix(b"\xef\xbb\xbf"), path
            ), (file, path)
    assert (
        tdmrep.rule_about(tdmrep.read_file(FILES_OF_RESERVATIONS[0]), "/directory-b/html/x").policy
        == "https://provider.com/policies/policy.json"
    )
    for says in POLICIES[:4]:
        written = tdmrep.write_file({"/m/*.jpg$": says, "/": POLICIES[2]}, "https://example.org/policy.json")
        allowed = all(says[use] == "allow" for use in ("train_gen", "train_other", "embed") if use in says)
        assert theirs(written, "/m/a.jpg") == allowed
        assert theirs(written, "/m/a.png") is True


@pytest.mark.filterwarnings("ignore")
def test_pages_with_reservations_with_lexbor_and_datadiligence():
    """What stands in the page is Lexbor's word, who reads HTML as browsers do; what it says is datadiligence's."""

    def theirs(page):
        found = {}
        for meta in LexborHTMLParser(page).css("meta[name][content]"):
            found.setdefault(meta.attributes["name"].strip().lower(), meta.attributes["content"].strip())
        told = {name: value for name, value in found.items() if name.startswith("tdm-")}
        return TDMRepHeader().is_allowed(headers=told) if told else None

    head = "<!doctype html><html><head><title>x</title>{}</head><body><p>tdm-reservation: 1</p></body></html>"
    for inside in (
        '<meta name="tdm-reservation" content="1"><meta name="tdm-policy" content="https://provider.com/policies/policy.json">',
        '<meta name="tdm-reservation" content="1">',
        '<meta name="tdm-reservation" content="0">',
        "<META NAME='TDM-Reservation' CONTENT=1 />",
        '<!-- <meta name="tdm-reservation" content="1"> --><meta content="0" name="tdm-reservation">',
        "<script>\"<meta name='tdm-reservation' content=1>\"</script>",
        '<meta name="tdm-reservation" content="0"><meta name="tdm-reservation" content="1">',
        '<meta property="x" content="1"><meta name="tdm&#45;reservation" content="&#49;">',
        "",
    ):
        says = combine_declarations(tdmrep.read_html(head.format(inside)).declarations)
        assert (says["train_gen"] == "allow" if says else None) == theirs(head.format(inside)), inside
    for says in POLICIES[:4]:
        page = head.format(tdmrep.write_html(says, 'https://example.org/"<policy>'))
        assert theirs(page) in (
            None,
            all(says.get(use, "allow") == "allow" for use in ("train_gen", "train_other", "embed")),
        )
        assert (theirs(page) is None) == (not tdmrep.write_headers(says))
        policies = [m.attributes["content"] for m in LexborHTMLParser(page).css('meta[name="tdm-policy"]')]
        assert policies == (['https://example.org/"<policy>'] if says.get("embed") == "conditional" else [])


@pytest.fixture(scope="module")
def signer():
    """A chain that C2PA takes: an authority of one day and a leaf that signs."""
    today = datetime.now(UTC)
    authority, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def certificate(name, key, is_authority):
        names = [
            x509.Name(
                [x509.NameAttribute(NameOID.COMMON_NAME, n), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test")]
            )
            for n in (name, "authority")
        ]
        made = x509.CertificateBuilder(
            *reversed(names), key.public_key(), x509.random_serial_number(), today - timedelta(1), today + timedelta(1)
        )
        for extension, critical in (
            (x509.BasicConstraints(is_authority, None), True),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), False),
            (x509.KeyUsage(True, False, False, False, False, is_authority, is_authority, False, False), True),
            *([] if is_authority else [(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)]),
        ):
            made = made.add_extension(extension, critical)
        return made.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    key = leaf.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return c2pa.C2paSignerInfo(
        alg=b"es256",
        sign_cert=certificate("leaf", leaf, False) + certificate("authority", authority, True),
        private_key=key,
        ta_url=None,
    )


@pytest.mark.parametrize(
    ("name", "mime"), [("jpeg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp"), ("mp4", "video/mp4")]
)
def test_assertions_and_c2pa(signer, name, mime):
    says = {"train_gen": "deny", "train_other": "conditional", "ground": "allow", "embed": "allow"}
    created = {
        "action": "c2pa.created",
        "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
    }
    manifest = {
        "claim_generator_info": [{"name": "test", "version": "1"}],
        "format": mime,
        "title": "test",
        "assertions": [
            {"label": "c2pa.actions", "data": {"actions": [created]}},
            {"label": "cawg.training-mining", "data": cawg.write_assertion(says, "ask us")},
        ],
    }
    signed = io.BytesIO()
    with c2pa.Signer.from_info(signer) as by, c2pa.Builder(manifest) as builder:
        builder.sign(by, mime, io.BytesIO(FILES[name]), signed)
    signed.seek(0)
    with c2pa.Reader(mime, signed) as theirs:
        told = json.loads(theirs.json())
    assert told["validation_state"] in ("Valid", "Trusted")
    (assertion,) = [
        a["data"]
        for a in told["manifests"][told["active_manifest"]]["assertions"]
        if a["label"] == "cawg.training-mining"
    ]
    (ours,) = containers.mining_assertions(containers.find_metadata(signed).c2pa)
    assert ours == assertion
    (declared,) = cawg.read_assertion(ours).declarations
    assert declared.says == says
    assert declared.conditions == {"consent": "ask us"}


def test_data_mining_in_films_and_ffmpeg():
    """The packages of Exiv2 come without its reader of films."""
    written = containers.embed_xmp(FILES["mp4"], iptc.write_packet({"train_gen": "deny"}))
    with av.open(io.BytesIO(written), options={"export_xmp": "1"}) as theirs:
        heard = theirs.metadata["xmp"].encode()
    assert heard == containers.find_metadata(io.BytesIO(written)).xmp
    assert f"{iptc.VALUE_PREFIX}PROHIBITED-GENAIMLTRAINING".encode() in heard


@pytest.mark.parametrize("name", [name for name in FILES if name != "mp4"])
def test_data_mining_and_exiv2(name):
    packet = iptc.write_packet({"train_gen": "deny", "train_other": "deny"})
    with pyexiv2.ImageData(containers.embed_xmp(FILES[name], packet)) as theirs:
        assert theirs.read_xmp()["Xmp.plus.DataMining"] == f"{iptc.VALUE_PREFIX}PROHIBITED-AIMLTRAINING"
        theirs.modify_xmp(
            {
                "Xmp.plus.DataMining": f"{iptc.VALUE_PREFIX}PROHIBITED-SEECONSTRAINT",
                "Xmp.plus.OtherConstraints": {'lang="x-default"': "ask us"},
                "Xmp.dc.format": "image/x",
            }
        )
        changed = theirs.get_bytes()
    found = containers.find_metadata(io.BytesIO(changed)).xmp
    (declared,) = iptc.read_packet(found).declarations
    assert set(declared.says.values()) == {"conditional"}
    assert declared.conditions == {"consent": "ask us"}
    with pyexiv2.ImageData(
        containers.embed_xmp(changed, iptc.write_packet({"train_gen": "deny"}, into=found))
    ) as theirs:
        assert theirs.read_xmp()["Xmp.plus.DataMining"] == f"{iptc.VALUE_PREFIX}PROHIBITED-GENAIMLTRAINING"
        assert theirs.read_xmp()["Xmp.dc.format"] == "image/x"


def test_records_and_the_atproto_sdk():
    """As a record of the protocol; that the reference server stores it is tried in tests/servers."""
    import libipld

    record = lexicon.write_record(POLICIES[1], datetime(2026, 11, 26, tzinfo=UTC))
    theirs = decode_dag(libipld.encode_dag_cbor(record))
    assert theirs == record
    assert combine_declarations(lexicon.read_record(theirs).declarations) == {
        "train_gen": "deny",
        "train_other": "deny",
        "ground": "allow",
    }


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph")
def test_offers_and_rdflib():
    ns = rdflib.Namespace(odrl.NAMESPACE)

    def theirs(offer):
        graph = rdflib.Graph().parse(data=json.dumps(offer), format="json-ld")
        found = {}
        for word, value in (("permission", "allow"), ("prohibition", "deny")):
            for rule in graph.objects(None, ns[word]):
                action = str(graph.value(rule, ns.action)).removeprefix(odrl.NAMESPACE)
                purposes = [
                    str(graph.value(c, ns.rightOperand))
                    for c in graph.objects(rule, ns.constraint)
                    if graph.value(c, ns.leftOperand) == ns.purpose and graph.value(c, ns.operator) == ns.eq
                ]
                for use in purposes or [{"index": "search", "distribute": "redistribute"}.get(action, action)]:
                    found[use] = "conditional" if graph.value(rule, ns.duty) else value
        return found

    for says in (*POLICIES[:4], {"redistribute": "conditional", "archive": "allow", "synthesise": "deny"}):
        offer = odrl.write_offer(says, {"attribution": ""})
        assert (
            theirs({"@context": {"odrl": odrl.NAMESPACE, "sc": "https://schema.org/"}, **offer})
            == says
            == combine_declarations(odrl.read_offer(offer).declarations)
        )
    published = {
        "@context": {"@vocab": odrl.NAMESPACE, "odrl": odrl.NAMESPACE, "uid": "@id", "action": {"@type": "@vocab"}},
        "@type": "Offer",
        "uid": "http://example.com/policy:1",
        "permission": [{"action": "distribute", "duty": [{"action": "attribute"}]}],
        "prohibition": [{"action": "archive"}],
    }
    assert (
        theirs(published)
        == combine_declarations(odrl.read_offer(published).declarations)
        == {"redistribute": "conditional", "archive": "deny"}
    )


def test_licence_expressions_and_aboutcode():
    theirs = get_spdx_licensing()
    for text in (
        "MIT",
        "CC-BY-4.0",
        "mit or apache-2.0 and ISC",
        "(MIT OR Apache-2.0) AND CC-BY-SA-4.0",
        "GPL-2.0-only WITH Classpath-exception-2.0",
        "CC0-1.0 OR (CC-BY-4.0 AND MIT)",
    ):
        ours = spdx.parse_expression(text)
        assert theirs.parse(str(ours), validate=True) == theirs.parse(text)
        assert {name.lower() for name in ours.licences} == {
            key.lower().partition(" with ")[0]
            for key in theirs.license_keys(text, unique=True)
            if "exception" not in key.lower()
        }
    for text in ("MIT AND", "(MIT", "MIT)", "OR MIT"):
        with pytest.raises(ExpressionError):
            theirs.parse(text, validate=True, strict=True)
        with pytest.raises(spdx.InvalidExpression):
            spdx.parse_expression(text)
    for name in spdx.KNOWN_LICENCES:
        theirs.parse(name, validate=True)
        says, conditions = spdx.KNOWN_LICENCES[name]
        assert spdx.read_expression(spdx.write_licence(says, conditions)).declarations[0].says == says
