"""The name of who did something, looked up by id, so that it ends with the person."""

from __future__ import annotations

from django.db.models import Case, F, OuterRef, QuerySet, Subquery, TextField, Value, When
from django.db.models.functions import Coalesce

from kicau.rights.models import ActivityEntry
from kicau.workspaces.models import Person

DELETED_PERSON = "(deleted person)"


def with_person_names(rows: QuerySet[ActivityEntry]) -> QuerySet[ActivityEntry]:
    """The same entries with `who`: the person's name of today, DELETED_PERSON, or the entry's own word for no person."""
    name = Subquery(Person.objects.filter(id=OuterRef("actor_id")).values("name")[:1], output_field=TextField())
    return rows.annotate(
        who=Case(
            When(actor_id=None, then=F("actor")),
            default=Coalesce(name, Value(DELETED_PERSON)),
            output_field=TextField(),
        )
    )


def display_name(row: ActivityEntry) -> str:
    """The name of an entry of `with_person_names`."""
    return str(getattr(row, "who", row.actor))
