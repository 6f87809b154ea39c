"""The component `cdp_assets.CustomerModel`."""

from __future__ import annotations

import dagster as dg
from pydantic import BaseModel

from cdp_assets.assets.build import model_definitions
from cdp_assets.components.base import AsWritten, ConfigComponent
from cdp_assets.config.model import CustomerModelConfig


class CustomerModelAttributes(AsWritten, CustomerModelConfig):
    """What stands below `attributes` of a CustomerModel."""


class CustomerModel(ConfigComponent[CustomerModelConfig]):
    """What a customer profile can hold and which segments there are; exactly one per warehouse."""

    @classmethod
    def config_model(cls) -> type[CustomerModelConfig]:
        """The customer model."""
        return CustomerModelConfig

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """What Dagster reads the JSON schema from."""
        return CustomerModelAttributes

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The warehouse's assets and the segments, behind every connection of the tree.

        Raises:
            ConfigError: the author of the YAML must act; it holds every mistake between the components.
        """
        return model_definitions(self.deployment(context))
