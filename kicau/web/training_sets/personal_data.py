"""Personal data that was found in a training set: replace it or keep it."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from kicau.training_sets import actions, review
from kicau.training_sets.models import TrainingSet
from kicau.training_sets.options import REPLACEMENT_LABELS
from kicau.web.core.views import MemberRequest, member_page, run_action
from kicau.web.training_sets import labels as w

PIECES_PER_PAGE = 30  # pieces of personal data on a page


@member_page
@require_http_methods(["GET", "HEAD", "POST"])
def personal_data(request: MemberRequest, set_id: str) -> HttpResponse:
    """Each piece that rules take for personal data, in its surroundings: a person says whether it is."""
    of = actions.get_set(request.actor, set_id)
    kind, state = request.GET.get("kind", ""), request.GET.get("state", "open")
    kind, state = (
        kind if kind in REPLACEMENT_LABELS else "",
        state if state in ("open", "replaced", "kept", "all") else "open",
    )
    if request.method == "POST":
        _save_verdicts(request, of, kind)
        return redirect(request.get_full_path())
    rows = review.list_matches(request.actor, of, kind=kind, state="" if state == "all" else state)
    after = int(request.GET["after"]) if request.GET.get("after", "").isdecimal() else 0
    listed = list(rows.filter(id__gt=after)[: PIECES_PER_PAGE + 1])
    counts = review.count_by_kind(request.actor, of)
    shown = {
        "of": of,
        "pieces": [(w.PERSONAL_DATA_LABELS[p.found.kind], p) for p in review.with_context(listed[:PIECES_PER_PAGE])],
        "kind": kind,
        "state": state,
        "kinds": [(key, w.PERSONAL_DATA_LABELS[key], row) for key, row in counts.items()],
        "open": sum(row["open"] for row in counts.values()),
        "following": listed[PIECES_PER_PAGE - 1].id if len(listed) > PIECES_PER_PAGE else None,
        "word": w.PERSONAL_DATA_LABELS.get(kind),
    }
    return render(request, "training_sets/personal_data.html", shown)


def _save_verdicts(request: MemberRequest, of: TrainingSet, kind: str) -> None:
    rest = request.POST.get("rest", "")
    if rest in ("replace", "keep"):
        run_action(
            request,
            lambda: review.save_verdict_for_rest(request.actor, of, kind, rest == "keep"),
            _("Your changes to the training set were saved. They apply to the next version of this training set."),
        )
        return
    verdicts = {
        int(name[1:]): value == "keep"
        for name, value in request.POST.items()
        if name[:1] == "p" and name[1:].isdecimal() and value in ("keep", "replace")
    }
    if verdicts:
        done = ngettext(
            "You reviewed %(n)s text passage with possible personal data. Your decision applies to the next version of this training set.",
            "You reviewed %(n)s text passages with possible personal data. Your decisions apply to the next version of this training set.",
            len(verdicts),
        )
        run_action(request, lambda: review.save_verdicts(request.actor, of, verdicts), done % {"n": len(verdicts)})
