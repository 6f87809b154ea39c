"""The component `cdp_assets.SftpConnection`."""

from __future__ import annotations

import dagster as dg
from pydantic import BaseModel

from cdp_assets.assets.build import connection_definitions
from cdp_assets.components.base import AsWritten, ConfigComponent
from cdp_assets.components.scaffold import SftpConnectionScaffolder
from cdp_assets.config.connections import Connection


class SftpConnectionAttributes(AsWritten, Connection):
    """What stands below `attributes` of an SftpConnection."""


@dg.scaffold_with(SftpConnectionScaffolder)
class SftpConnection(ConfigComponent[Connection]):
    """One SFTP server, its log-in and schedule, and the goals that import from it and export to it."""

    @classmethod
    def config_model(cls) -> type[Connection]:
        """One connection."""
        return Connection

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """What Dagster reads the JSON schema from."""
        return SftpConnectionAttributes

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The assets of the connection.

        Raises:
            ConfigError: the author of the YAML must act; it holds every mistake between the components.
        """
        return connection_definitions(self.deployment(context), self.config)
