"""A lab with drop folders, and what came of the files dropped into them."""

from __future__ import annotations

import json
from datetime import timedelta

from cdp_assets.config.drop_folders import DropFolders
from cdp_assets.config.model import CustomerModelConfig, complete_deployment
from cdp_assets_tests.support.lab import EPOCH, SERVER, Lab

PROPERTIES = [
    {"name": "email", "type": "email"},
    {"name": "phone_number"},
    {"name": "external_id"},
    {"name": "first_name"},
    {"name": "loyalty_points", "type": "number"},
    {"name": "born", "type": "datetime"},
    {"name": "interests", "multiple": True},
    {"name": "custom", "type": "json"},
]
LISTS = {"XyZ123": "Newsletter", "Abc789": "Members"}


def drop_lab(root, **settings) -> Lab:
    folders = DropFolders.model_validate({"name": "klaviyo", "server": SERVER, "lists": LISTS} | settings)
    model = {"properties": PROPERTIES}
    return Lab(root, complete_deployment(CustomerModelConfig.model_validate(model), [folders.connection]))


def drop(room: Lab, text, number=1, name=None, goal="profiles"):
    """Lands a file; the number is its place in the order."""
    at = EPOCH + timedelta(hours=number)
    named = name or f"file{number}.csv"
    return room.land(goal, named, text, look_at=at, modified_at=at, connection="klaviyo").manifest


def deliver(room: Lab, text, number=1, goal="profiles"):
    """Lands and folds a file; what the ledger says of it."""
    drop(room, text, number, goal=goal)
    return room.fold().folded[-1]


def people(room: Lab, columns: str):
    return room.rows(f"SELECT {columns} FROM main.profiles ORDER BY email, phone_number, external_id")


def custom(room: Lab):
    return [json.loads(text) if text else None for (text,) in people(room, "custom")]


def rejects(room: Lab, level="row"):
    """Line, column and reason."""
    return room.rows(
        f"SELECT line_no, column_name, reason FROM ops.rejects WHERE level = '{level}' ORDER BY line_no, column_name"
    )
