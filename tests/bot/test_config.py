"""Settings: layers, origins, and what is refused at the start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.config import SECTIONS, Configuration, load
from bot.errors import ConfigError
from bot.llm.settings import LlmSettings
from bot.settings import EmulatorSettings, LogFormat, LogSettings, TurnSettings
from channels.settings import WebSettings, WhatsAppSettings
from scheduler.settings import LimitSettings, NatsSettings
from store.settings import StoreSettings

Place = Callable[..., dict[str, str]]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Writes configuration files and secret files; returns the environment of a process that reads them."""

    def write(
        *, base: str = "", dev: str = "", secrets: dict[str, str] | None = None, **environment: str
    ) -> dict[str, str]:
        configs, secret_files = tmp_path / "configs", tmp_path / "data" / "secrets"
        configs.mkdir()
        secret_files.mkdir(parents=True)
        (configs / "base.yml").write_text(base)
        (configs / "dev.yml").write_text(dev)
        for name, text in (secrets or {}).items():
            (secret_files / name).write_text(text)
        return {"CHATNATION__CONFIGS": str(configs), "CHATNATION__DATA": str(tmp_path / "data")} | environment

    return write


def origin_of(environment: dict[str, str], name: str) -> str:
    return next(row.origin for row in Configuration.read(environment).rows() if row.name == name)


def test_defaults_are_those_of_the_issue(place: Place) -> None:
    environment = place()
    web = load(WebSettings, "web", environment=environment)
    emulator = load(EmulatorSettings, "emulator", environment=environment)
    turn = load(TurnSettings, "turn", environment=environment)
    limits = load(LimitSettings, "limits", environment=environment)
    whatsapp = load(WhatsAppSettings, "whatsapp", environment=environment)
    assert (web.host, web.port, web.body_limit_bytes) == ("127.0.0.1", 8000, 3 * 1024 * 1024)
    assert (emulator.host, emulator.port, emulator.enabled) == ("127.0.0.1", 9000, True)
    assert (turn.lease_s, turn.renew_s, turn.unknown_grace_s, turn.session_expiry_h) == (15, 5, 30, 24)
    assert (limits.number_per_s, limits.pair_burst, limits.pair_interval_s) == (80, 45, 6)
    assert (whatsapp.graph_url, whatsapp.version) == ("https://graph.facebook.com", "v25.0")


def test_each_layer_overrides_the_one_below(place: Place) -> None:
    environment = place(
        base="web: {port: 8001, host: 10.0.0.1}\nlimits: {pair_burst: 7}",
        dev="web: {port: 8002}",
        CHATNATION__LIMITS__NUMBER_PER_S="12.5",
    )
    web = load(WebSettings, "web", environment=environment)
    limits = load(LimitSettings, "limits", environment=environment)
    assert (web.port, web.host) == (8002, "10.0.0.1")
    assert (limits.number_per_s, limits.pair_burst, limits.pair_interval_s) == (12.5, 7, 6.0)


def test_the_environment_beats_a_secret_file_beats_the_default(place: Place) -> None:
    files = {
        "store__dsn": "postgresql://file/db\n",
        "nats__url": "nats://file:4222",
        "master.key": "not a setting, and left alone",
    }
    environment = place(secrets=files, CHATNATION__NATS__URL="nats://environment:4222")
    dsn = load(StoreSettings, "store", environment=environment).dsn
    url = load(NatsSettings, "nats", environment=environment).url
    assert dsn is not None
    assert url is not None
    assert dsn.get_secret_value() == "postgresql://file/db"
    assert url.get_secret_value() == "nats://environment:4222"


def test_secret_files_may_lie_in_a_folder_of_their_own(place: Place, tmp_path: Path) -> None:
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    (mounted / "chatnation__store__dsn").write_text("postgresql://mounted/db")
    environment = place(CHATNATION__SECRETS__DIRECTORY=str(mounted))
    dsn = load(StoreSettings, "store", environment=environment).dsn
    assert dsn is not None
    assert dsn.get_secret_value() == "postgresql://mounted/db"


