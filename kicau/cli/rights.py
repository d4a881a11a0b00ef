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
    """Show and set what archive items may be used for: statements, networks' terms, and the resulting permissions."""


says_option = click.option(
    "--value",
    "says",
    multiple=True,
    metavar="USE=VALUE",
    required=True,
    help="Permission for a use, for example train_gen=deny. Repeat for several.",
)


@rights.command("rule")
@click.option(
    "--own", multiple=True, metavar="USE=VALUE", help="Rule for this workspace's own content. USE=none removes a use."
)
@click.option(
    "--others",
    multiple=True,
    metavar="USE=VALUE",
    help="Rule for content by others without a statement. Training, imitating and passing on can only be denied.",
)
@json_option
@pass_shell
def rule(shell: Shell, own: tuple[str, ...], others: tuple[str, ...], as_json: bool) -> None:
    """Show or set this workspace's two rules: for its own content and for content by others."""
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


@rights.command("add")
@says_option
@click.option(
    "--layer",
    default="author",
    show_default=True,
    help="Authority of the statement: withdrawal (can only deny), grant, contract, author, licence, site or default.",
)
@click.option(
    "--party", default="author", show_default=True, help="Who makes the statement: author, network, site or workspace."
)
@click.option("--name", "party_name", default="", help="Name of the person or organization that makes the statement.")
@click.option("--item", default="", help="The statement is about this item.")
@click.option("--author", default="", help='The statement is about everything by this author: "own" or network:id.')
@click.option("--on-network", default="", help="The statement is about everything on this network.")
@click.option("--site", default="", help="The statement is about everything under this address.")
@click.option("--licence", default="", help="The statement is about everything under this SPDX licence.")
@click.option(
    "--condition",
    "conditions",
    multiple=True,
    metavar="NAME=DETAIL",
    help="Condition of the permission: attribution, payment, non-commercial, share-alike, consent or geography.",
)
@click.option("--source", default="", help="Address or document where the statement can be read.")
@click.option(
    "--acquired",
    default="",
    help="Only for copies that Kicau got in this way: composed, imported, fetched, received or generated.",
)
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Last day of the statement's validity (inclusive), in the workspace's time zone.",
)
@click.option("--note", default="", help="Reason.")
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
    """Record a statement about what content may be used for. Without --item, --author, --on-network, --site or --licence, it is about everything."""
    actor = shell.actor()
    from kicau.archive.item_queries import get_item
    from kicau.archive.record_statements import add_statements as keep
    from kicau.rights.statements import NewStatement, end_of_day

    keys = {"author": author, "network": on_network, "site": site, "licence": licence}
    about = [(subject, key) for subject, key in keys.items() if key]
    if len(about) + bool(item) > 1:
        raise CommandError(
            "A statement can be about only one thing. Choose one of --item, --author, --on-network, --site and --licence.",
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
    print_result(as_json, {"id": str(row.id), "says": row.says}, lambda: click.echo(f"Recorded: {row.id}"))


@rights.command("end")
@click.argument("statement_id", metavar="STATEMENT")
@pass_shell
def end(shell: Shell, statement_id: str) -> None:
    """End a statement now."""
    actor = shell.actor()
    from kicau.archive.record_statements import end_statement

    end_statement(actor, statement_id)
    click.echo("Ended.")


@rights.command("list")
@json_option
@pass_shell
def list_(shell: Shell, as_json: bool) -> None:
    """List statements that are about more than one item."""
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
            ("id", "layer", "who", "about", "says", "only copies", "ends"), shown, empty="There are no statements yet."
        ),
    )


@rights.command("terms")
@json_option
@pass_shell
def terms(shell: Shell, as_json: bool) -> None:
    """List the networks' terms with their dates."""
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
            empty="There are no terms yet.",
        ),
    )


@rights.command("review")
@click.argument("terms_id", metavar="ID", type=int)
@click.option(
    "--value",
    "says",
    multiple=True,
    metavar="USE=VALUE",
    help="Correct a value of the proposal, for example train_gen=deny.",
)
@click.option("--note", default="", help="Reason.")
@pass_shell
def review(shell: Shell, terms_id: int, says: tuple[str, ...], note: str) -> None:
    """Confirm, as operator, that you have read a network's terms and that they are recorded correctly."""
    actor = shell.actor()
    from kicau.archive.record_statements import review_terms

    row = review_terms(actor, terms_id, says=_parse_pairs(says) if says else None, note=note)
    click.echo(f"{row.network}, {row.acquired or 'any way'}: {_values_text(row.says)}")


