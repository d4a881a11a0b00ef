"""E-mails about changes to how somebody signs in. They cannot be turned off: whoever changed it may not be the person."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from kicau.base import clock
from kicau.notifications.models import Email
from kicau.workspaces.models import Person

SECURITY_CHANGE_SUBJECTS: dict[str, Any] = {
    "person.password": _lazy("Your password was changed"),
    "person.two_factor_on": _lazy("An authenticator app was set up for your account"),
    "person.two_factor_off": _lazy("The authenticator app of your account was turned off"),
    "person.recovery_codes": _lazy("New recovery codes were created for your account"),
    "person.recovery_code_used": _lazy("One of your account's recovery codes was used"),
    "person.passkey_added": _lazy("A passkey was added to your account: {name}"),
    "person.passkey_removed": _lazy("A passkey was removed from your account: {name}"),
    "person.identity_added": _lazy("A new way to sign in was connected to your account: {name}"),
    "person.address_proved": _lazy("Your e-mail address was confirmed"),
    "person.session_ended": _lazy("One of your devices was signed out of your account"),
    "person.sessions_ended": _lazy("All your devices except the one in use were signed out of your account"),
    "person.access_ended": _lazy(
        "Your API tokens were revoked, and your devices except the one in use were signed out"
    ),
}


def queue_security_email(person: Person, change: str, name: str) -> None:
    """In the change's own transaction; nothing where there is no mail server, or of what is no change of this kind."""
    if change not in SECURITY_CHANGE_SUBJECTS or not settings.KICAU_SENDS_MAIL:
        return
    with translation.override(person.language), timezone.override(clock.find_zone(person.timezone)):
        what = str(SECURITY_CHANGE_SUBJECTS[change]).format(name=name)
        at = formats.date_format(timezone.localtime(clock.now()), "DATETIME_FORMAT")
        text = _(
            "{what}.\n\nAccount: {email}\nTime: {at}\n\nIf you did this yourself, you do not need to do anything. If not, change your password now. Then sign out your other devices and revoke your API tokens:\n{address}\nIf you cannot sign in, contact the server administrator."
        ).format(what=what, email=person.email, at=at, address=settings.KICAU_PUBLIC_URL + reverse("sign-in-settings"))
        subject = _("Kicau: {what}").format(what=what)
    Email.objects.create(address=person.email, subject=" ".join(subject.split())[:200], text=text, html="")
