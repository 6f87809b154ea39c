"""What `dg scaffold defs cdp_assets.SftpConnection <name>` writes: a whole connection to fill in."""

from __future__ import annotations

import re
from pathlib import Path

import dagster as dg

from cdp_assets.errors import ConfigError

_TEMPLATE = """\
# One SFTP server and what is done with its files. `python -m cdp_assets check` finds mistakes.
type: cdp_assets.SftpConnection
attributes:
  name: {name}
  description: ""
  server:
    host: "{{{{ env('{variable}_SFTP_HOST', 'sftp.example.com') }}}}"
    port: 22
    username: cdp
    # What the server shows itself with: ask its operator, or compare `ssh-keyscan HOST | ssh-keygen -lf -`.
    host_key: "SHA256:put-the-fingerprint-here"
    # A secret is only named here: an environment variable, or {{file: path}}.
    password: {{env: {variable}_SFTP_PASSWORD}}
    user_directory: ""
  enabled: true
  run: arrival
  goals:
    - type: import_profiles
      name: customers
      files: {{directory: in, root: "customers_*.csv", delta: true}}
      format: {{separator: ",", decimal: ".", multi_value: "|"}}
      identifiers: [{{column: email, property: email}}]
      allow_create: true
      mappings:
        - {{column: email, property: email}}
    # - type: export_profiles
    #   name: vip_list
    #   segment: vip
    #   directory: out
    #   file: {{name: "{{segment}}_{{timestamp}}"}}
    #   columns: [{{property: email, as: E-Mail, identifier: true}}]
requirements:
  env: [{variable}_SFTP_HOST]
"""


class SftpConnectionScaffolder(dg.Scaffolder):
    """Writes a defs.yaml that loads as it stands, given a customer model with a property `email`."""

    def scaffold(self, request: dg.ScaffoldRequest) -> None:
        """Write or append the file.

        Raises:
            ConfigError: the caller must act: a connection is YAML, not Python.
        """
        if request.scaffold_format != "yaml":
            raise ConfigError("a connection is written as YAML; scaffold it with --format yaml")
        path = request.target_path
        text = connection_yaml(path.parent.name if request.append else path.name)
        if request.append:
            path.write_text(f"{path.read_text(encoding='utf-8')}---\n{text}", encoding="utf-8")
        else:
            Path(path, "defs.yaml").write_text(text, encoding="utf-8")


def connection_yaml(folder: str) -> str:
    """The file for a connection named after its folder."""
    name = re.sub(r"[^a-z0-9_]+", "_", folder.lower()).lstrip("_0123456789") or "connection"
    return _TEMPLATE.format(name=name[:63], variable=name[:63].upper())
