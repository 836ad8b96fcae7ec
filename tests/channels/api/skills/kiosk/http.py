from bot.http import Answer, Ask, Routes

routes = Routes("Kiosk", "Newspapers.")


class Paper(Answer):
    title: str


@routes.get("/papers/{name}", permission="kiosk.view")
async def get_paper(ask: Ask, name: str) -> Paper:
    """Read a paper."""
    return Paper(title=name)
