"""The comment that an author leaves under their own post, once that is out."""

from __future__ import annotations

from kicau.connector.content import Problem
from kicau.connector.errors import AuthExpired, ConnectorError, Rejected
from kicau.networks._meta.errors import rejection_sentence
from kicau.networks._meta.graph import GraphClient, required_text


async def leave_comment(graph: GraphClient, post: str, text: str, network: str) -> tuple[str, Problem | None]:
    """The comment's id, or what to say of it beside a post that is out all the same.

    Raises AuthExpired where the token itself is dead: the comment then waits for the channel to be connected again.
    """
    try:
        answer = await graph.post(f"{post}/comments", {"message": text})
    except Rejected as refused:
        return "", _comment_refused_warning(network, refused)
    except AuthExpired as refused:
        if not refused.missing:
            raise
        return "", _comment_refused_warning(network, refused)
    return required_text(answer, "id"), None


def _comment_refused_warning(network: str, refused: ConnectorError) -> Problem:
    message = "The post was published on {network}, but the network rejected its first comment: {said}"
    params = {"network": network, "said": rejection_sentence(refused)}
    return Problem(code="comment-refused", message=message, params=params, field="first_comment")
