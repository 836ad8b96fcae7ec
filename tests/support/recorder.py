"""An HTTP server that keeps what it is sent: the far end of Sentry and OpenTelemetry in tests."""

from __future__ import annotations

import gzip
import json
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

__all__ = ["Recorder", "recording"]


class Recorder:
    """`bodies` by path, unpacked."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    @property
    def sentry_dsn(self) -> str:
        return self.url.replace("://", "://publickey@") + "/7"

    @property
    def otlp_endpoint(self) -> str:
        return f"{self.url}/v1/traces"

    def events(self) -> list[dict[str, Any]]:
        """Of Sentry's envelopes: a header, then pairs of item header and item, a line each."""
        found = []
        for path, body in self.bodies:
            if path != "/api/7/envelope/":
                continue
            lines = body.splitlines()
            for header, item in zip(lines[1::2], lines[2::2], strict=True):
                if json.loads(header)["type"] == "event":
                    found.append(json.loads(item))
        return found

    def spans(self) -> list[tuple[str, Span]]:
        """Service and span."""
        found = []
        for path, body in self.bodies:
            if path != "/v1/traces":
                continue
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                facts = {each.key: each.value.string_value for each in resource.resource.attributes}
                found += [(facts["service.name"], span) for scope in resource.scope_spans for span in scope.spans]
        return found


@contextmanager
def recording() -> Iterator[Recorder]:
    recorder = Recorder()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            packing = self.headers.get("Content-Encoding", "")
            unpacked = gzip.decompress(body) if packing == "gzip" else zlib.decompress(body) if packing else body
            recorder.bodies.append((self.path, unpacked))
            recorder.headers.append(dict(self.headers))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """The test looks itself."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    recorder.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield recorder
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
