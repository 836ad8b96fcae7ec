"""QR codes by the camera of a phone or a laptop: `scanner(bound(take))`, where `take(event)` finds the text in `event.args`.

Browsers give the camera away on https and on localhost only; anywhere else the page says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

from nicegui import ui

from admin_ui.kit.after import after_commit
from admin_ui.scope import here

__all__ = ["scanner", "told"]

HEAD = '<link rel="stylesheet" href="/static/scan.css"><script src="/static/scan.js" defer></script>'
WORDS = {
    "start": {"en": "Start the camera", "sw": "Washa kamera"},
    "stop": {"en": "Stop the camera", "sw": "Zima kamera"},
    "wait": {"en": "Asking for the camera…", "sw": "Inaomba kamera…"},
    "look": {"en": "Hold the QR code into the frame", "sw": "Weka msimbo wa QR ndani ya fremu"},
    "insecure": {
        "en": "Browsers open the camera only over https, or on this machine itself. Type the code, or open this app by its https address.",
        "sw": "Vivinjari hufungua kamera kwa https tu, au kwenye mashine hii. Andika msimbo, au fungua programu kwa anwani yake ya https.",
    },
    "NotAllowedError": {
        "en": "The camera was not allowed. Allow it beside the address of this page, then start again.",
        "sw": "Kamera haikuruhusiwa. Iruhusu karibu na anwani ya ukurasa huu, kisha anza tena.",
    },
    "NotFoundError": {
        "en": "This device has no camera. Type the code.",
        "sw": "Kifaa hiki hakina kamera. Andika msimbo.",
    },
    "NotReadableError": {
        "en": "Another program has the camera. Close it, then start again.",
        "sw": "Programu nyingine inatumia kamera. Ifunge, kisha anza tena.",
    },
    "failed": {"en": "The camera does not start. Type the code.", "sw": "Kamera haiwaki. Andika msimbo."},
}
_START = "(e) => cn.scan.toggle(e.currentTarget)"


def scanner(on_code: Callable[..., Any], *, mark: str = "scan") -> ui.element:
    """A camera with its button. A code is told once as long as it stays in view. `on_code` comes from `bound`."""
    desk = here()
    ui.add_head_html(HEAD)
    with ui.element("div").classes("cn-scan").mark(mark) as root:
        root.props["data-words"] = json.dumps({key: desk.say(words) for key, words in WORDS.items()})
        root.props["data-state"] = "idle"
        with ui.element("div").classes("cn-scan-view"):
            ui.element("video").props("muted playsinline aria-hidden=true")
            ui.element("div").classes("cn-scan-frame")
            with ui.element("div").classes("cn-scan-idle"):
                ui.icon("qr_code_scanner").props("aria-hidden=true")
        ui.element("div").classes("cn-scan-state").props('role="status" aria-live="polite"')
        with ui.element("div").classes("cn-scan-bar"):
            start = ui.element("button").classes("cn-scan-start").props('type="button"')
            with start:
                ui.label(desk.say(WORDS["start"])).props("tag=span")
            start.on("click", js_handler=_START)
            flip = _small("cameraswitch", desk.say({"en": "Other camera", "sw": "Kamera nyingine"}))
            flip.classes("cn-scan-flip").props("hidden")
            flip.on("click", js_handler="(e) => cn.scan.flip(e.currentTarget)")
            _wish("sound", "volume_up", desk.say({"en": "Sound", "sw": "Sauti"}))
            _wish("vibration", "vibration", desk.say({"en": "Vibration", "sw": "Mtetemo"}))
    root.on("scanned", on_code, js_handler="(e) => emit(e.detail)")
    ui.run_javascript(f"setTimeout(() => cn.scan && cn.scan.ready(getHtmlElement({root.id})), 300)")
    return root


def told(tone: Literal["good", "warn", "bad"]) -> None:
    """What became of the code: the frame's colour, and a sound or a shake for those who want them."""
    after_commit(lambda: ui.run_javascript(f"window.cn?.scan?.told({json.dumps(tone)})"))


def _small(icon: str, label: str) -> ui.element:
    with ui.element("button").props('type="button"') as found:
        found.props["aria-label"] = found.props["title"] = label
        ui.icon(icon).props("aria-hidden=true")
    return found


def _wish(name: str, icon: str, label: str) -> None:
    """Off until somebody wants it; remembered by the browser."""
    button = _small(icon, label).props(f'data-wish="{name}" aria-pressed="false"')
    button.on("click", js_handler=f"(e) => cn.scan.wish(e.currentTarget, '{name}')")
