"""nginx over a folder: bytes counted, latency if asked for."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NGINX = """
{modules} worker_processes 1; daemon off; pid {root}/nginx.pid; error_log {root}/error.log;
events {{ worker_connections 256; }}
http {{ log_format bytes '$body_bytes_sent'; access_log {root}/access.log bytes;
  client_body_temp_path {root}/t1; proxy_temp_path {root}/t2; fastcgi_temp_path {root}/t3;
  uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5;
  server {{ listen 127.0.0.1:{port}; root {root}/www; sendfile on; keepalive_requests 100000;
    {places} }} }}
"""
_SLOW = """location / {{ echo_sleep {latency}; echo_exec /now$uri; }}
    location /now/ {{ internal; alias {root}/www/; }}"""


@contextlib.contextmanager
def served(root: Path, latency: float = 0) -> Iterator[str]:
    """Serve ``root/www``; each answer begins after the latency in seconds (nginx's echo module)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    modules = "load_module /usr/lib/nginx/modules/ngx_http_echo_module.so;" if latency else ""
    places = _SLOW.format(root=root, latency=latency) if latency else ""
    conf = _NGINX.format(root=root, port=port, modules=modules, places=places)
    (root / "nginx.conf").write_text(conf)
    process = subprocess.Popen(
        ["nginx", "-c", str(root / "nginx.conf"), "-e", str(root / "error.log")]
    )
    try:
        for _ in range(50):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def sent(root: Path) -> int:
    return sum(map(int, (root / "access.log").read_text().split()))
