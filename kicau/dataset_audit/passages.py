"""What was found, as people read it: the passage with what stands around it, and the post beside it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kicau.dataset_audit.models import DatasetAudit, FoundCopy, FoundPost
from kicau.dataset_audit.text_decoding import unescape_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyInContext:
    """One copy: what stands in the data set before, in and after it, and the posts that say it (id, text). Of a post that
    was taken back there is no text, and where each of them was, there is none of the data set either."""

    hit: FoundCopy
    before: str
    match: str
    after: str
    posts: Sequence[tuple[str, str]]


def copies_in_context(audit: DatasetAudit, hits: Sequence[FoundCopy]) -> list[CopyInContext]:
    """In the order given; one query."""
    wanted = {post for hit in hits for post in hit.posts}
    texts = dict(FoundPost.objects.filter(audit=audit, item__in=wanted).values_list("item", "text"))
    return [_copy_in_context(hit, texts) for hit in hits]


def _copy_in_context(hit: FoundCopy, texts: Mapping[str, str]) -> CopyInContext:
    raw = base64.b64decode(hit.raw)
    first, last = hit.first_byte - hit.raw_first_byte, hit.last_byte - hit.raw_first_byte
    before, match, after = (unescape_bytes(part, hit.format) for part in (raw[:first], raw[first:last], raw[last:]))
    if hit.format != "text":  # what stands in other records says nothing of this one
        before, after = before.rpartition("\n")[2], after.partition("\n")[0]
    return CopyInContext(
        hit=hit,
        before=before.lstrip("\ufffd"),
        match=match,
        after=after.rstrip("\ufffd"),
        posts=[(post, texts.get(post, "")) for post in hit.posts],
    )
