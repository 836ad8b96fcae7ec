"""Migration operations for tables of organizations and of the platform. Every table needs one of the first two, or the application sees nothing.

    operations = [
        ops.CreateModel(name="Ticket", ...),
        EnableOrganizationRLS("events_tickets"),
        OrganizationForeignKey("events_tickets", "order_id", "events_orders"),
    ]

Migrations run as the owner; the grants go to the two roles that processes use. All of it can be undone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

from tortoise.migrations.operations import TortoiseOperation
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State

__all__ = [
    "CURRENT_ORGANIZATION",
    "POLICY",
    "EnableOrganizationRLS",
    "EnablePolicyRLS",
    "GrantPlatformTable",
    "OnDelete",
    "OrganizationForeignKey",
    "Roles",
    "identifier",
]

POLICY = "org_isolation"
CURRENT_ORGANIZATION = "nullif(current_setting('app.current_org', true), '')::uuid"
"""After a `SET LOCAL` has ended the setting reads '', and ''::uuid would raise."""

OnDelete = Literal["CASCADE", "RESTRICT", "SET NULL", "NO ACTION"]


@dataclass(frozen=True, slots=True)
class Roles:
    """The names of the two roles of the processes."""

    app: str = "chatnation_app"
    system: str = "chatnation_system"


class _Sql(TortoiseOperation, ABC):
    """Statements forward, statements backward."""

    roles: ClassVar[Roles] = Roles()
    atomic = None

    @abstractmethod
    def forward(self) -> list[str]: ...

    @abstractmethod
    def backward(self) -> list[str]: ...

    async def database_forward(
        self, app_label: str, old_state: State, new_state: State, state_editor: BaseSchemaEditor | None = None
    ) -> None:
        await _run(state_editor, self.forward())

    async def database_backward(
        self, app_label: str, old_state: State, new_state: State, state_editor: BaseSchemaEditor | None = None
    ) -> None:
        await _run(state_editor, self.backward())


class EnablePolicyRLS(_Sql):
    """Row level security, forced also on the owner, by a condition of your own; for tables whose rows do not belong to one organization.

    `using` is SQL over the row (the users who are members of the current organization), `check` the condition for written rows, the same
    unless given.
    """

    def __init__(self, table: str, using: str, *, check: str | None = None) -> None:
        self.table = table
        self.using = using
        self.check = check or using

    def describe(self) -> str:
        return f"Row level security on {self.table}"

    def forward(self) -> list[str]:
        table = quoted(self.table)
        return [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY {POLICY} ON {table} USING ({self.using}) WITH CHECK ({self.check})",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {quoted(self.roles.app)}, {quoted(self.roles.system)}",
        ]

    def backward(self) -> list[str]:
        table = quoted(self.table)
        return [
            f"REVOKE ALL ON {table} FROM {quoted(self.roles.app)}, {quoted(self.roles.system)}",
            f"DROP POLICY {POLICY} ON {table}",
            f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        ]


class EnableOrganizationRLS(EnablePolicyRLS):
    """What every table of an organization needs: policy, grants, and unique (organization_id, id) for composite foreign keys to point at.

    `key` is the organization's column; for the table `organizations` itself it is "id", and no second key is made.
    `identity` is the row's own key; None when the table is never pointed at and has no single-column key.
    """

    def __init__(self, table: str, key: str = "organization_id", *, identity: str | None = "id") -> None:
        super().__init__(table, f"{quoted(key)} = {CURRENT_ORGANIZATION}")
        self.key = key
        self.identity = None if identity == key else identity

    def forward(self) -> list[str]:
        if self.identity is None:
            return super().forward()
        columns = f"{quoted(self.key)}, {quoted(self.identity)}"
        unique = f"ALTER TABLE {quoted(self.table)} ADD CONSTRAINT {quoted(self._unique)} UNIQUE ({columns})"
        return [unique, *super().forward()]

    def backward(self) -> list[str]:
        if self.identity is None:
            return super().backward()
        return [*super().backward(), f"ALTER TABLE {quoted(self.table)} DROP CONSTRAINT {quoted(self._unique)}"]

    @property
    def _unique(self) -> str:
        return identifier("uq", self.table, "org")


class OrganizationForeignKey(_Sql):
    """(organization_id, column) -> target (organization_id, id): a reference into another organization cannot be written.

    The model's relation says `db_constraint=False`. `SET NULL` empties the column alone, never organization_id. With `index` an index on
    (organization_id, column) comes along; leave it out when another index starts with those two.
    """

    def __init__(
        self, table: str, column: str, target_table: str, on_delete: OnDelete = "CASCADE", *, index: bool = False
    ) -> None:
        self.table = table
        self.column = column
        self.target_table = target_table
        self.on_delete = on_delete
        self.index = index

    def describe(self) -> str:
        return f"Composite foreign key {self.table}.{self.column} -> {self.target_table}"

    def forward(self) -> list[str]:
        action = f"SET NULL ({quoted(self.column)})" if self.on_delete == "SET NULL" else self.on_delete
        columns = f"organization_id, {quoted(self.column)}"
        statements = [
            f"ALTER TABLE {quoted(self.table)} ADD CONSTRAINT {quoted(self._name)} FOREIGN KEY ({columns})"
            f" REFERENCES {quoted(self.target_table)} (organization_id, id) ON DELETE {action}"
        ]
        if self.index:
            statements.append(f"CREATE INDEX {quoted(self._index_name)} ON {quoted(self.table)} ({columns})")
        return statements

    def backward(self) -> list[str]:
        statements = [f"ALTER TABLE {quoted(self.table)} DROP CONSTRAINT {quoted(self._name)}"]
        if self.index:
            statements.append(f"DROP INDEX {quoted(self._index_name)}")
        return statements

    @property
    def _name(self) -> str:
        return identifier("fk", self.table, self.column)

    @property
    def _index_name(self) -> str:
        return identifier("ix", self.table, self.column)


class GrantPlatformTable(_Sql):
    """A table without organization: grants only. Put it on the allow-list of tests/architecture with its reason.

    `insert_only`: the application writes and never reads back (raw deliveries); `read_only`: it only reads (price books, countries).
    The system's role may do everything.
    """

    def __init__(self, table: str, insert_only: bool = False, *, read_only: bool = False) -> None:
        if insert_only and read_only:
            raise ValueError(f"{table} cannot be both insert-only and read-only")
        self.table = table
        self.insert_only = insert_only
        self.read_only = read_only

    def describe(self) -> str:
        return f"Grants on {self.table}"

    def forward(self) -> list[str]:
        everything = "SELECT, INSERT, UPDATE, DELETE"
        app = "INSERT" if self.insert_only else "SELECT" if self.read_only else everything
        return [
            f"GRANT {app} ON {quoted(self.table)} TO {quoted(self.roles.app)}",
            f"GRANT {everything} ON {quoted(self.table)} TO {quoted(self.roles.system)}",
        ]

    def backward(self) -> list[str]:
        return [f"REVOKE ALL ON {quoted(self.table)} FROM {quoted(self.roles.app)}, {quoted(self.roles.system)}"]


def identifier(prefix: str, *parts: str) -> str:
    """A name within PostgreSQL's 63 bytes, the same each time."""
    name = "_".join((prefix, *parts))
    if len(name) <= 63:
        return name
    checksum = sum(ord(character) * (place + 1) for place, character in enumerate(name)) % 0xFFFFFF
    return f"{name[:56]}_{checksum:06x}"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


async def _run(editor: BaseSchemaEditor | None, statements: list[str]) -> None:
    if editor is not None:
        for statement in statements:
            await editor._run_sql(statement)
