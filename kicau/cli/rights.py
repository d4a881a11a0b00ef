"""`kicau rights`: what may be done with what, who said so, and what a change would do."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kicau.cli.core.command import (
    EXIT_USAGE,
    CommandError,
    Shell,
    json_option,
    pass_shell,
    print_result,
    print_table,
)

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from kicau.archive.policy_preview import ReasonCount


@click.group()
def rights() -> None:
    """What items may be used for: statements, networks' terms, and the decisions that they make."""


says_option = click.option(
    "--say",
    "says",
    multiple=True,
    metavar="USE=VALUE",
    required=True,
    help="Such as train_gen=deny; repeat it for several.",
)


@rights.command("rule")
@click.option(
    "--own", multiple=True, metavar="USE=VALUE", help="For this workspace's own words; USE=none takes it out."
)
@click.option(
    "--others",
    multiple=True,
    metavar="USE=VALUE",
    help="For others' words of which nobody has said anything. Training, imitating and passing on can only be denied.",
)
@json_option
@pass_shell
def rule(shell: Shell, own: tuple[str, ...], others: tuple[str, ...], as_json: bool) -> None:
    """This workspace's two rules: for its own words and for others'. Without options they are shown."""
    actor = shell.actor()
    from kicau.workspaces.actions import update_workspace

    workspace = actor.workspace
    if own or others:
        workspace = update_workspace(
            actor,
            ai_use=_merge_rule(workspace.ai_use, own) if own else None,
            others_ai_use=_merge_rule(workspace.others_ai_use, others) if others else None,
        )
    data = {"own": workspace.ai_use, "others": workspace.others_ai_use}
    rows = [
        ("our own", _values_text(workspace.ai_use) or "nothing"),
        ("others'", _values_text(workspace.others_ai_use) or "nothing"),
    ]
    print_result(as_json, data, lambda: print_table(("words", "rule"), rows))


def _merge_rule(rule: Mapping[str, str], pairs: tuple[str, ...]) -> dict[str, str]:
    new = {**rule, **_parse_pairs(pairs)}
    return {use: value for use, value in new.items() if value != "none"}


@rights.command("say")
@says_option
@click.option(
    "--layer",
    default="author",
    show_default=True,
    help="With which authority: withdrawal (which can only deny), grant, contract, author, licence, site, default.",
)
@click.option("--party", default="author", show_default=True, help="Who says it: author, network, site or workspace.")
@click.option("--name", "party_name", default="", help="Their name.")
@click.option("--item", default="", help="Of one item.")
@click.option("--author", default="", help='Of all of one author: "own" or network:id.')
@click.option("--on-network", default="", help="Of all of one network.")
@click.option("--site", default="", help="Of all under an address.")
@click.option("--licence", default="", help="Of all under an SPDX licence.")
@click.option(
    "--condition",
    "conditions",
    multiple=True,
    metavar="NAME=DETAIL",
    help="Of what is conditional: attribution, payment, non-commercial, share-alike, consent, geography.",
)
@click.option("--source", default="", help="Where it can be read.")
@click.option(
    "--acquired",
    default="",
    help="Only of copies that came this way: composed, imported, fetched, received or generated.",
)
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The last day on which it is valid, in the workspace's time zone; that day is included.",
)
@click.option("--note", default="", help="Why.")
@json_option
@pass_shell
def say(
    shell: Shell,
    /,
    says: tuple[str, ...],
    item: str,
    author: str,
    on_network: str,
    site: str,
    licence: str,
    conditions: tuple[str, ...],
    until: datetime | None,
    as_json: bool,
    **told: Any,
) -> None:
    """Record what somebody says; without --item, --author, --on-network, --site or --licence it is about everything."""
    actor = shell.actor()
    from kicau.archive.item_queries import get_item
    from kicau.archive.record_statements import add_statements as keep
    from kicau.rights.statements import NewStatement, end_of_day

    keys = {"author": author, "network": on_network, "site": site, "licence": licence}
    about = [(subject, key) for subject, key in keys.items() if key]
    if len(about) + bool(item) > 1:
        raise CommandError(
            "A statement is about one thing; choose one of --item, --author, --on-network, --site and --licence.",
            EXIT_USAGE,
        )
    subject, key = ("item", "") if item else about[0] if about else ("everything", "")
    given = NewStatement(
        subject=subject,
        key=key,
        item=get_item(actor, item).id if item else None,
        says=_parse_pairs(says),
        conditions=_parse_pairs(conditions),
        valid_until=end_of_day(until.date(), actor.workspace.timezone) if until else None,
        **told,
    )
    (row,) = keep(actor, [given])
    print_result(as_json, {"id": str(row.id), "says": row.says}, lambda: click.echo(f"Kept: {row.id}"))


