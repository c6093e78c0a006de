"""A server on loopback that speaks HTTPS, with a certificate of its own."""

from __future__ import annotations

import ipaddress
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CHANGED = 1_700_000_000


class Answers(BaseHTTPRequestHandler):
    """Answers as `server.files` says: content, or a function of the handler."""

    server: Any

    def do_GET(self) -> None:
        self.server.asked[self.command, self.path] += 1
        found = self.server.files.get(self.path)
        if callable(found):
            found(self)
        elif found is None:
            self.answer(404, b"", {})
        else:
            self.answer(200, found, {"Content-Type": "image/png"})

    def do_HEAD(self) -> None:
        self.do_GET()

    def answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        """Send this; a length among the headers is sent as it is."""
        self.send_response(status)
        own = {
            "Content-Length": str(len(content)),
            "Last-Modified": formatdate(self.server.changed),
        }
        for name, value in {**own, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@contextmanager
def https(folder: Path) -> Iterator[Any]:
    """A server: `url`, `files` by path, `asked` by method and path, `authority` to be trusted."""
    key, certificate = _certificate(folder)
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.files, server.asked, server.changed = {}, Counter(), CHANGED
    server.url = f"https://127.0.0.1:{server.server_port}"
    server.authority = certificate
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def _certificate(folder: Path) -> tuple[Path, Path]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(timezone.utc)
    hosts = [x509.IPAddress(ipaddress.ip_address(f"127.0.0.{i}")) for i in (1, 2)]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(hosts), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "key.pem", folder / "certificate.pem"
    encoding = serialization.Encoding.PEM
    files[0].write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    files[1].write_bytes(certificate.public_bytes(encoding))
    return files
