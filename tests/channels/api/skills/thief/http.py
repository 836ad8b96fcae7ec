from bot.http import Answer, Ask, Routes

routes = Routes("Thief", "Newspapers.")


class Paper(Answer):
    title: str


@routes.get("/skills/{name}", permission="thief.view")
async def get_paper(ask: Ask, name: str) -> Paper:
    """Read a paper."""
    return Paper(title=name)
