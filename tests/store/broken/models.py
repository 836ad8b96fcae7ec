from __future__ import annotations

from tortoise import fields

from store.tenancy import OrgModel


class Ghost(OrgModel):
    forgotten = fields.CharField(max_length=10)

    class Meta:
        table = "broken_ghosts"
