"""What the sandboxes do wrong, drawn from the seed request by request, and counted."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator

from aiohttp import web

from kicau.connector.sandbox.server import DocumentStore, OrderedFault
from tests.chaos.plan import Pace

# A proxy's page with a NUL, and a JSON error with half of a surrogate pair: what no database column takes as it is.
GARBAGE = (
    "\x00\x01\ufffd<html>\x00",
    '{"error": {"message": "\\ud83d oh \\u0000 no", "code": 2}, "message": "\\udc00", "detail": "\\u0000"}',
)


BLOCK = 10  # requests of a storm, among which exactly the share gets a fault

GRAPH = '{"error": {"message": "Unsupported get request", "type": "GraphMethodException", "code": 100, "error_subcode": 33}}'
PAGE = "<!DOCTYPE html><html><h1>Access denied</h1></html>"

# The requests by which each network is asked what became of a post, and how it refuses them in its own form.
LOOK_UPS = {
    "x": (r"^/2/users/\d+/tweets$", '{"title": "Invalid Request", "detail": "Invalid request"}'),
    "facebook": (r"/(feed|comments)$", GRAPH),
    "instagram": (r"/(media|stories|comments)$", GRAPH),
    "threads": (r"/(threads|replies)$", GRAPH),
    "linkedin": (r"^/rest/(posts|socialActions/.*/comments)$", '{"status": 400, "code": "BAD", "message": "No"}'),
    "bluesky": (r"getRecord$", '{"error": "InvalidRequest", "message": "Invalid repo"}'),
    "mastodon": (r"^/api/(v[12]/instance|v1/accounts/\d+/statuses)$", '{"error": "This action is not allowed"}'),
}
REFUSED = 0.25  # of the look-ups, as long as the storm lasts


class RefusedLookUp(OrderedFault):
    """Hits what `LOOK_UPS` names, and a container that is published: only a look-up asks for one."""

    published: Callable[[str], bool]
    note: Callable[[], None]

    def hits(self, request: web.Request) -> bool:
        asks = OrderedFault.hits(self, request) or (
            request.method == "GET" and self.published(request.path.rpartition("/")[2])
        )
        if asks:
            self.note()
        return asks


class Weather(list[OrderedFault]):
    """In the place of a sandbox's list of faults: gives each request that comes a fault of its own, or none."""

    def __init__(
        self, seed: int, network: str, share: float, pace: Pace, held: Callable[[], float], store: DocumentStore
    ) -> None:
        super().__init__()
        self.network, self.store = network, store
        self.dice = random.Random(f"{seed}:{network}")
        self.share, self.pace, self.held = share, pace, held
        self.is_calm = True
        self.requests = 0
        self.in_storm = 0  # of them
        self.faults: Counter[str] = Counter()
        self._faulted: frozenset[int] = frozenset()  # the places in the present ten that get a fault

    def __iter__(self) -> Iterator[OrderedFault]:
        self.requests += 1
        if self.is_calm:
            return
        place = self.in_storm % BLOCK
        if place == 0:  # drawn for ten at a time, so that the share is met however few come
            self._faulted = frozenset(self.dice.sample(range(BLOCK), round(self.share * BLOCK)))
        self.in_storm += 1
        if self.dice.random() < REFUSED:
            yield self.refused()
        if place not in self._faulted:
            return
        name, fault = self._draw()
        self.faults[name] += 1
        yield fault

    def refused(self) -> OrderedFault:
        path, own = LOOK_UPS[self.network]
        fault = RefusedLookUp(
            effect="status",
            method="GET",
            path=path,
            status=self.dice.choice((400, 403, 404)),
            text=self.dice.choice((own, PAGE)),
        )
        fault.published, fault.note = self._is_published, self._count_refused
        return fault

    def _is_published(self, name: str) -> bool:
        container = self.store.get("container", name) or {}
        return bool(container.get("media") or container.get("post"))

    def _count_refused(self) -> None:
        self.faults["refused-look-up"] += 1

    def _draw(self) -> tuple[str, OrderedFault]:
        # Counted from when the request was sent: what the line held back is not late by that as well.
        dice, late = self.dice, max(0.0, self.pace.timeout + self.dice.uniform(0.2, 0.6) - self.held())
        kinds: dict[str, tuple[int, OrderedFault]] = {
            "drop": (14, OrderedFault(effect="drop")),
            "drop-after": (16, OrderedFault(effect="drop-after")),
            "status": (
                12,
                OrderedFault(effect="status", status=dice.choice((500, 502, 503)), text="Service unavailable"),
            ),
            "status-after": (
                14,
                OrderedFault(effect="status-after", status=dice.choice((500, 502, 504)), text="Bad gateway"),
            ),
            "garbage": (
                4,
                OrderedFault(effect=dice.choice(("status", "status-after")), status=502, text=dice.choice(GARBAGE)),
            ),
            "rate-limit": (4, OrderedFault(effect="rate-limit", seconds=float(dice.randint(1, 3)))),
            "rate-limit-silent": (3, OrderedFault(effect="rate-limit")),
            "carried-out-late": (8, OrderedFault(effect="slow", seconds=late)),
            "answered-late": (4, OrderedFault(effect="drop-after", seconds=late)),
            "slow": (6, OrderedFault(effect="slow", seconds=dice.uniform(0.1, 0.5) * min(self.pace.timeout, 4))),
            "malformed": (8, OrderedFault(effect="malformed")),
            "truncate": (8, OrderedFault(effect="truncate")),
            "revoke-token": (2, OrderedFault(effect="revoke-token")),
        }
        name = dice.choices(list(kinds), [weight for weight, _ in kinds.values()])[0]
        return name, kinds[name][1]
