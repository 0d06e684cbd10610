"""Other sites for tests: pages on a port of this machine under invented host names, and a certificate for these."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOSTS = ("intranet.test", "law.test", "stranger.test", "visavis.test")
RESOLVED = ",".join(f"MAP {host} 127.0.0.1" for host in HOSTS)


@dataclass
class Site:
    """A site: its port, and its pages by their paths, each with a policy of its own."""

    port: int
    pages: dict[str, tuple[str, str]] = field(default_factory=dict)

    def put(self, path: str, body: str, policy: str = "") -> None:
        """Set a page; `body` is what stands in its body."""
        self.pages[path] = (f"<!doctype html><html lang=en><title>Intranet</title><body>{body}</body></html>", policy)


@contextmanager
def site() -> Iterator[Site]:
    """A site that serves the pages put into it until the end."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, policy = served.pages.get(self.path.partition("?")[0], ("", ""))
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8" if body.startswith("<") else "text/plain")
            if policy:
                self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *said: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        served = Site(server.server_port)
        Thread(target=server.serve_forever, daemon=True).start()
        yield served
        server.shutdown()


def write_certificate(folder: Path) -> Path:
    """A key and a certificate signed with it, for every invented host, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