@rights.command("end")
@click.argument("statement_id", metavar="STATEMENT")
@pass_shell
def end(shell: Shell, statement_id: str) -> None:
    """From now on a statement says nothing any more."""
    actor = shell.actor()
    from kicau.archive.record_statements import end_statement

    end_statement(actor, statement_id)
    click.echo("Ended.")


@rights.command("list")
@json_option
@pass_shell
def list_(shell: Shell, as_json: bool) -> None:
    """Statements that reach further than one item."""
    actor = shell.actor()
    from zoneinfo import ZoneInfo

    from kicau.archive.record_statements import list_statements
    from kicau.base import clock

    rows = list(list_statements(actor)[:500])
    now, zone = clock.now(), ZoneInfo(actor.workspace.timezone)
    shown = [
        (
            r.id,
            r.layer,
            r.party_name or r.party,
            f"{r.subject} {r.key}".strip(),
            _values_text(r.says),
            r.acquired,
            _end_text(r.valid_until, now, zone),
        )
        for r in rows
    ]
    data = [
        {
            "id": str(r.id),
            "layer": r.layer,
            "party": r.party,
            "party_name": r.party_name,
            "subject": r.subject,
            "key": r.key,
            "says": r.says,
            "conditions": r.conditions,
            "acquired": r.acquired,
            "source": r.source,
            "valid_until": r.valid_until.isoformat() if r.valid_until else None,
        }
        for r in rows
    ]
    print_result(
        as_json,
        data,
        lambda: print_table(
            ("id", "layer", "who", "about", "says", "only copies", "ends"), shown, empty="Nobody said anything yet."
        ),
    )


@rights.command("terms")
@json_option
@pass_shell
def terms(shell: Shell, as_json: bool) -> None:
    """The networks' terms, as a dated table."""
    actor = shell.actor()
    from kicau.archive.record_statements import list_network_terms

    rows = list_network_terms(actor)
    shown = [
        (
            r.id,
            r.network,
            r.acquired or "any way",
            r.since,
            _values_text(r.says),
            r.reviewed_by or "not reviewed",
            r.summary,
        )
        for r in rows
    ]
    data = [
        {
            "id": r.id,
            "network": r.network,
            "acquired": r.acquired,
            "since": f"{r.since}",
            "until": f"{r.until}" if r.until else None,
            "says": r.says,
            "summary": r.summary,
            "source": r.source,
            "reviewed_by": r.reviewed_by,
        }
        for r in rows
    ]
    print_result(
        as_json,
        data,
        lambda: print_table(
            (">id", "network", "copies that were", "since", "say", "reviewed by", "summary"),
            shown,
            empty="No terms are known.",
        ),
    )


@rights.command("review")
@click.argument("terms_id", metavar="ID", type=int)
@click.option("--say", "says", multiple=True, metavar="USE=VALUE", help="What they say, where the proposal is wrong.")
@click.option("--note", default="", help="Why.")
@pass_shell
def review(shell: Shell, terms_id: int, says: tuple[str, ...], note: str) -> None:
    """You, the operator, have read a network's terms at their source, and hold that this is what they say."""
    actor = shell.actor()
    from kicau.archive.record_statements import review_terms

    row = review_terms(actor, terms_id, says=_parse_pairs(says) if says else None, note=note)
    click.echo(f"{row.network}, {row.acquired or 'any way'}: {_values_text(row.says)}")


