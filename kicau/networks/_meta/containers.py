"""The flow that Instagram and Threads share: a container for each file and post, its state, and publishing it.

Nobody can see a container and an unused one lapses, so making one twice does no harm; publishing it is the one effect.
Sources: https://developers.facebook.com/docs/instagram-platform/content-publishing and .../docs/threads/posts, as
quoted, looked up 2026-11-26.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from kicau.connector import clock
from kicau.connector.content import (
    JSON,
    AttemptNote,
    Charge,
    Delivery,
    MediaKind,
    PendingStep,
    Problem,
    PublishResult,
    RenderedMedia,
    RenderedPart,
    wait_until_due,
)
from kicau.connector.errors import ConnectorError, RateLimited, Rejected, Uncertain
from kicau.connector.session import Session
from kicau.connector.transport.http import HttpResponse
from kicau.networks._meta.errors import KnownRejection, MediaNotReady, error_object, int_or_zero
from kicau.networks._meta.errors import read_error as read_graph_error
from kicau.networks._meta.graph import GraphClient, parse_time, required_text

MAX_POLL_DELAY_SECONDS = 60  # seconds between two looks; the guide asks for no more than one a minute
QUOTA_RETRY_DELAY = timedelta(hours=1)  # the window rolls, and the refusal names no time
LOOKUP_CLOCK_MARGIN = timedelta(minutes=10)  # asked of a list; what counts is then read by the network's own clock
UNFETCHABLE_CODE = "unfetchable"  # the code of a refusal that may pass: the file is asked for again
FINISHED_STATES = ("FINISHED", "PUBLISHED")


class ContainerFlow(ABC):
    """One network's way through the flow. Where a post stands is in the delivery's progress: `children` and `ready`
    (those of its videos that are prepared), `container`, `finished` and `since` (when it first was), `polls`, `lost`."""

    network: ClassVar[str]
    edge: ClassVar[str]  # where containers are made; they are published at `{edge}_publish`
    state_fields: ClassVar[tuple[str, str]]  # of a container: its state, and what is told of a spoilt one
    tries: ClassVar[int]  # how often a lost upload or container is sent again, each time after twice the wait
    patience: ClassVar[int]  # looks at one container, which lives for 24 hours
    kept: ClassVar[frozenset[str]] = frozenset()  # progress that stays when a post's containers are created again

    # What each network says

    @abstractmethod
    def graph(self, session: Session) -> GraphClient: ...

    @abstractmethod
    def part(self, delivery: Delivery) -> RenderedPart:
        """The part that is next."""

    @abstractmethod
    async def source(self, session: Session, one: RenderedMedia) -> dict[str, str]:
        """Where the network fetches a file from, and its alt text."""

    async def child(self, session: Session, one: RenderedMedia) -> dict[str, str]:
        """The form of one file of several."""
        return await self.source(session, one)

    @abstractmethod
    async def form(self, session: Session, delivery: Delivery, children: list[str]) -> dict[str, str]:
        """The form of the part's own container."""

    @abstractmethod
    def charge(self, delivery: Delivery) -> Charge:
        """What publishing costs."""

    @abstractmethod
    def spoilt(self, state: str, told: str) -> tuple[Rejected, bool]:
        """A container that cannot be used: the refusal, and whether another one may fare better."""

    @abstractmethod
    def out(self, session: Session, delivery: Delivery, post_id: str) -> PendingStep:
        """The part is public."""

    @abstractmethod
    async def find_post(self, session: Session, delivery: Delivery, begun: datetime | None) -> PublishResult:
        """The post that a published container became. Raises Unavailable while it is not listed."""

    # The flow

    async def step(self, session: Session, delivery: Delivery) -> PublishResult:
        """One step: a child, a look at one, the container, a look, or publishing it."""
        done, media = delivery.progress, self.part(delivery).media
        children = progress_list(done, "children")
        if len(media) > 1 and len(children) < len(media):
            return await self._add_child(session, delivery, media, children)
        if waiting := unready_video_child(media, children, progress_list(done, "ready")):
            return await self._await_child(session, delivery, waiting)
        if "container" not in done:
            return await self._add_container(session, delivery, children)
        if not done.get("finished"):
            return await self._await_container(session, delivery)
        return await self._show(session, delivery)

    async def find(self, session: Session, delivery: Delivery) -> PublishResult | None:
        """After a broken step: the container says whether it was published."""
        if not delivery.progress.get("finished"):
            return None  # containers that nobody can see
        state, _ = await self._state(session, str(delivery.progress["container"]))
        if state == "PUBLISHED":
            return await self.find_post(session, delivery, delivery.begun_at)
        if state == "FINISHED":
            return None
        # Not published; what is to be done about it, the next step finds out.
        return continue_later(
            delivery,
            AttemptNote("{network} has received the post and is preparing it for publication.", network=self.network),
            finished=False,
        )

    async def _add_child(
        self, session: Session, delivery: Delivery, media: tuple[RenderedMedia, ...], children: list[str]
    ) -> PendingStep:
        form = {**await self.child(session, media[len(children)]), "is_carousel_item": "true"}
        try:
            made = await self._make(session, form)
        except Rejected as refused:
            return self._fetch_again(delivery, refused)
        held: list[JSON] = [*children, made]
        note = AttemptNote(
            "{network} has received file {n} of the {all} files in this post.",
            network=self.network,
            n=len(held),
            all=len(media),
        )
        return continue_later(delivery, note, children=held)

    async def _add_container(self, session: Session, delivery: Delivery, children: list[str]) -> PublishResult:
        try:
            made = await self._make(session, await self.form(session, delivery, children))
        except MediaNotReady:
            return self._again(delivery)
        except Rejected as refused:
            return self._fetch_again(delivery, refused)
        slow = any(one.media.kind is MediaKind.VIDEO for one in self.part(delivery).media)
        note = AttemptNote(
            "{network} has received the whole post and is preparing it for publication.", network=self.network
        )
        return continue_later(
            delivery, note, timedelta(seconds=2 if slow else 0), container=made, finished=False, polls=0
        )

    async def _make(self, session: Session, form: Mapping[str, str]) -> str:
        answer = await self.graph(session).post(f"{session.account_id}/{self.edge}", form, repeatable=True)
        return required_text(answer, "id")

    async def _await_child(self, session: Session, delivery: Delivery, child: str) -> PublishResult:
        state, told = await self._state(session, child)
        if state not in FINISHED_STATES:
            return self._not_yet(delivery, state, told)
        ready: list[JSON] = [*progress_list(delivery.progress, "ready"), child]
        return continue_later(
            delivery,
            AttemptNote("{network} has prepared one of the videos in this post.", network=self.network),
            ready=ready,
            polls=0,
        )

    async def _await_container(self, session: Session, delivery: Delivery) -> PublishResult:
        state, told = await self._state(session, str(delivery.progress["container"]))
        if state == "FINISHED":
            since = delivery.progress.get("since") or session.now().isoformat()  # it was not published before
            note = AttemptNote("{network} has prepared the post and is ready to publish it.", network=self.network)
            return continue_later(delivery, note, finished=True, since=since)
        if state == "PUBLISHED":
            return await self.find_post(session, delivery, None)
        return self._not_yet(delivery, state, told)

    async def _state(self, session: Session, container: str) -> tuple[str, str]:
        state, told = self.state_fields
        answer = await self.graph(session).get(container, fields=f"{state},{told}")
        return str(answer.get(state, "IN_PROGRESS")), str(answer.get(told) or "")

    async def _show(self, session: Session, delivery: Delivery) -> PublishResult:
        if wait := wait_until_due(delivery, session.now()):
            return wait
        container, path = str(delivery.progress["container"]), f"{session.account_id}/{self.edge}_publish"
        try:
            answer = await self.graph(session).post(path, {"creation_id": container}, charge=self.charge(delivery))
        except MediaNotReady:
            return self._again(delivery)  # and look at its state first
        except Rejected as refused:
            try:
                state, told = await self._state(session, container)
            except ConnectorError as blind:  # it may be refused because it is out already
                raise Uncertain(f"{refused.detail}; and its state is not told: {blind.detail}") from blind
            if state == "PUBLISHED":
                return await self.find_post(session, delivery, None)
            if state == "EXPIRED":
                return self._not_yet(delivery, state, told)
            raise
        return self.out(session, delivery, required_text(answer, "id"))

    # Waiting, and starting again

    def _not_yet(self, delivery: Delivery, state: str, told: str) -> PendingStep:
        """Look again later; start again with an expired container; give up on a spoilt one."""
        if state == "IN_PROGRESS":
            return self._again(delivery)
        refused, lost = self.spoilt(state, told)
        if state == "EXPIRED" or lost:
            return self._anew(delivery, refused)
        raise refused

    def _again(self, delivery: Delivery) -> PendingStep:
        polls = int_or_zero(delivery.progress.get("polls", 0))
        if polls >= self.patience:
            message = "{network} has been preparing a file of this post for many hours without finishing. Retry the post, or use another file."
            raise Rejected(
                Problem(code="never-ready", message=message, params={"network": self.network}, field="parts.0.media")
            )
        wait = timedelta(seconds=min(MAX_POLL_DELAY_SECONDS, 2 ** min(polls, 10)))
        note = AttemptNote("{network} has received the post and is preparing it for publication.", network=self.network)
        return continue_later(delivery, note, wait, polls=polls + 1, finished=False)

    def _fetch_again(self, delivery: Delivery, refused: Rejected) -> PendingStep:
        """A file that is there fails to be fetched now and then: ask a few times before giving it back."""
        lost = int_or_zero(delivery.progress.get("lost", 0))
        if lost >= self.tries or all(problem.code != UNFETCHABLE_CODE for problem in refused.problems):
            raise refused
        note = AttemptNote(
            "{network} could not download a file of this post from the Kicau server. Kicau will try again, so you do not need to do anything.",
            network=self.network,
        )
        return continue_later(delivery, note, timedelta(seconds=10 * 2**lost), lost=lost + 1)

    def _anew(self, delivery: Delivery, refused: Rejected) -> PendingStep:
        """Make this part's containers again: nothing of them can be seen, and none is of use any more."""
        lost = int_or_zero(delivery.progress.get("lost", 0))
        if lost >= self.tries:
            raise refused
        kept = {name: value for name, value in delivery.progress.items() if name in self.kept}
        note = AttemptNote(
            "{network} lost an uploaded file of this post. Kicau is uploading the file again, so you do not need to do anything.",
            network=self.network,
        )
        return PendingStep(progress={**kept, "lost": lost + 1}, after=timedelta(seconds=10 * 2**lost), note=note)


