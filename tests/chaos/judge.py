"""Our record against each sandbox's own list, post by post and part by part.

Knows nothing of Kicau but its rows' names: what was asked comes from the plan, what is public from HTTP answers of the
sandboxes, what we say from SQL.
"""

from __future__ import annotations

import json
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.chaos.plan import Asked

ROWS = """
SELECT d.id::text, d.state, d.hold, d.reason, d.remote_ids, d.url, d.network, d.problems, d.progress, d.broken_at, d.steps, d.tries,
    c.account_id, c.kind, extract(epoch FROM d.published_at - d.due_at) AS late
FROM publishing_delivery d JOIN channels_channel c ON c.id = d.channel_id
"""
STORY = "SELECT at, did, outcome, sentence, worker, detail FROM publishing_attempt WHERE delivery_id = %s ORDER BY id"
BROKE = """
SELECT DISTINCT ON (a.delivery_id) a.detail->'calls'->-1->>'status' AS status
FROM publishing_attempt a JOIN publishing_delivery d ON d.id = a.delivery_id
WHERE d.state = 'unknown' AND (a.outcome IN ('uncertain', 'unknown') OR a.did = 'find')
ORDER BY a.delivery_id, a.id
"""  # the first attempt of each delivery whose answer was lost
ASKS = {"unknown", "failed", "held", "parked"}  # a person has to do something


@dataclass(kw_only=True)
class Verdict:
    """`wrong`: what must not be, by delivery number; -1 for what belongs to none."""

    states: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)  # of a person, by network and kind of channel
    reasons: dict[int, str] = field(
        default_factory=dict
    )  # what they are told, where it is not about an unknown outcome
    wrong: list[tuple[int, str]] = field(default_factory=list)
    late: list[float] = field(default_factory=list)  # seconds
    by_lateness: list[tuple[float, int]] = field(default_factory=list)

    @property
    def slowest(self) -> list[int]:
        return [n for _, n in sorted(self.by_lateness)[-2:]]

    def found(self, kind: str) -> int:
        return len({number for number, what in self.wrong if what.startswith(kind)})


def posts_of(port: int) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_sandbox/posts", timeout=60) as answer:
        found: list[dict[str, Any]] = json.load(answer)
        return found


