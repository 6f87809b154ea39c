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
WHOLE = {
    "model": """\
type: cdp_assets.CustomerModel
attributes:
  properties:
    - {name: email, type: email}
    - {name: city}
    - {name: spend, type: decimal}
    - {name: phone_number}
    - {name: external_id}
    - {name: tags, multiple: true}
    - {name: custom, type: json}
    - {name: clubs, multiple: true, group_type: club}
  segments:
    - {name: vip, where: {property: spend, operator: in_range, min: 500}}
    - {name: not_vip, where: {inverse_of: vip}}
    - {name: buyers, where: {event: {type: order, count: {at_least: 1}}}}
    - {name: members, where: {group: {type: club, where: [{property: title, operator: contains_any, values: [a]}]}}}
    - {name: allowed, where: {objective: Ads, state: consented}}
    - {name: written, where: {sql: "spend > 5"}}
  lifecycles:
    - {id: club_life, entrance: {segment: vip}, stages: [{id: new, where: {property: city, not_is_empty: true}}]}
  event_types:
    - {id: visit, fields: [{key: page}, {key: things, fields: [{key: colour}]}]}
  metrics:
    - {name: Opened, folders: box, fields: [{key: subject}]}
  group_types:
    - {id: club, properties: [{name: title}], display_name: title}
  objectives: [{id: Ads}]
  interactions: {a: b}
  blocked_identifiers: ["-1"]
  domain_groups: [SHOPS]
  merging: {}
  display_name: email
  publish_every_s: 0
  snapshots: {keep: 1}
  owners: ["team:crm"]
  checks: {}
""",
    "shop": """\
type: cdp_assets.SftpConnection
attributes:
  name: shop
  description: A shop.
  owners: ["team:crm"]
  labels: [a]
  favorite: true
  edit_roles: [b]
  server:
    host: localhost
    username: cdp
    host_key: "SHA256:abc"
    password: {env: SHOP_PASSWORD}
    user_directory: home
  enabled: true
  run: schedule
  schedule: {at: "06:30", days_of_week: [mon]}
  order: 1
  pgp: {private_key: {env: KEY}, public_keys: [{env: PUBLIC}]}
  notifications: []
  checks: {}
  objectives: [Ads]
  goals:
    - type: import_profiles
      name: customers
      domain_group: SHOPS
      files:
        root: "customers_*.csv"
        directory: in
        linked: [{name: lines, file: lines.csv, column: Id, parent_column: Id}]
      identifiers: [{column: E-Mail, property: email}]
      return_rejects: {directory: back, plain: true}
      mappings:
        - {column: City, property: city}
        - {column: Consented, property: consented_objectives, rule: add}
      events:
        - type: visit
          date: When
          mappings: [{column: Page, property: page}]
          nested: [{property: things, source: lines, mappings: [{column: lines.Colour, property: colour}]}]
    - type: import_groups
      name: clubs
      group_type: club
      files: {root: clubs.csv}
      identifiers: [{column: Id}]
      return_rejects: {plain: true}
      mappings: [{column: Title, property: title}]
    - type: export_profiles
      name: vip_list
      segment: vip
      exclude_segments: [not_vip]
      directory: out
      lifecycle: {id: club_life, stages: [new]}
      pgp: {sign: true}
      events: {types: [visit]}
      order_by: [{property: email}]
      columns:
        - {property: email, as: E-Mail, identifier: true}
        - {segments: all}
        - {lifecycles: all}
        - {profile_id: {}}
""",
    "box": """\
type: cdp_assets.DropFolders
attributes:
  name: box
  description: Drop here.
  owners: ["team:crm"]
  labels: [a]
  favorite: true
  edit_roles: [b]
  server:
    host: localhost
    username: box
    host_key: "SHA256:abc"
    password: {env: BOX_PASSWORD}
  enabled: true
  run: schedule
  schedule: {at: "06:30", days_of_week: [mon]}
  notifications: []
  checks: {}
  order: 2
  directory: drops
  profiles: people
  events: happenings
  lists: {L1: Newsletter}
  sms_enabled: true
  metric_limit: 5
  properties: {City: city}
  keep_received: false
""",
}
"""Three files that say something of each key there is; they fit each other."""


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
