"""The console script, as a person meets it: one clear line when something is wrong, and exit code 2."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli.state import UpState

PROJECT = Path(__file__).parents[3]


def chatnation(*arguments: str, data: Path, **settings: object) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHATNATION")}
    environment |= {f"CHATNATION__{name}": str(value) for name, value in {"DATA": data, **settings}.items()}
    command = [sys.executable, "-m", "bot.cli", *arguments]
    return subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "command", [["up"], ["web"], ["worker", "bulk"], ["clock"], ["migrate"], ["config"], ["demo", "info"]]
)
def test_every_command_refuses_a_misspelt_setting(command: list[str], tmp_path: Path) -> None:
    done = chatnation(*command, data=tmp_path, WEB__PROT=1)
    assert done.returncode == 2
    (line,) = (done.stdout + done.stderr).strip().splitlines()
    assert line.endswith("CHATNATION__WEB__PROT is not a setting: did you mean CHATNATION__WEB__PORT?")


@pytest.mark.parametrize("setting", ["CHATNATION__WEB__PORT", "CHATNATION__ADMIN__PORT", "CHATNATION__EMULATOR__PORT"])
def test_a_busy_port_names_its_setting(setting: str, tmp_path: Path) -> None:
    with socket.socket() as stranger, socket.socket() as free:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        free.bind(("127.0.0.1", 0))
        busy, other = stranger.getsockname()[1], free.getsockname()[1]
        free.close()
        ports = {"WEB__PORT": other, "ADMIN__PORT": other, "EMULATOR__PORT": other} | {
            setting.removeprefix("CHATNATION__"): busy
        }
        done = chatnation("up", data=tmp_path, **ports)
    assert done.returncode == 2
    assert done.stdout.strip().endswith(f"port {busy} is busy: set {setting} to a free one")
    assert len(done.stdout.strip().splitlines()) == 1


@pytest.mark.parametrize("process", ["web", "admin", "emulator"])
def test_a_process_of_its_own_names_the_setting_of_a_busy_port_too(process: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        busy = stranger.getsockname()[1]
        done = chatnation(process, data=tmp_path, **{f"{process.upper()}__PORT": busy})
    assert done.returncode == 2
    [line] = (done.stdout + done.stderr).splitlines()
    assert line.endswith(f"port {busy} is busy: set CHATNATION__{process.upper()}__PORT to a free one")


def test_an_external_database_needs_both_roles(tmp_path: Path) -> None:
    done = chatnation("up", data=tmp_path, STORE__DSN="postgresql://a:b@127.0.0.1:1/x")
    assert (done.returncode, "CHATNATION__STORE__SYSTEM_DSN is not" in done.stdout) == (2, True)


def test_migrate_says_which_role_it_needs(tmp_path: Path) -> None:
    done = chatnation("migrate", data=tmp_path)
    assert done.returncode == 2
    assert "CHATNATION__STORE__OWNER_DSN is not set" in done.stderr


def test_config_prints_values_and_origins_but_no_secret(tmp_path: Path) -> None:
    done = chatnation("config", data=tmp_path, STORE__DSN="postgresql://app:hush@db.example/x", WEB__PORT=8123)
    assert done.returncode == 0
    assert re.search(r"^web\.port +8123 +environment CHATNATION__WEB__PORT *$", done.stdout, re.MULTILINE)
    assert re.search(r"^limits\.pair_burst +45 +configs/base\.yml *$", done.stdout, re.MULTILINE)
    assert "hush" not in done.stdout


def test_an_unknown_queue_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    done = chatnation("worker", "express", data=tmp_path)
    assert done.returncode == 2
    assert all(queue in done.stderr for queue in ("interactive", "bulk", "render"))


def test_version(tmp_path: Path) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", chatnation("version", data=tmp_path).stdout)


def test_demo_info_says_when_nothing_runs(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    UpState(dsn="postgresql://left/behind", pids={"supervisor": ended.pid}).write(tmp_path)
    done = chatnation("demo", "info", "--json", data=tmp_path)
    assert done.returncode == 1
    assert "start `chatnation up`" in done.stderr


def test_demo_info_tells_what_a_client_needs(tmp_path: Path) -> None:
    organization = {
        "name": "Nairobi Arts",
        "organization_id": "0192f0c1-2345-7abc-8def-0123456789ab",
        "phone_number_id": "1",
        "waba_id": "2",
        "app_secret": "a",
        "verify_token": "v",
        "display_phone_number": "+254 700 000 001",
    }
    (tmp_path / "demo.json").write_text(json.dumps({"organizations": [organization | {"data_key": "not for clients"}]}))
    urls = {"web": "http://127.0.0.1:1", "emulator": "http://127.0.0.1:2", "chat": "http://127.0.0.1:2/"}
    metrics = {"web": "http://127.0.0.1:3/metrics"}
    pids = {"supervisor": os.getpid()}
    UpState(urls=urls, dsn="postgresql://app/x", nats="nats://n", pids=pids, metrics=metrics).write(tmp_path)
    done = chatnation("demo", "info", "--json", data=tmp_path)
    expected = {
        "urls": urls,
        "dsn": "postgresql://app/x",
        "nats": "nats://n",
        "metrics": metrics,
        "organizations": [organization],
    }
    told = json.loads(done.stdout)
    people = told.pop("people")
    assert told == expected
    assert {role for each in people for role in each["roles"]} >= {"owner of savanna", "platform_admin"}
    assert all(each["password"] for each in people)
