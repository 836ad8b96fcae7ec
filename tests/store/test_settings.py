"""What `python -m store` reads, and which apps it finds."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from store import db
from store.apps import discover_apps
from store.db import AppModels
from store.settings import StoreSettings
from tests.store.sample import SAMPLE
from tests.store.sample.models import Notice
from tests.support.database import Database


def test_settings_come_from_the_environment_and_hide_their_secrets() -> None:
    settings = StoreSettings.from_environment(
        {"CHATNATION__STORE__DSN": "postgresql://a:hidden@h/d", "CHATNATION__STORE__POOL_MAX": "3", "HOME": "/"}
    )
    assert settings.dsn is not None
    assert settings.dsn.get_secret_value() == "postgresql://a:hidden@h/d"
    assert settings.pool_max == 3
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize("wrong", [{"pool_max": 0}, {"pool_maximum": 3}, {"statement_timeout_s": "soon"}])
def test_a_wrong_setting_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        StoreSettings.model_validate(wrong)


def test_blobs_lie_in_the_data_folder_unless_said_otherwise(tmp_path: Path) -> None:
    assert StoreSettings.model_validate({}).blobs_location(tmp_path) == (tmp_path / "blobs").as_uri()
    assert StoreSettings.model_validate({"blobs_url": "s3://b/p"}).blobs_location(tmp_path) == "s3://b/p"


def test_apps_are_the_folders_that_have_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, file in (("raffle", "models.py"), ("greeting", "actions.py"), ("awards", "models.py")):
        folder = tmp_path / "some_skills" / name
        folder.mkdir(parents=True)
        (folder / file).write_text("raise SystemExit('looking must not import')")
    (tmp_path / "some_skills" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert discover_apps("some_skills") == [
            AppModels("awards", "some_skills.awards.models", "some_skills.awards.migrations"),
            AppModels("raffle", "some_skills.raffle.models", "some_skills.raffle.migrations"),
        ]
    finally:
        sys.modules.pop("some_skills", None)


def test_a_skill_of_an_installed_package_is_an_app_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "chatnation_lottery"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "models.py").touch()
    metadata = tmp_path / "chatnation_lottery-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: chatnation-lottery\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[chatnation.skills]\nlottery = chatnation_lottery\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert AppModels("lottery", "chatnation_lottery.models", "chatnation_lottery.migrations") in discover_apps(
        "no_such"
    )


async def test_the_values_of_statements_never_reach_the_log(sample: Database, caplog: pytest.LogCaptureFixture) -> None:
    await db.close()
    with caplog.at_level(logging.DEBUG):
        await db.connect(sample.dsn, models=[SAMPLE])
        await Notice.create(text="a secret text")
    assert "a secret text" not in caplog.text
