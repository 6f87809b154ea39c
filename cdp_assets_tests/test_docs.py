"""The documents name only what exists: YAML that loads, commands, targets, files, tables and variables."""

import re
import shlex

import dagster as dg
import pytest
import yaml

from cdp_assets.__main__ import COMMANDS, argument_parser
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.components.reference import reference_page
from cdp_assets.definitions import definitions_in
from cdp_assets.sql import history, tables
from cdp_assets_tests.documents.blocks import DOCUMENTS, FIRST, ROOT, blocks, prose
from cdp_assets_tests.documents.yaml_parts import FRAGMENT, RUN_CONFIG, folder_of, is_component, with_fragment

REFERENCE = ROOT / "docs" / "reference.md"
"""A page of the site that is made with it and stands in no file."""

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def typed_words(document):
    """What a reader may type: code spans and fenced blocks that are no YAML."""
    spans = re.findall(r"`([^`\n]+)`", prose(document))
    return "\n".join([*spans, *(block.text for block in blocks(document) if block.language != "yaml")])


def names_of_tables():
    found = (*tables.FACTS, *tables.DERIVED, *tables.MEMBERSHIPS)
    return {table.name for table in found} | {view.name for view in history.VIEWS} | {"profiles"}


def anchors(document):
    text = reference_page() if document == REFERENCE else prose(document)
    titles = re.findall(r"^#+ (.+)$", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def yaml_blocks(document):
    return [block.text for block in blocks(document) if block.language == "yaml"]


@each_document
def test_every_yaml_block_is_a_component_or_says_where_it_belongs(document):
    placed = [is_component, FRAGMENT.match, RUN_CONFIG.match]
    assert [text for text in yaml_blocks(document) if not any(place(text) for place in placed)] == []


@each_document
def test_the_yaml_loads_together_with_the_shipped_one(document, tmp_path):
    files = {path.parent.name: yaml.safe_load(path.read_text()) for path in defs_folder().glob("*/defs.yaml")}
    texts = yaml_blocks(document) if document == FIRST else [*yaml_blocks(FIRST), *yaml_blocks(document)]
    for text in filter(is_component, texts):
        files[folder_of(text)] = yaml.safe_load(text)
    for text in texts:
        if part := FRAGMENT.match(text):
            with_fragment(files[part["name"]], text)
    for name, component in files.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "defs.yaml").write_text(yaml.safe_dump(component))
    assert len(load_deployment(tmp_path).connections) == len(files) - 1


@each_document
def test_what_is_given_to_a_run_is_taken_by_it(document):
    for text in yaml_blocks(document):
        if given := RUN_CONFIG.match(text):
            job = definitions_in(defs_folder()).resolve_job_def(given["job"])
            assert dg.validate_run_config(job, yaml.safe_load(text))


@each_document
def test_every_command_named_is_there(document):
    assert set(re.findall(r"python -m cdp_assets ([a-z][\w-]*)", typed_words(document))) <= set(COMMANDS)


@each_document
def test_every_command_line_can_be_typed_as_it_stands(document):
    """The blocks' lines; what a real parser refuses ends this test with its own message."""
    for block in blocks(document):
        for line in re.findall(r"^(?:\$ )?python -m cdp_assets (.*)$", block.text.replace("\\\n", " "), flags=re.M):
            argument_parser().parse_args(shlex.split(line, comments=True))


def test_the_readme_names_every_command():
    assert set(COMMANDS) <= set(re.findall(r"python -m cdp_assets ([a-z][\w-]*)", typed_words(ROOT / "README.md")))


@each_document
def test_every_make_target_named_is_there(document):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    assert set(re.findall(r"(?<![\w-])make ([a-z][a-z-]*)", typed_words(document))) <= targets


@each_document
def test_every_link_leads_somewhere(document):
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        there = target.exists() or target == REFERENCE
        if "://" not in link and (not there or (anchor and anchor not in anchors(target))):
            broken.append(link)
    assert broken == []


@each_document
def test_every_source_file_named_is_there(document):
    named = set(re.findall(r"`((?:flows|files|sql|config|assets|components|commands)/\w+\.py)`", prose(document)))
    assert {name for name in named if not (ROOT / "cdp_assets" / name).exists()} == set()


def test_the_architecture_lists_every_table_and_no_other():
    part = prose(ROOT / "docs" / "architecture.md").partition("\n## Tables\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", part, flags=re.M)) == names_of_tables()


def test_the_architecture_lists_every_variable_of_ours_and_no_other():
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "cdp_assets").rglob("*.py"))
    listed = set(re.findall(r"`(CDP_[A-Z_]+)`", prose(ROOT / "docs" / "architecture.md")))
    assert listed == set(re.findall(r"\bCDP_[A-Z_]+\b", code))


@each_document
def test_no_document_names_a_place_of_one_machine(document):
    assert re.findall(r"(?<![\w.])/(?:work|tmp|root|home)/\S*", document.read_text(encoding="utf-8")) == []
