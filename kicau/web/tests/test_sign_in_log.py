"""Who signed in, who was refused and from where, in the trail and for the operator (issue 18, item 33)."""

from __future__ import annotations

import pytest
from django.urls import reverse

from kicau.rights.models import ActivityEntry
from kicau.web.tests.provider import come_back
from kicau.workspaces import sign_ins

PASSWORD = "hujan-di-bandung-41"


def events() -> list[tuple[str, str, str, str]]:
    rows = ActivityEntry.objects.filter(act__startswith="sign-in.").order_by("id")
    return [(row.act, row.subject, row.detail["how"], row.detail["address"]) for row in rows]


@pytest.fixture
def lines(monkeypatch) -> list[tuple[str, dict[str, object]]]:
    said: list[tuple[str, dict[str, object]]] = []
    for level in ("info", "warning"):
        monkeypatch.setattr(sign_ins.log, level, lambda event, **facts: said.append((event, facts)))
    return said


def test_sign_ins_good_and_bad_are_in_log_and_trail_with_their_address(guest, owner, workspace, lines, settings):
    settings.KICAU_SIGN_IN_RATE = 2
    sign_in, there = reverse("sign-in"), {"REMOTE_ADDR": "203.0.113.9"}
    guest.post(sign_in, {"email": owner.email, "password": "wrong-password-of-sari"}, **there)
    guest.post(sign_in, {"email": "typed-password-in-the-wrong-field", "password": "x"}, **there)
    guest.post(sign_in, {"email": owner.email, "password": PASSWORD}, **there)
    assert events() == [
        ("sign-in.refused", str(owner.id), "password", "203.0.113.9"),
        ("sign-in.refused", "", "password", "203.0.113.9"),
        ("sign-in.ok", str(owner.id), "password", "203.0.113.9"),
    ]
    assert [event for event, _ in lines] == ["sign-in refused", "sign-in refused", "signed in"]
    assert {facts["address"] for _, facts in lines} == {"203.0.113.9"}
    assert "typed-password" not in repr(lines) + repr(list(ActivityEntry.objects.values()))


def test_a_try_too_many_is_in_the_log_and_fills_no_trail(guest, owner, lines, settings):
    settings.KICAU_SIGN_IN_RATE = 1
    for _ in range(4):
        guest.post(reverse("sign-in"), {"email": owner.email, "password": "wrong"})
    assert len(events()) == 1
    assert [event for event, _ in lines][1:] == ["sign-in not tried: too many before"] * 3


def test_every_way_in_says_which_it_was(guest, owner, workspace, provider, settings):
    come_back(guest, provider)
    guest.logout()
    provider.person["email_verified"], provider.person["sub"] = False, "u-9"
    come_back(guest, provider)
    guest.post(reverse("passkey-sign-in-finish"), b"{}", content_type="application/json")
    assert [(act, how) for act, _, how, _ in events()] == [
        ("sign-in.ok", "provider"),
        ("sign-in.refused", "provider"),
        ("sign-in.refused", "passkey"),
    ]


def test_an_operator_reads_what_belongs_to_no_workspace_and_nobody_else_does(page, guest, member, owner, workspace):
    guest.post(reverse("sign-in"), {"email": owner.email, "password": "wrong"}, REMOTE_ADDR="203.0.113.9")
    html = page.get(reverse("instance-activity")).content.decode()
    assert "203.0.113.9" in html
    assert "Kicau rejected an attempt to sign in" in html
    assert "203.0.113.9" not in page.get(reverse("instance-activity"), {"act": "person."}).content.decode()
    assert reverse("instance-activity") in page.get(reverse("activity")).content.decode()
    guest.force_login(member("admin").person)
    assert guest.get(reverse("instance-activity")).status_code == 403
    assert reverse("instance-activity") not in guest.get(reverse("activity")).content.decode()
