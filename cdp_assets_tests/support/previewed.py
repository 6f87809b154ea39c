"""The analyst's case: an encrypted, gzipped file with semicolons, a linked file beside it, and the YAML for both."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import yaml

from cdp_assets_tests.support.connected import Shop, export_goal, import_goal
from cdp_assets_tests.support.openpgp import Key, Keyring
from cdp_assets_tests.support.sshd import Sshd

CUSTOMERS = """\
Id;E-Mail;City;Spend;Phone;Born;Tags
1;anna@example.com;delft;1.234,50;0612345678;01-03-1980;books|tea
2;bert@example.com;breda;20,00;0201234567;13-04-1990;
3;not an address;delft;x;;;
4;cleo@example.com;skip;1,00;;14-04-1990;tea
;;delft;;;;
"""
ORDERS = """\
Customer;Amount;When
1;10;2024-01-05
1;20;2024-02-05
2;5;2024-03-05
9;7;2024-03-05
"""
GOAL = import_goal(
    files={
        "root": "customers_*.csv.gz.pgp",
        "linked": [{"name": "orders", "file": "orders_*.csv", "parent_column": "Id", "column": "Customer"}],
    },
    format={"separator": ";", "decimal": ","},
    identifiers=[{"column": "E-Mail", "property": "email"}],
    processors=[
        {"casing": {"fields": ["City"], "to": "upper"}},
        {"filter": {"field": "City", "pattern": "^SKIP$", "keep": "other"}},
    ],
    mappings=[
        {"column": "City", "property": "city"},
        {"column": "orders.Amount", "property": "points", "rule": "sum"},
        {"column": "Gone", "property": "tags", "rule": "add"},
    ],
)


class EncryptedShop(Shop):
    """A shop whose files are encrypted to its key, with a defs folder beside its data."""

    def __init__(self, sshd: Sshd, folder: Path, ring: Keyring, key: Key, goals: list[dict[str, Any]] | None = None):
        super().__init__(sshd, folder / "data", goals or [GOAL, export_goal()])
        self.folder, self.ring, self.key = folder, ring, key
        (folder / "key.asc").write_text(key.private)
        (folder / "key.asc").chmod(0o600)

    def settings(self, **server: Any) -> dict[str, Any]:
        settings = super().settings(**server)
        settings["connections"][0]["pgp"] = {"private_key": {"file": str(self.folder / "key.asc")}}
        return settings

    def put_sealed(self, name: str, text: str, *, packed: bool = False) -> Path:
        content = gzip.compress(text.encode()) if packed else text.encode()
        return self.put(name, self.ring.encrypted(content, self.key))

    def put_delivery(self, number: int = 1, customers: str = CUSTOMERS, orders: str = ORDERS) -> None:
        """The files of the analyst's case."""
        self.put_sealed(f"customers_{number}.csv.gz.pgp", customers, packed=True)
        self.put_sealed(f"orders_{number}.csv", orders)

    def write_defs(self) -> Path:
        """The deployment as YAML files."""
        settings = self.settings()
        parts = {"model": ("CustomerModel", settings["model"]), "shop": ("SftpConnection", settings["connections"][0])}
        for name, (kind, attributes) in parts.items():
            (self.folder / "defs" / name).mkdir(parents=True)
            text = yaml.safe_dump({"type": f"cdp_assets.{kind}", "attributes": attributes}, sort_keys=False)
            (self.folder / "defs" / name / "defs.yaml").write_text(f"# {name}, by hand\n{text}")
        return self.folder / "defs"


def everything(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file below a folder, with its content and modification time."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