@rights.command("simulate")
@click.option(
    "--say",
    "says",
    multiple=True,
    metavar="USE=VALUE",
    help="Such as train_gen=deny; repeat it for several. Alone, these are the whole of the other rule: a use that is not named is then not spoken of.",
)
@click.option(
    "--terms", "terms_id", type=int, help="As if a network's terms were reviewed: as they stand, or as --say has it."
)
@click.option("--end", "ended", multiple=True, metavar="STATEMENT", help="As if a statement had ended.")
@click.option("--others", multiple=True, metavar="USE=VALUE", help="The whole of another rule for others' words.")
@click.option("--author", default="", help='As if that were said of all of one author: "own" or network:id.')
@click.option("--layer", default="author", show_default=True, help="With which authority it would be said of --author.")
@json_option
@pass_shell
def simulate(
    shell: Shell,
    says: tuple[str, ...],
    terms_id: int | None,
    ended: tuple[str, ...],
    others: tuple[str, ...],
    author: str,
    layer: str,
    as_json: bool,
) -> None:
    """What a change would do, before it is made: another rule for our own words (--say alone) or others' (--others), a network's terms reviewed
    (--terms), something said of an author (--author), a statement's end (--end). Nothing is changed."""
    actor = shell.actor()
    from kicau.archive import policy_preview
    from kicau.rights.statements import NewStatement

    if terms_id is not None and author:
        raise CommandError("Try one change at a time: --terms or --author.", EXIT_USAGE)
    if not says and not others and terms_id is None and not ended:
        raise CommandError(
            "Say what to try: --say USE=VALUE, --others USE=VALUE, --terms ID or --end STATEMENT.", EXIT_USAGE
        )
    said = _parse_pairs(says)
    change = policy_preview.PolicyChange(
        policy=said if says and terms_id is None and not author else None,
        others=_parse_pairs(others) if others else None,
        terms={} if terms_id is None else {terms_id: said},
        added=[NewStatement(layer=layer, party="author", subject="author", key=author, says=said)] if author else (),
        ended=ended,
    )
    found = policy_preview.simulate_change(actor, change)
    data = [
        {
            "use": e.use,
            "before": e.before,
            "after": e.after,
            "entering": e.entering,
            "leaving": e.leaving,
            "why_enter": _reason_counts(e.why_enter),
            "why_leave": _reason_counts(e.why_leave),
            "recipients": [{"name": r.name, "of": r.of, "version": r.version, "items": r.items} for r in e.recipients],
        }
        for e in found
    ]
    shown = [
        (
            e.use,
            e.before,
            e.after,
            e.entering,
            e.leaving,
            ", ".join(f"{r.name} ({r.of} {r.version}: {r.items})" for r in e.recipients),
        )
        for e in found
    ]
    whys = [
        (e.use, way, w.items, w.reason.sentence)
        for e in found
        for way, some in (("enter", e.why_enter), ("leave", e.why_leave))
        for w in some
    ]

    def human() -> None:
        print_table(("use", ">now", ">then", ">enter", ">leave", "past recipients"), shown)
        if whys:
            print_table(("use", "", ">items", "why"), whys)

    print_result(as_json, data, human)


def _reason_counts(some: Sequence[ReasonCount]) -> list[dict[str, Any]]:
    return [{"sentence": w.reason.sentence, "items": w.items} for w in some]


@rights.command("read")
@click.argument("place", metavar="FILE_OR_URL")
@click.option("--keep", is_flag=True, help="Write it down as statements, with each source's address, bytes and time.")
@json_option
@pass_shell
def read(shell: Shell, place: str, keep: bool, as_json: bool) -> None:
    """What a page, a picture or a file declares about its use by machines, and in which vocabulary. Of an address its
    site's robots.txt, tdmrep.json and licences are read too."""
    actor = shell.actor()
    from kicau.archive import declaration_scanner

    if place.startswith(("http://", "https://")):
        found = shell.wait_for(declaration_scanner.scan_address(actor, place))
    else:
        path = Path(place)
        if not path.is_file():
            raise CommandError(f"There is no file {place}.", EXIT_USAGE)
        if path.stat().st_size > declaration_scanner.MAX_FILE_BYTES:
            raise CommandError(f"{place} is larger than {declaration_scanner.MAX_FILE_BYTES // 1_000_000} MB.")
        found = declaration_scanner.scan_file(actor, path.name, path.read_bytes())
    kept = declaration_scanner.record_declarations(actor, found) if keep else []
    rows = [
        (
            one.vocabulary,
            source.where,
            " ".join(filter(None, [one.scope, one.agent])),
            _values_text(one.says),
            ", ".join(f"{k} {v}".strip() for k, v in one.conditions.items()),
            source.uri,
        )
        for source in found.heard
        for one in source.declarations
    ]
    faults = [fault for source in found.heard for fault in source.faults] + list(found.faults)
    data = {
        "of": found.key,
        "at": found.at.isoformat(),
        "says": found.says,
        "faults": faults,
        "kept": [str(row.id) for row in kept],
        "sources": [
            {
                "uri": source.uri,
                "where": source.where,
                "sha256": hashlib.sha256(source.raw).hexdigest(),
                "declarations": [
                    {
                        "vocabulary": one.vocabulary,
                        "about": one.scope,
                        "agent": one.agent,
                        "says": dict(one.says),
                        "conditions": dict(one.conditions),
                        "policy": one.policy,
                        "unknown": dict(one.kept),
                    }
                    for one in source.declarations
                ],
            }
            for source in found.heard
        ],
    }

    def show() -> None:
        print_table(
            ("vocabulary", "where", "about", "says", "conditions", "source"),
            rows,
            empty="Nothing is declared there; that is neither a yes nor a no.",
        )
        for fault in faults:
            click.echo(f"Not read: {fault}", err=True)
        if found.says:
            click.echo(f"Together, the strictest of each: {_values_text(found.says)}")
        if keep:
            click.echo(f"Kept: {len(kept)}" if kept else "Nothing new to keep.")

    print_result(as_json, data, show)


