"""What people do with training sets: define, make, hand out, and learn who still has what was taken back."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from kicau.archive.deciding import checked_use
from kicau.archive.search import Query
from kicau.base import clock
from kicau.base.errors import Conflict, NotFound, unacceptable
from kicau.base.ids import as_uuid
from kicau.datasets.models import Format, Recipient, TrainingSet, Version, VersionState
from kicau.datasets.options import LABELS, SPLITS, Options
from kicau.datasets.versions import folder_of, next_version
from kicau.rights.models import CONDITIONS
from kicau.workspaces.actors import Actor, Permission

TIMES = ("since", "until")
QUERY = ("words", "networks", "authors", "kinds", "acquired", "own", "since", "until", "language", "with_media")


def define(actor: Actor, *, name: str, purpose: str = "", use: str = "train_gen", format: str = Format.TEXT, query: Mapping[str, Any] | None = None, meets: Sequence[str] = (), options: Mapping[str, Any] | None = None) -> TrainingSet:  # fmt: skip
    """A new set; nothing is made yet. Raises Unacceptable, Conflict."""
    actor.require(Permission.SETTINGS)
    checked_use(use)
    if not name.strip():
        raise unacceptable("name", "A training set needs a name.")
    if format not in Format.values:
        raise unacceptable("format", "A format is one of {formats}, not {format!r}.", formats=", ".join(Format.values), format=format)  # fmt: skip
    for condition in meets:
        if condition not in CONDITIONS:
            raise unacceptable("meets", "There is no condition {condition!r}; the conditions are: {conditions}.", condition=condition, conditions=", ".join(CONDITIONS))  # fmt: skip
    if TrainingSet.objects.filter(workspace=actor.workspace, name=name.strip()).exists():
        raise Conflict(f"There is a training set of the name {name.strip()!r} already.")
    query_of(query or {})
    made = TrainingSet.objects.create(
        workspace=actor.workspace, name=name.strip()[:120], purpose=purpose.strip(), use=use, format=format, query=dict(query or {}),
        meets=sorted(set(meets)), options=_checked_options(options or {}), made_by=actor.person,
    )  # fmt: skip
    actor.record("dataset.defined", made.id, name=made.name, use=use)
    return made


def query_of(told: Mapping[str, Any]) -> Query:
    """A stored query as the archive asks it: names as in QUERY, times in ISO 8601. Raises Unacceptable."""
    unknown = set(told) - set(QUERY)
    if unknown:
        raise unacceptable("query", "A query knows {known}, not {name}.", known=", ".join(QUERY), name=", ".join(sorted(unknown)))  # fmt: skip
    values = dict(told)
    for name in TIMES:
        if values.get(name):
            try:
                values[name] = datetime.fromisoformat(str(values[name]))
            except ValueError as wrong:
                raise unacceptable(f"query.{name}", "{said!r} is no time in ISO 8601.", said=str(told[name])) from wrong
            if values[name].tzinfo is None:
                raise unacceptable(f"query.{name}", "{said!r} lacks its time zone.", said=str(told[name]))
    return Query(**{name: value for name, value in values.items() if value not in (None, "", [])})


def _checked_options(told: Mapping[str, Any]) -> dict[str, Any]:
    known = asdict(Options())
    if unknown := set(told) - set(known):
        raise unacceptable("options", "An option is one of {known}, not {name}.", known=", ".join(known), name=", ".join(sorted(unknown)))  # fmt: skip
    if bad := set(told.get("personal", ())) - set(LABELS):
        raise unacceptable("options.personal", "Personal data is one of {known}, not {name}.", known=", ".join(LABELS), name=", ".join(sorted(bad)))  # fmt: skip
    shares = told.get("shares", Options().shares)
    if len(shares) != len(SPLITS) or any(s < 0 for s in shares) or abs(sum(shares) - 1) > 1e-6:
        raise unacceptable("options.shares", "The shares are three, for {splits}, and together 1.", splits=", ".join(SPLITS))  # fmt: skip
    fields = {name for _, name, _, _ in string.Formatter().parse(str(told.get("prompt", ""))) if name is not None}
    if fields - {"network", "language"}:
        raise unacceptable("options.prompt", "A prompt knows {{network}} and {{language}}, nothing else.")
    return dict(told)


def all_sets(actor: Actor) -> QuerySet[TrainingSet]:
    """Newest first."""
    actor.require(Permission.READ)
    return TrainingSet.objects.filter(workspace=actor.workspace)


def one_set(actor: Actor, set_id: UUID | str) -> TrainingSet:
    """By id or name. Raises NotFound."""
    found = all_sets(actor).filter(id=as_uuid(set_id)).first() or all_sets(actor).filter(name=str(set_id)).first()
    if found is None:
        raise NotFound("training set", set_id)
    return found


def one_version(actor: Actor, set_id: UUID | str, number: int | None = None) -> Version:
    """The newest where no number is given. Raises NotFound."""
    versions = one_set(actor, set_id).versions.all()
    found = versions.filter(number=number).first() if number else versions.first()
    if found is None:
        raise NotFound("version", number or "newest")
    return found


def order(actor: Actor, set_id: UUID | str, *, as_of: datetime | None = None) -> Version:
    """A new version, to be made by the next worker that has time (`make_waiting`)."""
    actor.require(Permission.SETTINGS)
    version = next_version(one_set(actor, set_id), as_of or clock.now())
    actor.record("dataset.ordered", version.id, number=version.number)
    return version


def file_of(actor: Actor, version: Version, name: str) -> Path:
    """A file of a version that may be handed out. Raises Conflict where something in it was taken back, NotFound."""
    actor.require(Permission.SETTINGS)
    if version.state == VersionState.SUPERSEDED:
        raise Conflict(f"Something in version {version.number} was taken back; version {version.number + 1} is without it.")  # fmt: skip
    if version.state != VersionState.READY or name not in version.files:
        raise NotFound("file", name)
    return folder_of(version) / name


def give(actor: Actor, version: Version, *, name: str, contact: str = "") -> Recipient:
    """Notes who was given a version, so that they are told when something in it is taken back."""
    actor.require(Permission.SETTINGS)
    if version.state != VersionState.READY:
        raise Conflict("Only a version that is ready can be given to somebody.")
    if not name.strip():
        raise unacceptable("name", "Whom is it given to? A name is needed.")
    made = Recipient.objects.create(version=version, name=name.strip()[:200], contact=contact.strip()[:300])
    actor.record("dataset.given", version.id, to=made.name)
    return made


def acknowledge(actor: Actor, recipient_id: UUID | str) -> Recipient:
    """They say that they use what was taken back no more. Raises NotFound."""
    actor.require(Permission.SETTINGS)
    found = Recipient.objects.filter(version__set__workspace=actor.workspace, id=as_uuid(recipient_id)).first()
    if found is None:
        raise NotFound("recipient", recipient_id)
    found.acknowledged_at = clock.now()
    found.save(update_fields=["acknowledged_at"])
    actor.record("dataset.acknowledged", found.id, to=found.name, version=found.owes)
    return found
