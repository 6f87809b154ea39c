"""The components inside Dagster: discovery, loading through the tree, schemas and scaffolding."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster.components.component_scaffolding import scaffold_object
from dagster.components.testing import create_defs_folder_sandbox
from jsonschema import Draft202012Validator

import cdp_assets
from cdp_assets.assets.lineage import telling_sources
from cdp_assets.components.customer_model import CustomerModelAttributes
from cdp_assets.components.loading import find_problems, load_deployment
from cdp_assets.components.scaffold import connection_yaml
from cdp_assets.components.sftp_connection import SftpConnectionAttributes
from cdp_assets.components.yaml_files import read_file
from cdp_assets.definitions import definitions_in, defs
from cdp_assets.errors import ConfigError
from cdp_assets_tests.components.folders import MODEL, SHOP, changed, write

# Dagster's own loader copies sensors with an argument that it calls beta.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Parameter .owners. of initializer .SensorDefinition:dagster.BetaWarning"
)
DEPS = {
    "shop/files": set(),
    "shop/customers": {"shop/files"},
    "profiles": {"shop/customers"},
    "shop/done": {"profiles"},
    "segments/vip": {"profiles"},
    "shop/vip_list": {"segments/vip"},
}


def deps_of(definitions: dg.Definitions) -> dict[str, set[str]]:
    return {
        spec.key.to_user_string(): {dep.asset_key.to_user_string() for dep in spec.deps}
        for spec in definitions.resolve_all_asset_specs()
    }


def config_error(error: BaseException) -> ConfigError:
    """The ConfigError Dagster wrapped."""
    causes: Iterator[BaseException | None] = iter([error, error.__cause__, getattr(error.__cause__, "__cause__", None)])
    return next(cause for cause in causes if isinstance(cause, ConfigError))


def test_the_folder_becomes_the_asset_graph(tmp_path: Path) -> None:
    definitions = definitions_in(write(tmp_path, model=MODEL, shop=SHOP))
    dg.Definitions.validate_loadable(definitions)
    assert deps_of(definitions) == DEPS


def test_the_assets_say_what_they_are(tmp_path: Path) -> None:
    specs = {
        spec.key.to_user_string(): spec
        for spec in definitions_in(write(tmp_path, model=MODEL, shop=SHOP)).resolve_all_asset_specs()
    }
    assert {specs[key].group_name for key in ("shop/files", "shop/customers")} == {"shop_in"}
    assert {specs[key].group_name for key in ("shop/vip_list", "shop/done")} == {"shop_out"}
    assert specs["shop/customers"].kinds == {"csv", "parquet"}
    schema = specs["profiles"].metadata["dagster/column_schema"]
    assert [column.name for column in schema.columns][-3:] == ["email", "city", "spend"]
    assert all(spec.description for spec in specs.values())


def test_the_variable_names_the_folder_and_dagster_loads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDP_DEFS_DIR", str(write(tmp_path, model=MODEL, shop=SHOP)))
    loaded = defs()
    dg.Definitions.validate_loadable(loaded)
    assert {sensor.name for sensor in loaded.sensors} == {
        "after_each_fold",
        "checks",
        "fold_waiting_batches",
        "shop__arrivals",
    }
    assert set(deps_of(loaded)) == set(DEPS)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="this folder does not exist; set CDP_DEFS_DIR"):
        definitions_in(tmp_path / "nowhere")


def test_another_dagster_project_uses_the_components_in_one_file_or_many() -> None:
    with create_defs_folder_sandbox() as sandbox:
        second = changed(SHOP, ("name: shop", "name: outlet"), ("localhost", "other.example"))
        write(sandbox.defs_folder_path, model=MODEL, shops=f"{SHOP}---\n{second}")
        with sandbox.build_all_defs() as definitions:
            dg.Definitions.validate_loadable(definitions)
            assert deps_of(definitions)["profiles"] == {"shop/customers", "outlet/customers"}


def test_dagster_tells_the_mistakes_of_all_files_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model, shop = changed(MODEL, ("decimal", "decimel")), changed(SHOP, ("      allow_create", "      allow_creat"))
    with pytest.raises(Exception, match="Error while") as caught:
        definitions_in(write(tmp_path, model=model, shop=shop))
    told = [str(problem).split(": ")[0] for problem in config_error(caught.value).problems]
    assert told == ["model/defs.yaml:6", "shop/defs.yaml:14"]


def test_dagster_tells_what_does_not_fit_between_components(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shop = changed(SHOP, ("segment: vip", "segment: vop"))
    with pytest.raises(Exception, match="Error while") as caught:
        definitions_in(write(tmp_path, model=MODEL, shop=shop))
    assert str(config_error(caught.value)) == ("shop/defs.yaml:20: unknown segment 'vop'; known, nearest first: vip")


def test_a_template_reaches_the_component(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDP_TEST_PORT", "2222")
    shop = changed(SHOP, ("localhost", "localhost\n    port: \"{{ env('CDP_TEST_PORT') }}\""))
    definitions = definitions_in(write(tmp_path, model=MODEL, shop=shop))
    [files] = [spec for spec in definitions.resolve_all_asset_specs() if spec.key == dg.AssetKey(["shop", "files"])]
    assert files.metadata["server"] == "cdp@localhost:2222"


def test_dagster_finds_the_components_where_the_yaml_names_them() -> None:
    found = {name: getattr(cdp_assets, name) for name in dir(cdp_assets)}
    assert {name for name, value in found.items() if hasattr(value, "__dg_package_entry__")} == {
        "CustomerModel",
        "DropFolders",
        "SftpConnection",
    }
    with pytest.raises(AttributeError, match="has no attribute 'DropFolder'"):
        _ = cdp_assets.DropFolder


def test_the_lower_floors_come_without_dagster() -> None:
    code = "import sys, cdp_assets.errors, cdp_assets.config.check; sys.exit('dagster' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def schema_errors(text: str, tmp_path: Path) -> list[tuple[str, str]]:
    (tmp_path / "defs.yaml").write_text(text)
    [document], _ = read_file(tmp_path / "defs.yaml")
    model = SftpConnectionAttributes if "Sftp" in document.value["type"] else CustomerModelAttributes
    validator = Draft202012Validator(model.model_json_schema())
    errors = validator.iter_errors(document.value["attributes"])
    return [(".".join(str(part) for part in error.path), error.message) for error in errors]


@pytest.mark.parametrize(
    ("text", "change", "expected"),
    [
        (SHOP, ("allow_create", "allow_creat"), [("goals.0", "'allow_creat' was unexpected")]),
        (SHOP, ("export_profiles", "export"), [("goals.1.type", "'export' is not one of ['export_profiles', 'imp")]),
        (SHOP, ("{profile_id: {}}", "{property: a, identifier: 5}"), [("goals.1.columns.1.identifier", "5 is not of")]),
        (SHOP, ("{profile_id: {}}", "{text: a}"), [("goals.1.columns.1", "'as' is a required property")]),
        (SHOP, ("rule: sum", "rule: some"), [("goals.0.mappings.1.rule", "'some' is not one of ['set', ")]),
        (SHOP, ("name: shop", "name: shop\n  schedule: {at: 5}"), [("schedule.at", "5 is not of type 'string'")]),
        (SHOP, ("username: cdp", "username: cdp\n    port: x"), [("server.port", "'x' is not of type 'integer'")]),
        (SHOP, ("username: cdp", "username: cdp\n    port: \"{{ env('P') }}\""), []),
        (SHOP, ("{env: SHOP_PASSWORD}", "Hunter2"), []),
        (MODEL, ("in_range", "range"), [("segments.0.where.operator", "'range' is not one of ")]),
        (MODEL, ("{property: spend,", "{all: [{property: 5, operator: is_empty}],"),
         [("segments.0.where", "Additional properties"), ("segments.0.where.all.0.property", "5 is not of")]),
    ],
)  # fmt: skip
def test_the_json_schema_names_the_exact_field(
    tmp_path: Path, text: str, change: tuple[str, str], expected: list[tuple[str, str]]
) -> None:
    found = schema_errors(changed(text, change), tmp_path)
    assert len(found) == len(expected)
    for (path, message), (wanted_path, wanted) in zip(sorted(found), expected, strict=True):
        assert path == wanted_path
        assert wanted in message
        assert "Hunter2" not in message


def test_a_scaffolded_connection_loads_as_it_stands(tmp_path: Path) -> None:
    with create_defs_folder_sandbox() as sandbox:
        path = sandbox.scaffold_component(component_cls=cdp_assets.SftpConnection, defs_path="mail-tool 2")
        write(sandbox.defs_folder_path, model=MODEL)
        deployment = load_deployment(sandbox.defs_folder_path)
        assert deployment.connections[0].name == "mail_tool_2"
        assert "MAIL_TOOL_2_SFTP_PASSWORD" in (path / "defs.yaml").read_text()
        with sandbox.build_all_defs() as definitions:
            dg.Definitions.validate_loadable(definitions)


def test_a_second_connection_can_be_appended_to_a_file(tmp_path: Path) -> None:
    folder = write(tmp_path, model=MODEL, shop=SHOP)
    path = folder / "shop" / "defs.yaml"
    scaffold_object(path, "cdp_assets.SftpConnection", None, "yaml", project_root=None, append=True)
    assert [problem.message for problem in find_problems(folder)] == [
        "connection name 'shop' is taken by another connection"
    ]


def test_a_folder_name_becomes_a_connection_name() -> None:
    assert "\n  name: connection\n" in connection_yaml("42")
    assert "\n  name: a_b\n" in connection_yaml("1 A.B")


def specs_of(tmp_path: Path, **files: str) -> dict[str, dg.AssetSpec]:
    definitions = definitions_in(write(tmp_path, **files))
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def origins(spec: dg.AssetSpec) -> dict[str, list[str]]:
    """Column → the columns it is made of."""
    deps = spec.metadata["dagster/column_lineage"].deps_by_column
    return {name: [f"{one.asset_key.to_user_string()}: {one.column_name}" for one in of] for name, of in deps.items()}


def test_a_column_is_followed_from_the_file_to_the_delivery(tmp_path: Path) -> None:
    specs = specs_of(tmp_path, model=MODEL, shop=SHOP)
    assert origins(specs["shop/customers"])["E-Mail"] == ["shop/files: E-Mail"]
    assert origins(specs["profiles"])["email"] == ["shop/customers: E-Mail"]
    assert origins(specs["profiles"])["spend"] == ["shop/customers: Spend"]
    assert origins(specs["segments/vip"])["profile_id"] == ["profiles: profile_id", "profiles: spend"]
    assert origins(specs["shop/vip_list"])["profile_id"] == ["profiles: profile_id"]
    uses = {
        column.name: column.description for column in specs["shop/customers"].metadata["dagster/column_schema"].columns
    }
    assert uses["E-Mail"] == "finds profiles by email"
    assert uses["Spend"] == "goes into spend by sum"
    made = {column.name: column.description for column in specs["profiles"].metadata["dagster/column_schema"].columns}
    assert made["email"] == "From shop / customers: E-Mail."
    assert made["profile_id"] == "Id of the profile; stays the same for ever."


def test_a_description_names_what_a_column_is_made_of_but_not_without_end() -> None:
    key = dg.AssetKey(["shop", "a"])
    deps = [dg.TableColumnDep(key, "x"), dg.TableColumnDep(key, "y")]
    deps += [dg.TableColumnDep(dg.AssetKey(["shop", name]), "z") for name in "bcdef"]
    schema = dg.TableSchema([dg.TableColumn("city", "text", "Where they live", tags={"pii": ""})])
    (told,) = telling_sources(schema, dg.TableColumnLineage({"city": deps})).columns
    assert told.description == ("Where they live. From shop / a: x, y; shop / b: z; shop / c: z; shop / d: z; 2 more.")
    assert (told.type, told.tags) == ("text", {"pii": ""})


def test_a_field_that_a_processor_makes_leads_to_the_columns_it_is_made_of(tmp_path: Path) -> None:
    processors = """processors:
        - {concatenate: {fields: [First, Last], into: Whole}}
        - {concatenate: {fields: [Whole, Town], into: Spend}}
        - {current_date: {into: City}}
      allow_create"""
    spec = specs_of(tmp_path, model=MODEL, shop=changed(SHOP, ("allow_create", processors)))["shop/customers"]
    assert origins(spec)["Spend"] == ["shop/files: First", "shop/files: Last", "shop/files: Town"]
    assert "City" not in origins(spec)


def test_every_asset_has_kinds_owners_tags_a_description_and_leads_to_its_yaml(tmp_path: Path) -> None:
    more = "name: shop\n  owners: [team:crm]\n  labels: [retail]\n  favorite: true\n  edit_roles: [marketing]"
    owned = changed(MODEL, ("attributes:\n", "attributes:\n  owners: [data@example.com]\n"))
    specs = specs_of(tmp_path, model=owned, shop=changed(SHOP, ("name: shop", more)))
    for key, spec in specs.items():
        ours = key.startswith("shop/")
        assert spec.kinds
        assert spec.description
        assert list(spec.owners) == (["team:crm"] if ours else ["data@example.com"])
        assert {"label/retail", "edit_role/marketing", "favorite"} <= spec.tags.keys() or not ours
        (reference,) = spec.metadata["dagster/code_references"].code_references
        assert reference.file_path.endswith("shop/defs.yaml" if ours else "model/defs.yaml")


def test_an_owner_must_be_a_team_or_an_address(tmp_path: Path) -> None:
    folder = write(tmp_path, model=MODEL, shop=changed(SHOP, ("name: shop", "name: shop\n  owners: [crm]")))
    with pytest.raises(Exception, match="Error while loading") as caught:
        definitions_in(folder)
    assert "an e-mail address, or team: and a name" in str(config_error(caught.value))
