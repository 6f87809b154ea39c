"""The component `cdp_assets.DropFolders`."""

from __future__ import annotations

import dagster as dg
from pydantic import BaseModel

from cdp_assets.assets.build import connection_definitions
from cdp_assets.assets.drop_folders import recent_imports_asset
from cdp_assets.components.base import AsWritten, ConfigComponent
from cdp_assets.config.drop_folders import DropFolders as DropFoldersConfig


class DropFoldersAttributes(AsWritten, DropFoldersConfig):
    """What stands below `attributes` of DropFolders."""


class DropFolders(ConfigComponent[DropFoldersConfig]):
    """Folders on an SFTP server into which files are dropped whose headers say what they hold."""

    @classmethod
    def config_model(cls) -> type[DropFoldersConfig]:
        """Drop folders."""
        return DropFoldersConfig

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """What Dagster reads the JSON schema from."""
        return DropFoldersAttributes

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The assets of the connection that they stand for.

        Raises:
            ConfigError: the author of the YAML must act; it holds every mistake between the components.
        """
        connection = self.config.connection
        recent = dg.Definitions(assets=[recent_imports_asset(connection)])
        return dg.Definitions.merge(connection_definitions(self.deployment(context), connection), recent)
