"""A small app with one of everything that the store's foundation offers."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.models import Model

from store.fields import BlindIndexField, EncryptedField, JsonField, StrEnumField, VectorField
from store.ids import uuid7
from store.tenancy import OrgModel


class Mood(StrEnum):
    GLAD = "glad"
    CALM = "calm"


class Shelf(OrgModel):
    name = fields.CharField(max_length=80)

    class Meta:
        table = "sample_shelves"
        unique_together = (("organization_id", "name"),)


class Book(OrgModel):
    shelf: Any = fields.ForeignKeyField("sample.Shelf", related_name="books", null=True, db_constraint=False)
    title = fields.CharField(max_length=80)
    mood = StrEnumField(Mood, default=Mood.CALM)
    notes = JsonField(default=dict)
    owner_phone = EncryptedField(null=True)
    owner_phone_index = BlindIndexField(null=True)
    embedding = VectorField(3, null=True)

    class Meta:
        table = "sample_books"


class Notice(Model):
    """A row of the platform: no organization."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    text = fields.CharField(max_length=80)

    class Meta:
        table = "sample_notices"
