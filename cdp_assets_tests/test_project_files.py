import re
import subprocess
import tomllib
from pathlib import Path

import dagster as dg
import yaml

ROOT = Path(__file__).parents[1]


def pyproject():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_code_location_has_one_name_everywhere():
    project = pyproject()["tool"]["dg"]["project"]
    loaded = yaml.safe_load((ROOT / "workspace.yaml").read_text(encoding="utf-8"))["load_from"]
    assert [item["python_module"]["location_name"] for item in loaded] == [project["code_location_name"]]
    assert loaded[0]["python_module"]["module_name"] == f"{project['root_module']}.definitions"


def test_dagster_accepts_our_settings_and_folds_one_run_at_a_time(tmp_path):
    (tmp_path / "dagster.yaml").write_bytes((ROOT / "dagster.yaml").read_bytes())
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        pools = instance.get_concurrency_config().pool_config
        assert (pools.default_pool_limit, pools.pool_granularity.value) == (1, "run")
        assert not instance.telemetry_enabled
        assert instance.run_monitoring_enabled


def test_the_lock_file_has_every_dependency_we_declare():
    project = pyproject()["project"]
    declared = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {re.match(r"[A-Za-z0-9._-]+", item)[0].lower() for item in declared}
    locked = re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements.lock").read_text(), flags=re.M)
    assert names <= set(locked)


def test_make_help_lists_what_people_type():
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    listed = set(re.findall(r"^  make ([a-z-]+)", told.stdout, flags=re.M))
    assert {"demo", "dev", "test", "test-slow", "check", "format", "bench", "lock", "clean"} <= listed


def test_setting_up_tells_how_far_it_is_and_nothing_else_that_pip_says():
    said = [f"Collecting p{n}==1 (from -r requirements.lock (line {n}))\n  Downloading p{n}.whl\n" for n in range(60)]
    said.append("Installing collected packages: p1, p2\nSuccessfully installed p1-1 p2-1\n")
    command = [str(ROOT / "scripts" / "pip_progress.sh"), "60"]
    told = subprocess.run(command, input="".join(said), capture_output=True, text=True, check=True, timeout=60)
    assert [line.strip() for line in told.stdout.splitlines()] == [
        "25 of 60 packages are here",
        "50 of 60 packages are here",
        "all are here; unpacking them takes about as long again",
    ]
