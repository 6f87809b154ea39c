"""What the documents say in words before a command, done; and how its end is told."""

import shutil
from datetime import date, timedelta

import yaml

from cdp_assets_tests.documents.blocks import FIRST, blocks
from cdp_assets_tests.documents.walk import Hint, Walk

COLUMNS = "E-Mail;First name;Last name;Phone;City;Country;Birthday;Tags;Spend;Newsletter;Household\n"
NEW_CUSTOMERS = [
    "jane@example.com;Jane;;;Utrecht;NL;;;10,00;yes;",
    "bob@example.com;Bob;;;Utrecht;NL;;;many;;",
    "nobody;;;;;;;;;;",
    "ada.ashvale1943@example.net;;;;Utrecht;;;;;;",
    ";Nameless;;;;;;;;;",
]
ADDED = ("total_orders", "last_store", "last_order")
DRAFTED = ("order_id", "ordered_at", "total", "currency", "coupon", "store")
MISSING = ("20260304", "20260501", "20260502")
REFUSED = "20260610"
MINE = "email;city;total_spend\nann@example.com;Ede;120,50\nbo@example.com;Epe;10,00\n"


def lower_bound(walk: Walk) -> None:
    model = walk.defs("model")
    model.write_text(model.read_text().replace("min: 500", "min: 300"))


def without_the_properties(walk: Walk) -> None:
    component = yaml.safe_load(walk.defs("model").read_text())
    # The draft's own have names as near as those of the page.
    known = component["attributes"]["properties"]
    kept = [prop for prop in known if prop["name"] not in (*ADDED, *DRAFTED)]
    component["attributes"]["properties"] = kept
    shutil.copy(walk.defs("model"), walk.project / "model.yaml")
    walk.defs("model").write_text(yaml.safe_dump(component))


def with_the_properties(walk: Walk) -> None:
    shutil.copy(walk.project / "model.yaml", walk.defs("model"))


def new_customers(walk: Walk) -> None:
    (walk.inbox / "customers_20261121.csv").write_text(COLUMNS + "\n".join(NEW_CUSTOMERS) + "\n")


def jane_is_in(walk: Walk) -> None:
    new_customers(walk)
    walk.shell.type("python -m cdp_assets run shop customers")
    assert "jane@example.com" in walk.shell.type("python -m cdp_assets profile jane@example.com")


def jane_is_out(walk: Walk) -> None:
    told = walk.shell.type("python -m cdp_assets profile jane@example.com", exit_code=1)
    assert "no profile has this value" in told


def days_of_points(walk: Walk) -> None:
    """A file for every day until today but those that the page misses."""
    day, today = date(2026, 1, 1), date.today()
    while day <= today:
        name = f"{day:%Y%m%d}"
        if name not in MISSING:
            header = "mail" if name == REFUSED else "email"
            (walk.inbox / f"points_{name}.csv").write_text(f"{header},points\nada.ashvale1943@example.net,1\n")
        day += timedelta(days=1)


def tills_have_run(walk: Walk) -> None:
    (made,) = [block.text for block in blocks(FIRST) if block.language == "sh" and block.text.startswith("for day")]
    walk.shell.type(made)
    walk.shell.type("python -m cdp_assets run tills")
    component = yaml.safe_load(walk.defs("tills").read_text())
    component["attributes"]["goals"][0]["mappings"][0]["rule"] = "set"
    walk.defs("tills").write_text(yaml.safe_dump(component))


def deployed(walk: Walk) -> None:
    """The settings and the folders that the page names."""
    (walk.project / "dagster_home").mkdir()
    shutil.copy(walk.project / "dagster.yaml", walk.project / "dagster_home")
    shutil.copytree(walk.project / "cdp_assets" / "defs", walk.project / "defs")
    workspace = (walk.project / "deploy" / "workspace.yaml").read_text().replace("host: code", "host: 127.0.0.1")
    (walk.project / "workspace.yaml").write_text(walk.here(workspace))


def deployed_data(walk: Walk) -> None:
    shutil.copytree(walk.project / "data", walk.project / "deploy" / "state" / "data", dirs_exist_ok=True)


def own_server(walk: Walk) -> None:
    (walk.project / "data" / "sftp" / "mine").mkdir()
    (walk.project / "data" / "sftp" / "mine" / "customers_1.csv").write_text(MINE)


def run_again(walk: Walk) -> None:
    """As the README says at the end of its way."""
    walk.shell.type("python -m cdp_assets run shop")
    (sent,) = (walk.project / "data" / "sftp" / "from_cdp").iterdir()
    assert "ann@example.com" in sent.read_text()
    assert "bo@example.com" not in sent.read_text()


def run_the_tills(walk: Walk) -> None:
    """As the page says at its end."""
    told = walk.shell.type("python -m cdp_assets run tills")
    assert all(f"tills_202611{day}.csv" in told for day in (18, 19, 20))
    assert "3 source files renamed to .done" in told


CHECK = "python -m cdp_assets check"
HINTS = (
    Hint(
        "README.md",
        "export CDP_DEFS_DIR=my_defs CDP_DATA_DIR=my_data DAGSTER_HOME=$PWD/my_dagster_home",
        before=own_server,
        answers="127.0.0.1\n2222\ncdp\n\n\nyes\nmine\n",
    ),
    Hint("getting-started.md", CHECK, before=lower_bound),
    Hint("getting-started.md", CHECK, 3, before=without_the_properties, exit_code=1),
    Hint("getting-started.md", "python -m cdp_assets test-connection shop", before=with_the_properties),
    Hint(
        "getting-started.md",
        "python -m cdp_assets scaffold tills --host 127.0.0.1 --port 2222 --user cdp"
        " --password-file data/server/password --directory in --files 'tills_*.csv'",
        answers="yes\n",
    ),
    Hint("importing.md", "python -m cdp_assets preview shop customers --rows 3", before=new_customers),
    Hint(
        "importing.md",
        "python -m cdp_assets backfill shop daily_points 2026-01-01 2026-12-31",
        before=days_of_points,
        exit_code=1,
    ),
    Hint("importing.md", "python -m cdp_assets missing shop daily_points", exit_code=1),
    Hint("importing.md", "python -m cdp_assets reland tills orders", before=tills_have_run),
    Hint(
        "operating.md",
        "export PYTHONPATH=$PWD DAGSTER_HOME=$PWD/dagster_home CDP_DATA_DIR=$PWD/data CDP_DEFS_DIR=$PWD/defs",
        before=deployed,
    ),
    Hint("operating.md", "cd deploy", 2, before=deployed_data),
    Hint("privacy.md", "python -m cdp_assets erase --file people.csv", before=jane_is_in),
    Hint("privacy.md", "python -m cdp_assets erase --lift --file people.csv", before=jane_is_out),
)
"""The exit code is 0 where none is said, and nobody is asked where there are no answers."""

AT_THE_END = {"README.md": run_again, "getting-started.md": run_the_tills}

PAGE = """python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:3000/server_info', timeout=5)\""""
SERVED = {
    "dagster code-server start -h 127.0.0.1 -p 4000 -m cdp_assets.definitions": "dagster api grpc-health-check -p 4000",
    "dagster-webserver -h 127.0.0.1 -p 3000 -w workspace.yaml": PAGE,
    "dagster-daemon run -w workspace.yaml": "dagster-daemon liveness-check",
}
"""Commands that go on until Ctrl-C, and the questions of `compose.yaml` that tell that they answer."""
