"""A proxy on loopback that demands a user and a password, and a certificate made for a test."""

from __future__ import annotations

import datetime
import http.client
import socket
import ssl
import threading
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from pathlib import Path


def write_certificate(path: Path, host: str) -> None:
    """Write a self-signed certificate of a host and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(pem))


class Proxy:
    """A proxy at ``address``, to be used as a context manager.

    Whatever host is asked for, a plain server on loopback answers; through a tunnel, the proxy
    speaks TLS for it.

    Parameters
    ----------
    target
        Address of that server.
    certificate
        File with certificate and key.
    user, password
        What it demands.

    Attributes
    ----------
    log
        Host or address asked for and ``Proxy-Authorization`` of every request.
    """

    def __init__(self, target: str, certificate: Path, user: str, password: str) -> None:
        self.log: list[tuple[str, str | None]] = []
        self.expected = f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
        parts = urlsplit(target)
        self.target = (parts.hostname, parts.port)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate)
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": self}))
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def log_message(self, *_: object) -> None:
        """The log of the proxy is its list of requests."""

    def do_CONNECT(self) -> None:
        if not self._is_allowed():
            return
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        with (
            self.proxy.tls.wrap_socket(self.connection, server_side=True) as inside,
            socket.create_connection(self.proxy.target) as outside,
        ):
            back = threading.Thread(target=_copy, args=(outside, inside))
            back.start()
            _copy(inside, outside)
            back.join()

    def do_GET(self) -> None:
        if not self._is_allowed():
            return
        server = http.client.HTTPConnection(*self.proxy.target)
        server.request("GET", urlsplit(self.path).path, headers=dict(self.headers))
        answer = server.getresponse()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.read())
        server.close()

    def _is_allowed(self) -> bool:
        given = self.headers.get("Proxy-Authorization")
        self.proxy.log.append((self.path, given))
        if given == self.proxy.expected:
            return True
        self.send_response(407)
        self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Pass bytes on until one side ends, then end the other."""
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # the other side has gone
        pass