def test_every_value_says_where_it_comes_from(place: Place) -> None:
    environment = place(
        base="limits: {pair_burst: 7}",
        dev="web: {port: 8002}",
        secrets={"store__dsn": "postgresql://u:p@h/db"},
        CHATNATION__LOG__FORMAT="json",
    )
    assert origin_of(environment, "limits.pair_burst") == "configs/base.yml"
    assert origin_of(environment, "web.port") == "configs/dev.yml"
    assert origin_of(environment, "store.dsn") == "secret file store__dsn"
    assert origin_of(environment, "log.format") == "environment CHATNATION__LOG__FORMAT"
    assert origin_of(environment, "web.host") == "default"


def test_secrets_are_masked_but_their_host_is_told(place: Place) -> None:
    environment = place(
        CHATNATION__STORE__DSN="postgresql://app:hush@db.example:5432/chatnation",
        CHATNATION__STORE__MASTER_KEY="aHVzaGh1c2g=",
        CHATNATION__NATS__URL="nats://hush@mq.example:4222",
    )
    shown = {row.name: row.value for row in Configuration.read(environment).rows()}
    assert shown["store.dsn"] == "postgresql://app:••••@db.example:5432/chatnation"
    assert shown["nats.url"] == "nats://••••@mq.example:4222"
    assert "hush" not in " ".join(shown.values())
    assert "aHVz" not in " ".join(shown.values())


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("CHATNATION__WEB__PROT", "CHATNATION__WEB__PORT"),
        ("CHATNATION__STROE__DSN", "CHATNATION__STORE__DSN"),
        ("CHATNATION__WEB__PORT__X", "CHATNATION__WEB__PORT"),
        ("CHATNATION__DATTA", "CHATNATION__DATA"),
        ("chatnation__web__port", "CHATNATION__WEB__PORT"),
        ("CHATNATION_WEB_PORT", "CHATNATION__WEB__PORT"),
        ("CHATNATION_DATA", "CHATNATION__DATA"),
        ("CHATNATION_WEB__PROT", "CHATNATION__WEB__PORT"),
        ("chatnation_store_dsn", "CHATNATION__STORE__DSN"),
    ],
)
def test_an_unknown_name_stops_the_process_with_the_nearest_one(place: Place, misspelt: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=f"^{misspelt} is not a setting: did you mean {meant}\\?$"):
        load(WebSettings, "web", environment=place() | {misspelt: "1"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CHATNATION_EMULATOR_CONFIG", "emulator.json"),
        ("CHATNATION_READY_FILE", "ready"),
        ("CHATNATION_KILLS", "120"),
        ("CHATNATION_WEB_PORT", "tcp://10.0.0.7:8000"),  # as Kubernetes says it of a service chatnation-web
        ("CHATNATION_WEB_SERVICE_PORT", "8000"),
        ("CHATNATION_WEB_PORT_8000_TCP_PORT", "8000"),
        ("CHATNATION_SHELL_PROMPT", "$"),
    ],
)
def test_what_others_set_is_left_alone(place: Place, name: str, value: str) -> None:
    assert load(WebSettings, "web", environment=place(**{name: value})) == WebSettings()


def test_a_name_like_no_other_points_to_the_list(place: Place) -> None:
    with pytest.raises(ConfigError, match="`chatnation config` lists them all"):
        load(WebSettings, "web", environment=place(CHATNATION__ZZZZ="1"))


