from tortoise import fields, migrations
from tortoise.migrations import operations as ops

from store.ids import uuid7


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="Ghost",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("organization_id", fields.UUIDField()),
            ],
            options={"table": "broken_ghosts", "app": "broken", "pk_attr": "id"},
            bases=["OrgModel"],
        ),
        ops.RunSQL("INSERT INTO no_such_table VALUES (1)", reverse_sql=""),
    ]
