"""Outsiders on loopback, each by a program that is not ours: a time-stamper (openssl ts), a calendar (opentimestamps) and a
witness (aics-tlog)."""

from __future__ import annotations

import base64
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from aics_tlog.cosign import sign_cosignature
from aics_tlog.tree import verify_consistency
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from opentimestamps.core.notary import BitcoinBlockHeaderAttestation, PendingAttestation
from opentimestamps.core.op import OpAppend, OpPrepend, OpSHA256
from opentimestamps.core.serialize import BytesSerializationContext
from opentimestamps.core.timestamp import Timestamp

from kicau.connector.transport import ssrf

CONFIG = """
[tsa]
dir = .
serial = serial
signer_cert = tsa.pem
certs = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""


class Outsiders:
    """`url` with the paths /tsa, /calendar and /witness; `height` is the Bitcoin block that keeps promises, once it is there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.height, self.url, self.broken = folder, 0, "", False
        self.witness, self.seen = Ed25519PrivateKey.generate(), (0, b"")
        (folder / "tsa.cnf").write_text(CONFIG)
        (folder / "serial").write_text("01")
        self.openssl(
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            "tsa.key",
            "-out",
            "tsa.pem",
            "-subj",
            "/CN=Stempel Waktu",
            "-days",
            "30",
            "-addext",
            "extendedKeyUsage=critical,timeStamping",
        )

    def openssl(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, check=False)

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        if self.broken:
            return 200, b"<html>Sedang diperbaiki"
        if path == "/tsa":
            (self.folder / "in.tsq").write_bytes(body)
            self.openssl(
                "ts", "-reply", "-config", "tsa.cnf", "-section", "tsa", "-queryfile", "in.tsq", "-out", "out.tsr"
            )
            return 200, (self.folder / "out.tsr").read_bytes()
        if path == "/calendar/digest":
            made = Timestamp(body)
            made.ops.add(OpAppend(b"senja")).ops.add(OpSHA256()).attestations.add(
                PendingAttestation(f"{self.url}/calendar")
            )
            return 200, _bytes(made)
        if path.startswith("/calendar/timestamp/"):
            if not self.height:
                return 404, b"Pending confirmation in Bitcoin blockchain"
            made = Timestamp(bytes.fromhex(path.rsplit("/", 1)[1]))
            made.ops.add(OpPrepend(b"pohon")).ops.add(OpSHA256()).attestations.add(
                BitcoinBlockHeaderAttestation(self.height)
            )
            return 200, _bytes(made)
        return self.cosigned(body.decode())

    def cosigned(self, body: str) -> tuple[int, bytes]:
        head, _, note = body.partition("\n\n")
        first, *lines = head.split("\n")
        origin, size, root = note.split("\n")[:3]
        if int(first.split()[1]) != self.seen[0]:
            return 409, b"%d\n" % self.seen[0]
        top, proof = base64.b64decode(root), [base64.b64decode(line) for line in lines]
        if self.seen[0] and not verify_consistency(self.seen[0], int(size), self.seen[1], top, proof):
            return 422, b""
        self.seen = int(size), top
        _, line = sign_cosignature(self.witness, "saksi.example", 1_790_000_000, origin, int(size), top)
        return 200, f"— saksi.example {base64.b64encode(line.key_id + line.signature).decode()}\n".encode()


def _bytes(made: Timestamp) -> bytes:
    context = BytesSerializationContext()
    made.serialize(context)
    return bytes(context.getbytes())


@contextmanager
def running(folder: Path) -> Iterator[Outsiders]:
    here = Outsiders(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, raw = here.answer(self.path, self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    host = f"127.0.0.1:{server.server_port}"
    here.url = f"http://{host}"
    ssrf.ALLOWED_HOSTS.add(host)
    try:
        yield here
    finally:
        ssrf.ALLOWED_HOSTS.discard(host)
        server.shutdown()
        server.server_close()