@rights.command("write")
@click.argument("form", metavar="[FORM]", default="")
@click.option(
    "--into",
    type=click.Path(exists=True, dir_okay=False),
    help="With the form iptc: a JPEG, PNG, WebP or MP4 that gets it, its pixels untouched.",
)
@click.option("--out", type=click.Path(dir_okay=False), help="Where the file with it goes.")
@json_option
@pass_shell
def write(shell: Shell, form: str, into: str | None, out: str | None, as_json: bool) -> None:
    """This workspace's rule in a form that machines read: robots, headers, html, rsl, tdmrep, lexicon-ai, iptc, cawg,
    odrl; all of them without FORM."""
    actor = shell.actor()
    from kicau.archive import published_policy

    if into or out:
        _write_into_file(actor.workspace.ai_use, actor.workspace.terms_url, form, into, out)
        return
    found = [published_policy.rule_form(actor, form)] if form else published_policy.rule_forms(actor)

    def show() -> None:
        for one in found:
            if not form:
                click.echo(f"## {one.slug}")
            click.echo(one.text or "Nothing to say: this form has no word for the workspace's rule.", err=not one.text)
            if not form:
                click.echo()

    print_result(as_json, {one.slug: one.text for one in found}, show)


def _write_into_file(says: Mapping[str, str], terms: str, form: str, into: str | None, out: str | None) -> None:
    from io import BytesIO

    from kicau.vocabularies import containers, iptc
    from kicau.vocabularies.markup import MalformedXml

    if form != "iptc" or not into or not out:
        raise CommandError("A file is written with: kicau rights write iptc --into FILE --out FILE.", EXIT_USAGE)
    data = Path(into).read_bytes()
    try:
        packet = iptc.write_packet(says, into=containers.find_metadata(BytesIO(data)).xmp, constraint=terms)
        if not packet:
            raise CommandError("The workspace's rule says nothing of data mining, so there is nothing to write.")
        Path(out).write_bytes(containers.embed_xmp(data, packet))
    except (containers.CannotEmbed, MalformedXml) as exc:
        raise CommandError(f"{into} takes no mark: {exc}.") from None
    click.echo(f"{out}: {iptc.VALUE_PREFIX}{iptc.mining_term(says)}")


def _parse_pairs(given: tuple[str, ...]) -> dict[str, str]:
    if bad := [one for one in given if "=" not in one]:
        raise CommandError(f"{bad[0]!r} is no NAME=VALUE.", EXIT_USAGE)
    return {name.strip(): value.strip() for name, _, value in (one.partition("=") for one in given)}


def _end_text(until: datetime | None, now: datetime, zone: ZoneInfo) -> str:
    if until is None:
        return ""
    return "ended" if until <= now else f"{until.astimezone(zone):%Y-%m-%d %H:%M}"


def _values_text(says: Mapping[str, str]) -> str:
    return ", ".join(f"{use}={value}" for use, value in says.items())
