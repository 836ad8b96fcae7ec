"""The control API under `/control/`: what tests, scripts and the page drive the emulator with."""

from aiohttp import web

from channels.emulator.control import files, knobs, people, reports


def add_routes(app: web.Application) -> None:
    """Mounts every control route; docs/emulator.md lists them in this order."""
    one = "/control/users/{wa_id}"
    app.router.add_routes(
        [
            web.get("/control/health", reports.health),
            web.get("/control/state", reports.state),
            web.get("/control/users", people.listing),
            web.post("/control/users", people.create),
            web.patch(one, people.change),
            web.delete(one, people.remove),
            web.get(one + "/messages", people.messages),
            web.post(one + "/send", people.send),
            web.post(one + "/read", people.read),
            web.post(one + "/number", people.change_number),
            web.post(one + "/marketing", people.marketing),
            web.post("/control/bulk", people.bulk),
            web.post("/control/media", files.upload),
            web.get("/control/media/{media_id}", files.content),
            web.get("/control/clock", knobs.clock),
            web.post("/control/clock", knobs.shift_clock),
            web.get("/control/faults", knobs.faults),
            web.put("/control/faults", knobs.set_faults),
            web.delete("/control/faults", knobs.clear_faults),
            web.get("/control/limits", knobs.limits),
            web.patch("/control/limits", knobs.change_limits),
            web.patch("/control/pace", knobs.change_pace),
            web.patch("/control/numbers/{phone_number_id}", knobs.change_number),
            web.get("/control/templates", knobs.templates),
            web.patch("/control/templates/{template_id}", knobs.change_template),
            web.post("/control/webhook", knobs.webhook),
            web.post("/control/verify", knobs.verify),
            web.post("/control/reset", knobs.reset),
            web.get("/control/ledger", reports.ledger),
            web.post("/control/analyse", reports.analyse),
            web.get("/control/wire", reports.wire),
            web.get("/control/wait", reports.wait),
            web.get("/control/stream", reports.stream),
        ]
    )
