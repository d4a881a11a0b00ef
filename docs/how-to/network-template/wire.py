"""What goes over the wire: one part a step, and what happened to a step that broke off."""

from __future__ import annotations

from kicau.networks.newnet.render import POST

from kicau.connector.content import (
    Charge,
    Delivery,
    PendingStep,
    PublishedPost,
    PublishResult,
    wait_until_due,
)
from kicau.connector.errors import Rejected
from kicau.connector.session import Session
from kicau.connector.transport.http import HttpResponse

READ = Charge("read")


async def publish(session: Session, delivery: Delivery) -> PublishResult:
    """One step, and at most one effect that readers can see. Uploads would be steps of their own, before `wait_until_due`."""
    if wait := wait_until_due(delivery, session.now()):
        return wait
    out = _out(delivery)
    reply = await session.http.call(
        "POST",
        _posts(session),
        charge=POST,
        counted=_counted,
        headers=_authorization(session),
        json={"text": delivery.post.parts[len(out)].text, "tag": _tag(delivery, len(out))},
        repeatable=False,  # a lost answer is Uncertain, and the engine asks `find` before anything else
    )
    return _further(session, delivery, [*out, str(reply.json()["id"])])


async def find(session: Session, delivery: Delivery) -> PublishResult | None:
    """None only where it is certain that nothing happened; Uncertain is raised where the network cannot tell."""
    out = _out(delivery)
    tag = _tag(delivery, len(out))
    reply = await session.http.call(
        "GET", _posts(session), charge=READ, headers=_authorization(session), params={"tag": tag}
    )
    found = reply.listed("posts")  # an answer without the list proves nothing
    return _further(session, delivery, [*out, str(found[0]["id"])]) if found else None


async def prove(session: Session) -> None:
    """The cheapest call that needs the channel's own token."""
    await session.http.call("GET", _posts(session), charge=READ, headers=_authorization(session), params={"tag": ""})


async def delete(session: Session, post_id: str) -> None:
    try:
        await session.http.call(
            "DELETE", f"{_posts(session)}/{post_id}", headers=_authorization(session), repeatable=True
        )
    except Rejected as refused:
        if "404" not in refused.detail:  # it is gone already, which is what was wanted
            raise


def _further(session: Session, delivery: Delivery, out: list[str]) -> PublishResult:
    """One more part is out; what is kept between steps is plain JSON."""
    if len(out) < len(delivery.post.parts):
        return PendingStep(progress={"out": [*out]}, note=f"Part {len(out)} of {len(delivery.post.parts)} is out.")
    return PublishedPost(ids=tuple(out), url=f"{_posts(session)}/{out[0]}", at=session.now())


def _out(delivery: Delivery) -> list[str]:
    kept = delivery.progress.get("out", [])
    return [str(one) for one in kept] if isinstance(kept, list) else []


def _tag(delivery: Delivery, part: int) -> str:
    """By what a post is known again: the same at every try. Networks without such a thing are asked by text and time."""
    return f"{delivery.key}-{part}"


def _counted(reply: HttpResponse) -> Charge:
    """The charge of a post that the network has taken, under the post's own id: counted once, whoever finds it."""
    return Charge("post", once=str(reply.json()["id"]))


def _posts(session: Session) -> str:
    return f"{session.app.endpoints['api']}/posts"


def _authorization(session: Session) -> dict[str, str]:
    return {"Authorization": f"Bearer {session.credentials.access_token}"}
