"""The least that a page of NiceGUI is: a heading and a list, and a POST that shows a line on every open page. `python -m benchmarks.floors.page`."""

from __future__ import annotations

import os

from nicegui import app, ui
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

_lists: list[ui.column] = []


@ui.page("/")
def page() -> None:
    ui.label("Messages").style("font-size: 24px")
    with ui.column().classes("said") as said:
        ui.label("Nobody has written yet")
    _lists.append(said)


async def say(request: Request) -> Response:
    text = (await request.body()).decode()
    for each in _lists:
        if not each.is_deleted:
            with each:
                ui.label(text)
    return PlainTextResponse("")


def main() -> None:
    app.add_route("/say", say, methods=["POST"])
    ui.run(host="127.0.0.1", port=int(os.environ["FLOOR_PORT"]), show=False, reload=False, show_welcome_message=False)


if __name__ in {"__main__", "__mp_main__"}:
    main()
