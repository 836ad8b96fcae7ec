from bot.http import Answer, Ask, Routes

routes = Routes("Ghost", "Newspapers.")


class Paper(Answer):
    title: str


@routes.get("/ghosts/{name}", permission="ghost.see")
async def get_paper(ask: Ask, name: str) -> Paper:
    """Read a paper."""
    return Paper(title=name)
