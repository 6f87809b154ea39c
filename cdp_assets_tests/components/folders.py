"""A small defs folder that is right, to break in one way or another."""

from __future__ import annotations

from pathlib import Path

MODEL = """\
type: cdp_assets.CustomerModel
attributes:
  properties:
    - {name: email, type: email}
    - {name: city}
    - {name: spend, type: decimal}
  segments:
    - name: vip
      where: {property: spend, operator: in_range, min: 500}
"""
SHOP = """\
type: cdp_assets.SftpConnection
attributes:
  name: shop
  server:
    host: localhost
    username: cdp
    host_key: "SHA256:abc"
    password: {env: SHOP_PASSWORD}
  goals:
    - type: import_profiles
      name: customers
      files: {root: "customers_*.csv"}
      identifiers: [{column: E-Mail, property: email}]
      allow_create: true
      mappings:
        - {column: City, property: city}
        - {column: Spend, property: spend, rule: sum}
    - type: export_profiles
      name: vip_list
      segment: vip
      columns:
        - {property: email, as: E-Mail, identifier: true}
        - {profile_id: {}}
"""


def write(folder: Path, **files: str) -> Path:
    """One `defs.yaml` in a folder of its own for each keyword; the defs folder."""
    for name, text in files.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "defs.yaml").write_text(text, encoding="utf-8")
    return folder


def changed(text: str, *changes: tuple[str, str]) -> str:
    """The text with each first part replaced by the second; every first part must be there once."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text
