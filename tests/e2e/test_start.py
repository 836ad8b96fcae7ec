"""What `chatnation up` says when something is wrong, in one clear line; and what of it stops nothing."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.e2e.stack import chatnation, environment_of, free_ports, running

BROKEN = """flows:
  raffle_draw:
    description: Draws a winner
    steps:
      - id: announce
        action: raffle_draw
        next: anounce
"""


async def test_a_broken_flow_file_is_named_and_only_its_skill_is_off(tmp_path: Path) -> None:
    _install(tmp_path, "raffle", BROKEN)
    with running(tmp_path, skills=("raffle", "numbered", "assistant", "events"), site=tmp_path) as stack:
        [line, *_] = [line for line in stack.words().splitlines() if "draw.yml" in line]
        assert "chatnation_raffle/flows/draw.yml:7:15" in line
        assert '"anounce"' in line
        assert '"announce"' in line  # what was meant
        async with stack.emulator() as client:
            await client.add_user("254711000009", "Chela")
            greeting = await client.ask("254711000009", "hi", timeout_s=20)
            assert "Savanna Events" in greeting["text"]
            assert "numbered messages" in (await client.ask("254711000009", "numbers", timeout_s=20))["text"]


def test_a_busy_port_is_one_line_that_names_the_setting(tmp_path: Path) -> None:
    [other_port] = free_ports(1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environment = environment_of(DATA=tmp_path, WEB__PORT=port, EMULATOR__PORT=other_port)
        done = chatnation("up", environment=environment)
    assert done.returncode == 2
    [line] = (done.stdout + done.stderr).splitlines()
    assert f"port {port} is busy" in line
    assert "CHATNATION__WEB__PORT" in line


def test_a_misspelt_setting_is_one_line_with_the_right_spelling(tmp_path: Path) -> None:
    done = chatnation("up", environment=environment_of(DATA=tmp_path, WEB__PROT=8000))
    assert done.returncode == 2
    [line] = (done.stdout + done.stderr).splitlines()
    assert "CHATNATION__WEB__PROT is not a setting" in line
    assert "CHATNATION__WEB__PORT" in line


def _install(site: Path, name: str, flows: str) -> None:
    """A third party's package, as pip would put it there."""
    package = site / f"chatnation_{name}"
    (package / "flows").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "skill.yml").write_text(f"name: {name}\ntitle: {{en: {name}}}\nversion: 1.0.0\n")
    (package / "domain.yml").write_text(f"actions:\n  - {name}_draw\n")
    (package / "flows" / "draw.yml").write_text(flows)
    facts = site / f"chatnation_{name}-1.0.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: chatnation-{name}\nVersion: 1.0.0\n")
    (facts / "entry_points.txt").write_text(f"[chatnation.skills]\n{name} = chatnation_{name}\n")
