"""What ends on a known day: versions of networks' APIs, price lists, the certificate that signs pictures.

One list of all of it, for `kicau doctor` and for the warning that operators get beforehand. Whatever else ends by date is
added here. Networks' terms (terms.toml) have no end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext_noop as _

from kicau.base import clock
from kicau.channels.models import NetworkApp
from kicau.connector import registry
from kicau.connector.prices import PriceList, sort_price_lists
from kicau.connector.protocol import expiring_facts
from kicau.costs import pricing
from kicau.media import signing
from kicau.notifications.trouble_watch import DetectedIncident

EXPIRY_WARNING_PERIOD = timedelta(days=60)

API_VERSION_LABEL, RULE_LABEL = _("The API version"), _("The network rule")
PRICE_LIST_LABEL, CERTIFICATE_LABEL = (
    _("The network's price list for API calls"),
    _("The certificate with which Kicau signs media files"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """Something that no longer holds from the day `ends` on (UTC)."""

    what: str  # a translatable name of its kind
    value: str  # which one
    source: str  # the network's name, or who issued it
    ends: date
    is_used: bool = True  # an app of the network is registered here

    def is_near(self, today: date) -> bool:
        return self.ends - today <= EXPIRY_WARNING_PERIOD


def expiries() -> list[Expiry]:
    """Everything that ends on a known day, the soonest first."""
    plans: dict[str, set[str]] = {}
    for slug, plan in NetworkApp.objects.values_list("network", "plan").distinct():
        plans.setdefault(slug, set()).add(plan)
    found = [*_certificate_expiry()]
    for slug, connector in registry.installed_connectors().items():
        used = slug in plans
        for name, fact in expiring_facts(connector).items():
            if fact.ends is not None:
                what = API_VERSION_LABEL if "version" in name else RULE_LABEL
                found.append(
                    Expiry(what=what, value=str(fact.value), source=connector.label, ends=fact.ends, is_used=used)
                )
        for one in _expiring_price_lists(pricing.network_price_lists(slug), plans.get(slug, frozenset())):
            if one.until is not None:
                found.append(
                    Expiry(what=PRICE_LIST_LABEL, value=one.name, source=connector.label, ends=one.until, is_used=used)
                )
    return sorted(found, key=lambda one: one.ends)


def detect_incidents() -> Iterator[DetectedIncident]:
    """What is used here and ends soon, for `kicau.notifications.trouble_watch`."""
    today = clock.now().date()
    for one in expiries():
        if one.is_used and one.is_near(today):
            yield DetectedIncident(
                key=f"dated:{one.source}:{one.what}:{one.value}",
                kind="dated",
                details={"what": one.what, "value": one.value, "source": one.source, "until": one.ends.isoformat()},
            )


def _expiring_price_lists(lists: Iterable[PriceList], named: Collection[str]) -> Iterator[PriceList]:
    """The newest list of each plan that an app names or may be given unasked, where no other follows on its end."""
    today = clock.now().date()
    newest = {one.name: one for one in sort_price_lists(lists) if one.since <= today}
    takes_over = max((one.since for one in newest.values() if one.is_default), default=today)
    for one in newest.values():
        is_taken = one.name in named or (one.is_default and (one.until is None or one.until > takes_over))
        if is_taken and not any(n.name == one.name and one.since < n.since for n in lists):
            yield one


def _certificate_expiry() -> Iterator[Expiry]:
    with suppress(signing.SigningFailed):  # `kicau doctor` says why it cannot sign
        if (by := signing.signing_identity()) is not None:
            yield Expiry(what=CERTIFICATE_LABEL, value=by.name, source="C2PA", ends=by.until.date())
