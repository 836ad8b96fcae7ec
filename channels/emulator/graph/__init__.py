"""The Graph side: what a bot calls. Any `/vNN.N/` prefix, or none."""

from aiohttp import web

from channels.emulator.graph import account, media, messages, templates


def add_routes(app: web.Application) -> None:
    """Mounts the Graph API below every version; the send endpoint first, for it is the hot one."""
    for prefix in (r"/{version:v\d+\.\d+}", ""):
        one = prefix + r"/{object_id:\d+}"
        app.router.add_post(one + "/messages", messages.send)
        app.router.add_post(one + "/marketing_messages", messages.send_marketing)
        app.router.add_post(one + "/media", media.upload)
        app.router.add_get(one + "/message_templates", templates.listing)
        app.router.add_post(one + "/message_templates", templates.create)
        app.router.add_delete(one + "/message_templates", templates.remove)
        app.router.add_get(one + "/subscribed_apps", account.subscriptions)
        app.router.add_post(one + "/subscribed_apps", account.subscribe)
        app.router.add_delete(one + "/subscribed_apps", account.unsubscribe)
        app.router.add_get(one + "/subscriptions", account.app_subscriptions)
        app.router.add_get(one + "/phone_numbers", account.phone_numbers)
        app.router.add_get(one + "/whatsapp_business_profile", account.profile)
        app.router.add_post(one + "/whatsapp_business_profile", account.update_profile)
        app.router.add_get(one + "/block_users", account.blocked)
        app.router.add_post(one + "/block_users", account.block)
        app.router.add_delete(one + "/block_users", account.unblock)
        app.router.add_post(one + "/register", account.accept_quietly)
        app.router.add_post(one + "/deregister", account.accept_quietly)
        app.router.add_get(prefix + "/debug_token", account.debug_token)
        app.router.add_get(one, account.node)
        app.router.add_post(one, account.change_node)
        app.router.add_delete(one, account.delete_node)
    app.router.add_get("/whatsapp_business/attachments/", media.download)
