from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

from store.fields import BlindIndexField, EncryptedField, JsonField, StrEnumField, VectorField
from store.ids import uuid7
from store.rls import EnableOrganizationRLS, GrantPlatformTable, OrganizationForeignKey


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="Notice",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("text", fields.CharField(max_length=80)),
            ],
            options={
                "table": "sample_notices",
                "app": "sample",
                "pk_attr": "id",
                "table_description": "A row of the platform: no organization.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Shelf",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                ("name", fields.CharField(max_length=80)),
            ],
            options={
                "table": "sample_shelves",
                "app": "sample",
                "unique_together": (("organization_id", "name"),),
                "pk_attr": "id",
            },
            bases=["OrgModel"],
        ),
        ops.CreateModel(
            name="Book",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
                (
                    "shelf",
                    fields.ForeignKeyField(
                        "sample.Shelf",
                        source_field="shelf_id",
                        null=True,
                        db_constraint=False,
                        to_field="id",
                        related_name="books",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("title", fields.CharField(max_length=80)),
                ("mood", StrEnumField(default="calm", max_length=40)),
                ("notes", JsonField(default=dict)),
                ("owner_phone", EncryptedField(null=True)),
                ("owner_phone_index", BlindIndexField(null=True)),
                ("embedding", VectorField(null=True, dimension=3)),
            ],
            options={"table": "sample_books", "app": "sample", "pk_attr": "id"},
            bases=["OrgModel"],
        ),
        EnableOrganizationRLS("sample_shelves"),
        EnableOrganizationRLS("sample_books"),
        OrganizationForeignKey("sample_books", "shelf_id", "sample_shelves", index=True),
        GrantPlatformTable("sample_notices"),
    ]
