"""Data that does not lie on this machine: a bucket that speaks S3, and shards by their addresses, on loopback."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from kicau.dataset_audit import evidence_wording
from kicau.dataset_audit.matching import pipeline, shards
from kicau.dataset_audit.matching.shards import NoSuchShards, find_shards
from kicau.dataset_audit.tests.test_search import POSTS, found_in, in_this_process, write


class Bucket(BaseHTTPRequestHandler):
    """As much of S3 as reading needs: a listing (ListObjectsV2), HEAD, and GET of a range; also plain HTTP."""

    folder: Path

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        if "list-type" in asked:
            return self.listing(asked.get("prefix", ""), asked.get("delimiter", ""))
        if to := getattr(self, "redirects", {}).get(parts.path):
            return self.send(302, b"", {"Location": to})
        path = self.folder / unquote(parts.path).removeprefix("/bucket").lstrip("/")
        if not path.is_file():
            return self.send(404, b"")
        data = path.read_bytes()
        wanted = self.headers.get("Range", "")
        if not wanted:
            return self.send(200, data)
        first, last = wanted.removeprefix("bytes=").split("-")
        piece = data[int(first) : int(last) + 1 if last else None]
        return self.send(206, piece, {"Content-Range": f"bytes {first}-{int(first) + len(piece) - 1}/{len(data)}"})

    do_HEAD = do_GET

    def listing(self, prefix: str, delimiter: str) -> None:
        names = [p.relative_to(self.folder).as_posix() for p in sorted(self.folder.rglob("*")) if p.is_file()]
        rows = "".join(
            f"<Contents><Key>{n}</Key><LastModified>2026-11-01T00:00:00.000Z</LastModified><Size>{(self.folder / n).stat().st_size}</Size></Contents>"
            for n in names
            if n.startswith(prefix)
        )
        told = f'<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><Prefix>{prefix}</Prefix><KeyCount>{rows.count("<Key>")}</KeyCount><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>'
        self.send(200, told.encode(), {"Content-Type": "application/xml"})

    def send(self, status: int, body: bytes, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Length": str(len(body)),
            "Accept-Ranges": "bytes",
            "ETag": '"1"',
            "Last-Modified": "Sun, 01 Nov 2026 00:00:00 GMT",
            **(more or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def served(tmp_path, monkeypatch) -> Iterator[str]:
    data = tmp_path / "bucket" / "data"
    data.mkdir(parents=True)
    for kind in ("jsonl", "jsonl.gz", "parquet"):
        write(kind, data / f"a.{kind}")
    (data / "picture.png").write_bytes(b"nothing to read")
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Bucket,), {"folder": tmp_path / "bucket"}))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    for name, value in {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_REGION": "id-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "KICAU_INTERNAL_HOSTS": f"127.0.0.1:{server.server_port}",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(pipeline, "_search_in_processes", in_this_process)
    shards._http_filesystem.cache_clear()  # lists of hosts are another test's
    yield url
    server.shutdown()
    server.server_close()


def test_a_bucket_and_a_list_of_addresses_are_searched(served, tmp_path):
    found, skipped = find_shards("s3://bucket/data")
    assert [s.name for s in found] == [f"s3://bucket/data/a.{kind}" for kind in ("jsonl", "jsonl.gz", "parquet")]
    assert skipped == ["s3://bucket/data/picture.png"]
    assert {
        post: len(copies) for post, copies in found_in("s3://bucket/data", tmp_path / "one").items()
    } == dict.fromkeys(POSTS, 3)
    listed = tmp_path / "list.txt"
    listed.write_text(
        f"{served}/data/a.jsonl\n{served}/data/a.jsonl.gz\n{served}/data/a.parquet\n{served}/data/none.jsonl\ns3://bucket/data/a.jsonl\n"
    )
    _, skipped = find_shards(f"@{listed}")
    assert not skipped
    outcome = pipeline.run_search(POSTS.items(), f"@{listed}", tmp_path / "told", processes=1)
    assert outcome.failed == {f"{served}/data/none.jsonl": f"{served}/data/none.jsonl: {evidence_wording.LOST_FAULT}"}
    assert sum(len(f.copies) for f in outcome.found) >= 4 * len(POSTS), "the others are searched"
    assert {post: len(copies) for post, copies in found_in(f"@{listed}", tmp_path / "two").items()} == dict.fromkeys(
        POSTS, 4
    )
    with pytest.raises(NoSuchShards):
        find_shards(f"{served}/data/none.jsonl")
    listed.write_text(f"{served}/data/none.jsonl\n")
    with pytest.raises(NoSuchShards, match="Nothing that the list"):
        find_shards(f"@{listed}")


@pytest.fixture
def inside() -> Iterator[tuple[int, list[str]]]:
    """A server inside the operator's network, and what it was asked."""
    asked: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_PUT = do_POST = do_GET

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server.server_port, asked
    server.shutdown()
    server.server_close()


def read_all(where: str) -> None:
    """As an audit reads what is at an address, whatever comes of it."""
    with contextlib.suppress(NoSuchShards, shards.BrokenShard):
        for shard in find_shards(where)[0]:
            for unit in shards.shard_units(shard):
                for _ in shards.read_blocks(unit):
                    pass


def test_no_address_chooses_which_server_is_asked(served, inside, tmp_path):
    port, asked = inside
    way = f"endpoint_override=127.0.0.1:{port}&scheme=http&region=id-1"
    listed = tmp_path / "list.txt"
    listed.write_text(f"s3://bucket/data/a.jsonl\ns3://bucket/data/b.jsonl?{way}\nhdfs://127.0.0.1:{port}/a.jsonl\n")
    for where in (f"s3://bucket/data?{way}", f"s3://x:y@127.0.0.1:{port}/data", f"@{listed}"):
        read_all(where)
    for name in (f"s3://bucket/data/a.jsonl?{way}&x=.jsonl", f"s3://127.0.0.1:{port}/a.jsonl"):
        with pytest.raises((shards.BrokenShard, NoSuchShards)):  # a bucket may hold files of any name
            list(shards.read_blocks(shards.ShardUnit(shards.Shard(name, 10, "json"))))
    assert asked == []


def test_the_operators_own_entry_says_which_server_is_asked(served, inside, monkeypatch):
    port, asked = inside
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION"):
        monkeypatch.delenv(name)
    here = served.removeprefix("http://")
    entry = f"s3://k:s@bucket/data?endpoint_override={here}&scheme=http&region=id-1"
    monkeypatch.setenv("KICAU_AUDIT_FOLDERS", f"/srv/sets,s3://bucket?endpoint_override=127.0.0.1:{port},{entry}")
    assert len(find_shards("s3://bucket/data")[0]) == 3
    assert asked == []


def test_an_address_is_fetched_from_outside_only_and_so_is_what_it_redirects_to(served, inside, monkeypatch):
    port, asked = inside
    monkeypatch.setattr(
        Bucket, "redirects", {"/data/moved.jsonl": f"http://127.0.0.1:{port}/secret.jsonl"}, raising=False
    )
    for where in (f"http://127.0.0.1:{port}/a.jsonl", f"http://localhost:{port}/a.jsonl", f"{served}/data/moved.jsonl"):
        read_all(where)
    assert asked == []
    assert find_shards(f"{served}/data/a.jsonl")[0]
    monkeypatch.setenv("KICAU_AUDIT_FOLDERS", f"http://127.0.0.1:{port}/sets")  # named by the operator
    shards._http_filesystem.cache_clear()
    read_all(f"{served}/data/moved.jsonl")
    assert set(asked) == {"/secret.jsonl"}
