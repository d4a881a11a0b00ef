"""The comment that an author leaves under their own post, once that is out."""

from __future__ import annotations

from kicau.connector.content import Problem
from kicau.connector.errors import AuthExpired, Rejected
from kicau.networks._meta.errors import rejection_reason
from kicau.networks._meta.graph import GraphClient, required_text


async def leave_comment(graph: GraphClient, post: str, text: str, network: str) -> tuple[str, Problem | None]:
    """The comment's id, or the warning to show beside the published post.

    Raises AuthExpired where the token itself is dead: the comment then waits for the channel to be connected again.
    """
    try:
        answer = await graph.post(f"{post}/comments", {"message": text})
    except Rejected as refused:
        message = "The post was published on {network}, but {network} rejected the first comment. Message from the network: {said}"
        return "", _comment_warning(message, network, said=rejection_reason(refused))
    except AuthExpired as refused:
        if not refused.missing:
            raise
        message = "The post was published on {network}, but Kicau has no permission to add the first comment ({said}). Connect the channel again and allow all permissions."
        return "", _comment_warning(message, network, said=refused.detail.rstrip("."))
    return required_text(answer, "id"), None


def _comment_warning(message: str, network: str, **params: str) -> Problem:
    return Problem(
        code="comment-refused", message=message, params={"network": network, **params}, field="first_comment"
    )