@rights.command("simulate")
@click.option(
    "--value",
    "says",
    multiple=True,
    metavar="USE=VALUE",
    help="Permission for a use, for example train_gen=deny. Repeat for several. Alone, these replace the whole rule for own content.",
)
@click.option(
    "--terms",
    "terms_id",
    type=int,
    help="Simulate that you confirm these terms of a network, as proposed or as corrected with --value.",
)
@click.option("--end", "ended", multiple=True, metavar="STATEMENT", help="Simulate that this statement ends.")
@click.option(
    "--others",
    multiple=True,
    metavar="USE=VALUE",
    help="Simulate this rule for content by others. It replaces the whole rule.",
)
@click.option(
    "--author", default="", help='Simulate that --say is about everything by this author: "own" or network:id.'
)
@click.option(
    "--layer", default="author", show_default=True, help="Authority of the simulated statement about --author."
)
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
    """Show what a change would do, without making it. Simulate another rule for own content (--say) or for content by
    others (--others), reviewed terms (--terms), a statement about an author (--author), or the end of a statement
    (--end)."""
    actor = shell.actor()
    from kicau.archive import policy_preview
    from kicau.rights.statements import NewStatement

    if terms_id is not None and author:
        raise CommandError("Simulate one change at a time: --terms or --author.", EXIT_USAGE)
    if not says and not others and terms_id is None and not ended:
        raise CommandError(
            "Choose what to simulate: --say USE=VALUE, --others USE=VALUE, --terms ID or --end STATEMENT.", EXIT_USAGE
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
@click.option(
    "--save", "keep", is_flag=True, help="Save the result as statements, with each source's address, bytes and time."
)
@json_option
@pass_shell
def read(shell: Shell, place: str, keep: bool, as_json: bool) -> None:
    """Show what a page, image or file declares about its use by AI and other machines, and in which vocabulary. For an
    address, Kicau also reads the site's robots.txt, tdmrep.json and licences."""
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
            empty="Nothing is declared there, so the use is neither allowed nor denied.",
        )
        for fault in faults:
            click.echo(f"Kicau could not read: {fault}", err=True)
        if found.says:
            click.echo(f"Combined result (the strictest for each use): {_values_text(found.says)}")
        if keep:
            click.echo(f"Recorded statements: {len(kept)}" if kept else "There is nothing new to record.")

    print_result(as_json, data, show)


@rights.command("write")
@click.argument("form", metavar="[FORM]", default="")
@click.option(
    "--into",
    type=click.Path(exists=True, dir_okay=False),
    help="With the form iptc: the JPEG, PNG, WebP or MP4 file to mark. Its pixels do not change.",
)
@click.option("--out", type=click.Path(dir_okay=False), help="Path of the marked copy.")
@json_option
@pass_shell
def write(shell: Shell, form: str, into: str | None, out: str | None, as_json: bool) -> None:
    """Print this workspace's rule in a machine-readable form: robots, headers, html, rsl, tdmrep, lexicon-ai, iptc, cawg
    or odrl. Without FORM, prints all of them."""
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
            click.echo(one.text or "This form cannot express the workspace's rule.", err=not one.text)
            if not form:
                click.echo()

    print_result(as_json, {one.slug: one.text for one in found}, show)


def _write_into_file(says: Mapping[str, str], terms: str, form: str, into: str | None, out: str | None) -> None:
    from io import BytesIO

    from kicau.vocabularies import containers, iptc
    from kicau.vocabularies.markup import MalformedXml

    if form != "iptc" or not into or not out:
        raise CommandError("To mark a file, run: kicau rights write iptc --into FILE --out FILE.", EXIT_USAGE)
    data = Path(into).read_bytes()
    try:
        packet = iptc.write_packet(says, into=containers.find_metadata(BytesIO(data)).xmp, constraint=terms)
        if not packet:
            raise CommandError("The workspace's rule does not mention data mining, so there is nothing to write.")
        Path(out).write_bytes(containers.embed_xmp(data, packet))
    except (containers.CannotEmbed, MalformedXml) as exc:
        raise CommandError(f"{into} cannot be marked: {exc}.") from None
    click.echo(f"{out}: {iptc.VALUE_PREFIX}{iptc.mining_term(says)}")


def _parse_pairs(given: tuple[str, ...]) -> dict[str, str]:
    if bad := [one for one in given if "=" not in one]:
        raise CommandError(f"{bad[0]!r} does not have the form NAME=VALUE.", EXIT_USAGE)
    return {name.strip(): value.strip() for name, _, value in (one.partition("=") for one in given)}


def _end_text(until: datetime | None, now: datetime, zone: ZoneInfo) -> str:
    if until is None:
        return ""
    return "ended" if until <= now else f"{until.astimezone(zone):%Y-%m-%d %H:%M}"


def _values_text(says: Mapping[str, str]) -> str:
    return ", ".join(f"{use}={value}" for use, value in says.items())
