"""What deploy/ says fits the code and itself. Nothing here runs Docker."""

import re
import socket
from pathlib import Path

import pytest
import yaml
from dagster import DagsterInstance

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
STORAGE = ("HOST", "DB", "USER", "PASSWORD")


def read(name):
    return (DEPLOY / name).read_text(encoding="utf-8")


def loaded(name):
    return yaml.safe_load(read(name))


def variables_of(name):
    return set(re.findall(r"^([A-Z_]+)=", read(name), flags=re.M))


def folders_in(service):
    return {volume.split(":")[1] for volume in service["volumes"]}


COMPOSE = loaded("compose.yaml")
OURS = {name: COMPOSE["services"][name] for name in ("code", "webserver", "daemon")}


def test_the_example_has_every_variable_that_compose_asks_for_and_no_other():
    text = re.sub(r"^ *#.*$", "", read("compose.yaml"), flags=re.M)
    assert set(re.findall(r"\$\{([A-Z_]+)", text)) == variables_of(".env.example")


def test_the_instance_settings_are_those_of_the_project_but_for_the_storage():
    deployed = loaded("dagster.yaml")
    assert "postgres" in deployed.pop("storage")
    assert deployed == yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("service", OURS)
def test_every_process_of_dagster_has_what_the_storage_asks_for(service):
    asked = set(re.findall(r"\{env: (\w+)\}", read("dagster.yaml")))
    assert asked == {f"DAGSTER_POSTGRES_{part}" for part in STORAGE}
    assert asked <= set(OURS[service]["environment"])
    assert any(volume.startswith("./dagster.yaml:") for volume in OURS[service]["volumes"])


def test_the_storage_is_loaded_with_its_driver(tmp_path, monkeypatch, caplog):
    """Nobody answers here, which the driver can only find out by asking."""
    with socket.socket() as taken:
        # Bound, and not listened on: whoever connects is refused.
        taken.bind(("127.0.0.1", 0))
        settings = read("dagster.yaml").replace("port: 5432", f"port: {taken.getsockname()[1]}")
        (tmp_path / "dagster.yaml").write_text(settings)
        for part in STORAGE:
            monkeypatch.setenv(f"DAGSTER_POSTGRES_{part}", "127.0.0.1" if part == "HOST" else "dagster")
        with pytest.raises(Exception, match="too many retries"), DagsterInstance.from_config(str(tmp_path)):
            pass
    assert "psycopg2.OperationalError" in caplog.text
    assert "Connection refused" in caplog.text


def test_the_page_and_the_daemon_find_the_code():
    place = loaded("workspace.yaml")["load_from"][0]["grpc_server"]
    command = OURS[place["host"]]["command"]
    own = yaml.safe_load((ROOT / "workspace.yaml").read_text(encoding="utf-8"))["load_from"][0]["python_module"]
    assert command[command.index("-p") + 1] == str(place["port"])
    assert command[command.index("-m") + 1] == own["module_name"]
    assert place["location_name"] == own["location_name"]


def test_the_folders_are_where_the_code_looks_for_them():
    told = dict(re.findall(r"(\w+)=(/\S+?)(?: \\)?$", read("Dockerfile"), flags=re.M))
    assert {told["CDP_DATA_DIR"], told["CDP_DEFS_DIR"], told["DAGSTER_HOME"]} <= folders_in(OURS["code"])
    for service in OURS.values():
        assert {told["DAGSTER_HOME"], told["DAGSTER_HOME"] + "/dagster.yaml"} <= folders_in(service)


def test_only_the_code_sees_data_and_secrets():
    for name in ("webserver", "daemon"):
        assert "env_file" not in OURS[name]
        assert {folder.partition("/dagster_home")[0] for folder in folders_in(OURS[name])} == {"/srv/cdp"}


def test_the_page_is_for_this_machine_unless_somebody_says_otherwise():
    published = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert published == ["${CDP_WEB_ADDRESS:-127.0.0.1}:${CDP_WEB_PORT:-3000}:3000"]


def test_our_variables_are_those_the_code_reads():
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "cdp_assets").rglob("*.py"))
    names = re.findall(r"^ *(?:ENV )?(CDP_[A-Z_]+)=", read("Dockerfile"), flags=re.M)
    names += [name for name in OURS["code"]["environment"] if name.startswith("CDP_")]
    assert set(names) <= set(re.findall(r"CDP_[A-Z_]+", code))


def test_everything_that_is_copied_into_the_image_is_there_and_let_in():
    copied = re.findall(r"^COPY (\S+) ", read("Dockerfile"), flags=re.M)
    let_in = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), flags=re.M)
    assert copied
    assert all((ROOT / name).exists() for name in copied)
    assert sorted(copied) == sorted(let_in)
