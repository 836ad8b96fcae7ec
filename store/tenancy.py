"""Models of an organization: reads fail closed, writes are stamped and refused across organizations.

The first of three depths (architecture.md section 4); composite foreign keys and row level security stand behind it. What a manager cannot
see (joins, `QuerySet.update(organization_id=...)`, raw SQL) is stopped by row level security.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self
from uuid import UUID

from tortoise import BaseDBAsyncClient, fields
from tortoise.manager import Manager
from tortoise.models import Model
from tortoise.queryset import BulkCreateQuery, BulkUpdateQuery, QuerySet

from store.errors import CrossOrganization, NotBound
from store.ids import uuid7
from store.scope import Scope, current_organization, current_scope, organization_scope, unscoped

__all__ = ["OrgManager", "OrgModel", "Scope", "current_organization", "current_scope", "organization_scope", "unscoped"]


class OrgManager(Manager):
    """Filters by the bound organization; raises `NotBound` when there is none. Inside `unscoped` it filters nothing.

    The filter stands in the query although row level security would do: the planner needs to see it (performance.md, facts).
    """

    def get_queryset(self) -> QuerySet[Any]:
        queryset: QuerySet[Any] = super().get_queryset()
        scope = current_scope()
        if scope is None:
            raise NotBound(f"reading {self._model.__name__} outside of an organization_scope")
        if scope.organization_id is None:
            return queryset
        return queryset.filter(organization_id=scope.organization_id)


class OrgModel(Model):
    """A row that belongs to an organization.

    `organization_id` is stamped from the scope when it is saved. Inside `unscoped` nothing is stamped: set it yourself.
    Relations to other rows of an organization are declared with `db_constraint=False`; the constraint is the composite one that
    `OrganizationForeignKey` makes in the migration.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    organization_id: UUID = fields.UUIDField()

    class Meta:
        abstract = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Tortoise does not inherit Meta.manager from an abstract model; forgetting it in one model must not open that model.
        if not isinstance(cls._meta.manager, OrgManager):
            cls._meta.manager = OrgManager(cls)

    async def save(
        self,
        using_db: BaseDBAsyncClient | None = None,
        update_fields: Iterable[str] | None = None,
        force_create: bool = False,
        force_update: bool = False,
    ) -> None:
        """
        Raises:
            NotBound: outside of every scope, or inside `unscoped` without an `organization_id`.
            CrossOrganization: the row carries another organization than the bound one.
        """
        _stamp(self)
        await super().save(
            using_db=using_db, update_fields=update_fields, force_create=force_create, force_update=force_update
        )

    async def delete(self, using_db: BaseDBAsyncClient | None = None) -> None:
        _stamp(self)
        await super().delete(using_db=using_db)

    async def refresh_from_db(
        self, fields: Iterable[str] | None = None, using_db: BaseDBAsyncClient | None = None
    ) -> None:
        _stamp(self)
        await super().refresh_from_db(fields=fields, using_db=using_db)

    @classmethod
    def bulk_create(
        cls,
        objects: Iterable[Self],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_fields: Iterable[str] | None = None,
        on_conflict: Iterable[str] | None = None,
        using_db: BaseDBAsyncClient | None = None,
    ) -> BulkCreateQuery[Self]:
        return super().bulk_create(
            _stamped(objects), batch_size, ignore_conflicts, update_fields, on_conflict, using_db
        )

    @classmethod
    def bulk_update(
        cls,
        objects: Iterable[Self],
        fields: Iterable[str],
        batch_size: int | None = None,
        using_db: BaseDBAsyncClient | None = None,
    ) -> BulkUpdateQuery[Self]:
        return super().bulk_update(_stamped(objects), fields, batch_size, using_db)


def _stamped(rows: Iterable[Any]) -> list[Any]:
    stamped = list(rows)
    for row in stamped:
        _stamp(row)
    return stamped


def _stamp(row: OrgModel) -> None:
    scope = current_scope()
    if scope is None:
        raise NotBound(f"writing {type(row).__name__} outside of an organization_scope")
    if getattr(row, "organization_id", None) is None:
        if scope.organization_id is None:
            raise NotBound(f"writing {type(row).__name__} inside unscoped() without an organization_id")
        row.organization_id = scope.organization_id
    elif scope.organization_id is not None and row.organization_id != scope.organization_id:
        raise CrossOrganization(
            f"{type(row).__name__} of organization {row.organization_id} in the scope of {scope.organization_id}"
        )