def continue_later(
    delivery: Delivery, note: AttemptNote, after: timedelta = timedelta(0), **progress: JSON
) -> PendingStep:
    """What was kept stays, and `progress` is added to it."""
    return PendingStep(progress={**delivery.progress, **progress}, after=after, note=note)


def progress_list(done: Mapping[str, JSON], name: str) -> list[str]:
    """A list in a delivery's progress; [] where there is none yet."""
    found = done.get(name, [])
    return [str(one) for one in found] if isinstance(found, list) else []


def unready_video_child(media: tuple[RenderedMedia, ...], children: list[str], ready: list[str]) -> str:
    """A video of a carousel that is not known to be prepared; "" where there is none."""
    videos = (c for c, one in zip(children, media, strict=False) if one.media.kind is MediaKind.VIDEO)
    return next((child for child in videos if child not in ready), "")


async def quota_frees_at(session: Session, graph: GraphClient, edge: str) -> int:
    """When a full quota has room again (epoch seconds): as the oldest post of the last day leaves the window."""
    now = session.now()
    since = str(int((now - timedelta(days=1)).timestamp()))
    answer = await graph.get(f"{session.account_id}/{edge}", fields="timestamp", since=since, limit="100")
    times = sorted(at for one in answer.get("data", []) if (at := parse_time(one.get("timestamp"))))
    free = times[0] + timedelta(days=1) if times else now + QUOTA_RETRY_DELAY
    return int(max(free, now).timestamp())


def read_error(
    reply: HttpResponse,
    network: str,
    *,
    quota: frozenset[int],
    not_ready: frozenset[int],
    known: Mapping[int, KnownRejection],
) -> ConnectorError | None:
    """Graph's error object, or the own form of these networks' sign-in, in the six errors; None where there is neither."""
    error = error_object(reply)
    sub, detail = int_or_zero(error.get("error_subcode")), str(error.get("message", ""))
    if sub in quota or int_or_zero(error.get("code")) == 9:
        return RateLimited(clock.now() + QUOTA_RETRY_DELAY, detail=detail)
    if sub in not_ready:
        return MediaNotReady(detail)
    said = reply.peek()
    if "error_message" not in said:
        return read_graph_error(reply, network, known)
    message = "Kicau could not complete your sign-in to {network}: {said}. Connect the channel again."
    params = {"network": network, "said": str(said["error_message"]).rstrip(".")}
    return Rejected(Problem(code="sign-in-declined", message=message, params=params), detail=reply.text[:300])
