"""`python -m cdp_assets select`: computes segments and lifecycles, also those that no export asks for."""

from __future__ import annotations

import argparse

import dagster as dg

from cdp_assets.assets.command_runs import carried_out
from cdp_assets.assets.runtime import data_folders, now
from cdp_assets.assets.specs import lifecycle_key, segment_key
from cdp_assets.commands.asset_runs import AssetRuns
from cdp_assets.commands.dagster_home import prepare_dagster_home
from cdp_assets.commands.summary import print_selected
from cdp_assets.commands.tables import new_console
from cdp_assets.components.loading import defs_folder, load_deployment
from cdp_assets.config.known import listed, nearest_first
from cdp_assets.errors import ConfigError
from cdp_assets.flows.run_connection import publish_copy
from cdp_assets.warehouse import open_warehouse

HELP = "compute segments and lifecycles now, also those that no export asks for"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which of them."""
    parser.add_argument("names", nargs="*", metavar="name", help="of segments or lifecycles; default: all")


def run(options: argparse.Namespace) -> int:
    """Compute them, as one run that the web page shows; 1 if it failed.

    Raises:
        ConfigError: whoever asks must: there is no such segment or lifecycle, or nothing was imported yet.
    """
    deployment = load_deployment(defs_folder())
    model = deployment.model
    keys = {segment.name: segment_key(segment.name) for segment in model.segments}
    keys |= {lifecycle.id: lifecycle_key(lifecycle.id) for lifecycle in model.lifecycles}
    unknown = [name for name in options.names if name not in keys]
    if unknown:
        there = listed(nearest_first(unknown[0], keys))
        raise ConfigError(f"no segment or lifecycle {unknown[0]!r}; there are, nearest first: {there}")
    if not data_folders().warehouse.exists():
        raise ConfigError("there are no profiles yet: `python -m cdp_assets run` imports some")
    prepare_dagster_home()
    console, started = new_console(), now()
    wanted = [key for name, key in keys.items() if name in options.names or not options.names]
    with dg.DagsterInstance.get() as instance, carried_out(instance) as tags:
        runs = AssetRuns(console, deployment, instance, tags)
        runs.materialize(wanted, f"computing {listed([key.to_user_string() for key in wanted])}")
    publish_copy(model, data_folders(), at_once=True)
    with open_warehouse(data_folders().warehouse) as database:
        print_selected(console, database, started)
    return 0 if runs.ok else 1
