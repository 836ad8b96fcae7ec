"""People, what they may do, and how they prove who they are: the verbs of the API and of the admin app."""

from bot.identity.principal import NotAllowed, Principal
from bot.identity.roles import Role, permissions_of

__all__ = ["NotAllowed", "Principal", "Role", "permissions_of"]