@pytest.mark.parametrize(
    ("yaml", "problem"),
    [
        ("web: {prot: 1}", r"dev\.yml: web\.prot is not a setting: did you mean web\.port\?"),
        ("wbe: {port: 1}", r"dev\.yml: wbe\.port is not a setting: did you mean web\.port\?"),
        (
            "store: {dsn: 'postgresql://a:b@c/d'}",
            r"store\.dsn is a secret and may not stand here: set CHATNATION__STORE__DSN",
        ),
        ("web: {port: [}", r"dev\.yml:1:\d+ is not YAML"),
        ("env: prod", r"env decides which files are read, so it is set by CHATNATION__ENV only"),
        ("web: {port: many}", r"web\.port in configs/dev\.yml is 'many': input should be a valid integer"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_file(place: Place, yaml: str, problem: str) -> None:
    environment = place(dev=yaml)
    with pytest.raises(ConfigError, match=problem) as caught:
        load(WebSettings, "web", environment=environment)
    assert "\n" not in str(caught.value)


def test_a_secret_file_that_is_no_setting_is_refused(place: Place) -> None:
    with pytest.raises(
        ConfigError, match=r"secret file .*store__dns is not named after a setting: did you mean CHATNATION__STORE__DSN"
    ):
        load(WebSettings, "web", environment=place(secrets={"store__dns": "x"}))


def test_a_wrong_value_names_its_variable(place: Place) -> None:
    with pytest.raises(
        ConfigError, match=r"^CHATNATION__WEB__PORT is '70000': input should be less than or equal to 65535$"
    ):
        load(WebSettings, "web", environment=place(CHATNATION__WEB__PORT="70000"))


def test_a_wrong_secret_is_not_repeated(place: Place) -> None:
    environment = place(CHATNATION__STORE__PREVIOUS_MASTER_KEYS='[1, {"hush": 2}]')
    with pytest.raises(ConfigError, match=r"^CHATNATION__STORE__PREVIOUS_MASTER_KEYS") as caught:
        load(StoreSettings, "store", environment=environment)
    assert "hush" not in str(caught.value)


def test_an_environment_without_a_file_is_refused(place: Place) -> None:
    with pytest.raises(
        ConfigError, match=r"CHATNATION__ENV is 'staging', but there is no .*staging\.yml; there are: dev$"
    ):
        load(WebSettings, "web", environment=place(CHATNATION__ENV="staging"))


def test_lists_and_mappings_can_be_given_as_text(place: Place) -> None:
    environment = place(
        CHATNATION__WHATSAPP__MEDIA_HOSTS="a.example, b.example",
        CHATNATION__STORE__BLOBS_OPTIONS='{"region": "eu", "endpoint": "http://s3"}',
        CHATNATION__STORE__BLOBS_OPTIONS__REGION="af",
    )
    assert load(WhatsAppSettings, "whatsapp", environment=environment).media_hosts == ("a.example", "b.example")
    assert load(StoreSettings, "store", environment=environment).blobs_options == {
        "region": "af",
        "endpoint": "http://s3",
    }


def test_an_empty_variable_counts_as_not_set(place: Place) -> None:
    assert load(LogSettings, "log", environment=place(CHATNATION__LOG__FORMAT="")).format is LogFormat.TEXT


def test_a_relative_data_folder_of_the_environment_is_the_callers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Configuration.read({"CHATNATION__DATA": "here"}).data == tmp_path / "here"


@pytest.mark.parametrize("env", ["dev", "test", "prod"])
def test_the_files_that_we_ship_are_right(env: str) -> None:
    Configuration.read({"CHATNATION__ENV": env}).check()


def test_production_runs_without_emulator_and_demo() -> None:
    rows = {row.name: row.value for row in Configuration.read({"CHATNATION__ENV": "prod"}).rows()}
    assert (rows["emulator.enabled"], rows["demo.enabled"], rows["log.format"]) == ("False", "False", "json")


def test_every_setting_is_in_the_readme() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert [section for section in SECTIONS if f"CHATNATION__{section.upper()}__" not in readme] == []


def test_the_names_that_every_model_tool_reads_count_below_our_own() -> None:
    given = {"OPENAI_API_KEY": "sk-theirs", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}
    configuration = Configuration.read(given)
    settings = configuration.section(LlmSettings, "llm")
    assert settings.is_on
    assert settings.base_url == "http://127.0.0.1:1/v1"
    [row] = [each for each in configuration.rows() if each.name == "llm.api_key"]
    assert row.origin == "environment OPENAI_API_KEY"
    assert "sk-theirs" not in row.value
    own = Configuration.read({**given, "CHATNATION__LLM__API_KEY": "sk-ours"}).section(LlmSettings, "llm")
    assert own.api_key is not None
    assert own.api_key.get_secret_value() == "sk-ours"


def test_a_wrong_address_is_told_by_the_name_that_was_set() -> None:
    with pytest.raises(ConfigError, match=r"^OPENAI_BASE_URL is 'localhost:1'"):
        Configuration.read({"OPENAI_BASE_URL": "localhost:1"}).check()


def test_models_are_off_until_there_is_a_key_or_an_address() -> None:
    assert not Configuration.read({}).section(LlmSettings, "llm").is_on
    off = {"OPENAI_API_KEY": "sk-x", "CHATNATION__LLM__ENABLED": "false"}
    assert not Configuration.read(off).section(LlmSettings, "llm").is_on