def rows_of(url: str) -> dict[str, dict[str, Any]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return {row["id"]: row for row in connection.execute(ROWS)}


def judge(
    asked: Sequence[Asked],
    ids: Mapping[int, str],
    rows: Mapping[str, dict[str, Any]],
    public: Mapping[str, Sequence[dict[str, Any]]],
    cannot_tell: frozenset[str],
) -> Verdict:
    """`cannot_tell`: "network/kind of channel" where a lost answer may be asked of a person."""
    verdict = Verdict()
    by_text: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for network, posts in public.items():
        for post in posts:
            by_text[network, post["text"]].append(post)
    for one in asked:
        row = rows.get(ids[one.number])
        if row is None:
            verdict.wrong.append((one.number, "lost: it has no row any more"))
            continue
        shown = [by_text.pop((one.network, text), []) for text in one.texts]
        verdict.states[row["state"]] += 1
        verdict.wrong += [(one.number, what) for what in _compare(one, row, shown, cannot_tell)]
        if row["state"] in ASKS:
            verdict.asked[f"{row['state']} on {row['network']}/{row['kind']}"] += 1
            if row["state"] != "unknown":
                verdict.reasons[one.number] = f"{row['state']} on {row['network']}: {row['reason']}"
        if row["late"] is not None:
            verdict.late.append(float(row["late"]))
            verdict.by_lateness.append((float(row["late"]), one.number))
    for (network, text), posts in by_text.items():
        verdict.wrong.append((-1, f"stray: {len(posts)} posts on {network} that nobody asked for: {text[:60]!r}"))
    return verdict


def _compare(
    one: Asked, row: dict[str, Any], shown: Sequence[Sequence[dict[str, Any]]], cannot_tell: frozenset[str]
) -> list[str]:
    wrong = [f"doubled: part {n + 1} is public {len(posts)} times" for n, posts in enumerate(shown) if len(posts) > 1]
    out = [posts[0] for posts in shown if posts]
    if [bool(posts) for posts in shown] != [True] * len(out) + [False] * (len(shown) - len(out)):
        wrong.append("disordered: a later part of the thread is public without an earlier one")
    match row["state"]:
        case "published":
            wrong += _published(one, row, shown)
        case "unknown" | "failed" | "held" if row["reason"]:
            if row["state"] == "unknown" and f"{row['network']}/{row['kind']}" not in cannot_tell:
                wrong.append("unfounded: a person is asked on a network that can tell")
            if row["state"] == "failed" and len(out) == len(shown):
                wrong.append("unstated: it is called failed, and it is public")
        case "parked":
            wrong.append("unstated: stopped by a fault of ours")
        case "unknown" | "failed" | "held":
            wrong.append(f"unstated: {row['state']} without a reason")
        case other:
            wrong.append(f"lost: still {other} at the end, {len(out)} of {len(shown)} parts public")
    return wrong


def _published(one: Asked, row: dict[str, Any], shown: Sequence[Sequence[dict[str, Any]]]) -> list[str]:
    if not all(shown):
        return [f"lost: called published, but part {n + 1} is not public" for n, posts in enumerate(shown) if not posts]
    out, wrong = [posts[0] for posts in shown], []
    # A reel is known by its video's id, which is in its address, and not by the id of the post that shows it.
    if [post["id"] for post in out] != list(row["remote_ids"]) and out[0]["url"] != row["url"]:
        wrong.append(f"mistaken: recorded as {row['remote_ids']}, public as {[post['id'] for post in out]}")
    if not row["url"].startswith("http"):
        wrong.append("mistaken: no address is recorded")
    if any(post["account"] != row["account_id"] for post in out):
        wrong.append(f"mistaken: public on {[post['account'] for post in out]}, the channel is {row['account_id']}")
    for n, (post, before) in enumerate(zip(out[1:], out, strict=False), start=2):
        if post["in_reply_to"] != before["id"]:
            wrong.append(f"disordered: part {n} answers {post['in_reply_to']!r} instead of {before['id']!r}")
    for n, (post, pictures) in enumerate(zip(out, one.pictures, strict=True)):
        wanted = 1 if one.film and n == 0 else len(pictures)
        if len(post["media"]) != wanted:
            wrong.append(f"mistaken: part {n + 1} shows {len(post['media'])} files instead of {wanted}")
    comments = list((out[0].get("extra") or {}).get("comments") or [])
    if len(comments) > 1 or (comments and comments != [one.comment]):
        wrong.append(f"doubled: its first comment is public {len(comments)} times: {comments}")
    if one.comment and not comments and not row["reason"]:
        wrong.append("lost: its first comment is not public, and nothing is said of it")
    return wrong


def broken_by(url: str) -> Counter[str]:
    """What first made the outcomes that are still unknown so: "step broke off", or the last call's HTTP status, 0 for none."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return Counter(f"HTTP {a['status']}" if a["status"] else "step broke off" for a in connection.execute(BROKE))


def story(url: str, row: Mapping[str, Any], one: Asked, public: Sequence[dict[str, Any]]) -> str:
    """What is known of a delivery, for whoever has to find out what happened."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        attempts = connection.execute(STORY, [row["id"]]).fetchall()
    lines = [
        f"  asked: {one}",
        f"  row:   {json.dumps({k: v for k, v in row.items() if k != 'id'}, default=str, ensure_ascii=False)}",
    ]
    lines += [
        f"  public: {post['id']} at {post['at']} on {post['account']}" for post in public if post["text"] in one.texts
    ]
    for a in attempts:
        calls = ", ".join(
            f"{c['method']} {c['path']} {c['status']} {c['ms']} ms" for c in (a["detail"] or {}).get("calls", [])
        )
        lines.append(f"  {a['at']:%H:%M:%S.%f} {a['did']} {a['outcome']}: {a['sentence']} [{calls}] {a['worker']}")
        if trace := (a["detail"] or {}).get("traceback"):
            lines.append(trace)
    return "\n".join(lines)
