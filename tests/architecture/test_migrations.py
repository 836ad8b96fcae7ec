"""Each app's migrations say what its models say, and come after the store's; and the checks can fail."""

from __future__ import annotations

import pytest

from store.db import STORE, AppModels
from store.migrate import applied, migrate, migration_problems, pending_changes
from tests.store.broken import BROKEN
from tests.store.sample import SAMPLE
from tests.support.database import Cluster, all_apps


@pytest.mark.parametrize("app", all_apps(), ids=lambda app: app.label)
async def test_migrations_are_clean(app: AppModels) -> None:
    changes = [change for change in await pending_changes(all_apps()) if change.app_label == app.label]
    assert not changes, "\n".join(change.as_string() for change in changes)


async def test_a_forgotten_migration_is_caught() -> None:
    assert [change.app_label for change in await pending_changes([SAMPLE, BROKEN])] == ["broken"]


@pytest.mark.parametrize("app", all_apps(), ids=lambda app: app.label)
def test_the_first_migration_comes_after_the_stores(app: AppModels) -> None:
    assert migration_problems(app) == []


def test_a_skill_that_does_not_say_so_is_caught() -> None:
    assert migration_problems(BROKEN) == ["broken.0001_initial does not depend on a migration of the store"]


async def test_all_migrations_apply_to_an_empty_database_and_can_be_undone(cluster: Cluster) -> None:
    apps = all_apps()
    async with cluster.clone(()) as database:
        forward = await migrate(database.owner_dsn, apps)
        assert forward[0] == "store.0001_initial"
        for app in reversed(apps):
            if app is not STORE:
                await migrate(database.owner_dsn, apps, target=(app.label, None))
        assert {name.split(".")[0] for name in await applied(database.owner_dsn)} == {"store"}
        assert set(await migrate(database.owner_dsn, apps)) == {
            name for name in forward if not name.startswith("store.")
        }
