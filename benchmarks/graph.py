"""A stand-in for the Graph API: takes every message, answers after a while, remembers when. `python -m benchmarks.graph PORT DELAY_S`.

`GET /report` gives (moment by the monotonic clock, recipient) of every message since the last report. Hand-written on a protocol, so that it
takes little of the machine it shares with what is measured.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import orjson
import uvloop

__all__: list[str] = []

_received: list[tuple[float, str]] = []


class _Connection(asyncio.Protocol):
    def __init__(self, delay_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._delay_s = delay_s
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            at = head.lower().find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            body, self._buffer = self._buffer[end + 4 : end + 4 + length], self._buffer[end + 4 + length :]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET"):
            self._write(orjson.dumps(_received) if b" /report " in head else b"{}")
            if b" /report " in head:
                _received.clear()
            return
        message = orjson.loads(body)
        if message.get("status") == "read":
            self._write(b'{"success":true}')
            return
        to = (message.get("to") or message.get("recipient") or "").lstrip("+")
        _received.append((self._loop.time(), to))
        answer = orjson.dumps(
            {
                "messaging_product": "whatsapp",
                "contacts": [{"input": to, "wa_id": to}],
                "messages": [{"id": f"wamid.graph.{id(self)}.{len(_received)}.{self._loop.time()}"}],
            }
        )
        self._loop.call_later(self._delay_s, self._write, answer) if self._delay_s else self._write(answer)

    def _write(self, body: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
            )


async def _main(port: int, delay_s: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(delay_s), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1]), float(sys.argv[2])))
