"""Tiny real processes for the supervisor's tests: `python -m tests.bot.cli.children KIND ...`."""

from __future__ import annotations

import http.server
import os
import signal
import sys
import time
from pathlib import Path


def main(kind: str, *arguments: str) -> None:
    print(f"{kind} says hello", flush=True)
    if kind == "web":
        http.server.ThreadingHTTPServer(("127.0.0.1", int(arguments[0])), Healthy).serve_forever()
    if kind == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if kind == "wrong":
        print("CHATNATION__X__Y is wrong", flush=True)
        sys.exit(2)
    if kind == "once":
        sys.exit(int(arguments[0]))
    if kind == "noted":
        Path(arguments[0]).write_text("\n".join(f"{name}={value}" for name, value in sorted(os.environ.items())))
    if ready := os.environ.get("CHATNATION_READY_FILE"):
        Path(ready).touch()
    time.sleep(120)


class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


if __name__ == "__main__":
    main(*sys.argv[1:])
