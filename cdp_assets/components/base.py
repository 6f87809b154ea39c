"""What our two components share: reading their attributes, and finding each other through the tree.

The customer model and the connections may stand in any files of any Dagster project that has this package
installed; the cross rules see all of them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

import dagster as dg
from pydantic import BaseModel, PrivateAttr, model_validator

from cdp_assets.components.json_schema import attributes_schema
from cdp_assets.components.loading import deployment_from, find_problems
from cdp_assets.components.reading import Reading, Written, read
from cdp_assets.components.yaml_files import shown_path
from cdp_assets.config.connections import Connection
from cdp_assets.config.drop_folders import DropFolders
from cdp_assets.config.known import Location
from cdp_assets.config.model import CustomerModelConfig, Deployment
from cdp_assets.errors import ConfigError

M = TypeVar("M", bound=BaseModel)


class AsWritten(BaseModel):
    """Mixed into a config model: takes any attributes as they are, and has the model's JSON schema.

    Dagster validates before it renders templates, stops at the first file, and its messages quote the value.
    So it is given nothing to complain about; `load` renders, validates and reports.
    """

    _attributes: dict[str, Any] = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _keep(cls, data: Any, _: Any) -> Any:
        kept = cls.model_construct()
        kept._attributes = dict(data)  # noqa: SLF001  it is its own
        return kept

    def as_written(self) -> Mapping[str, Any]:
        """The attributes as they stand in the file."""
        return self._attributes

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The schema for `dg check yaml`."""
        return attributes_schema(super().model_json_schema(*args, **kwargs))


class ConfigComponent(dg.Component, Generic[M]):
    """A component that is one config model, as it was read."""

    def __init__(self, reading: Reading[M], config: M) -> None:
        self.reading = reading
        self.config = config

    @classmethod
    @abstractmethod
    def config_model(cls) -> type[M]:
        """The model of the attributes."""

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """Read the attributes as Dagster hands them over.

        Raises:
            ConfigError: the author of the YAML must act. Dagster stops at the first broken component, so
                the error holds the problems of all files of the defs folder.
        """
        given = attributes.as_written() if isinstance(attributes, AsWritten) else {}
        resolution = context.resolution_context
        written = _written(given, resolution.source_position_tree)
        reading = read(written, cls.config_model(), resolution.scope)
        if reading.value is None:
            elsewhere = find_problems(context.defs_module_path) if written.shown else []
            raise ConfigError([*reading.problems, *elsewhere])
        return cls(reading, reading.value)

    def deployment(self, context: dg.ComponentLoadContext) -> Deployment:
        """The deployment that all components of the tree form together.

        Raises:
            ConfigError: the author of the YAML must act: the components do not fit each other.
        """
        # An abstract type asks for all its concrete ones.
        found: list[ConfigComponent[Any]] = context.component_tree.get_all_components(ConfigComponent)  # type: ignore[type-abstract]
        readings = [component.reading for component in found]
        if all(reading is not self.reading for reading in readings):
            readings.append(self.reading)
        deployment, problems = deployment_from(
            [reading for reading in readings if isinstance(reading.value, CustomerModelConfig)],
            [reading for reading in readings if isinstance(reading.value, Connection | DropFolders)],
            where=shown_path(context.defs_module_path),
        )
        if deployment is None:
            raise ConfigError(problems)
        return deployment


class _PositionTree(Protocol):
    """The part of Dagster's position tree that is used; a mapping's entry has the position of its key."""

    @property
    def position(self) -> Any: ...
    @property
    def children(self) -> Mapping[str | int, Any]: ...


def _written(attributes: Mapping[str, Any], tree: _PositionTree | None) -> Written:
    if tree is None:
        return Written(attributes=attributes)
    lines: dict[Location, int] = {(): tree.position.start.line}
    if "attributes" in tree.children:
        lines.update(_lines(tree.children["attributes"], ()))
    return Written(shown_path(Path(tree.position.filename)), attributes, lines)


def _lines(tree: _PositionTree, at: Location) -> Iterator[tuple[Location, int]]:
    yield at, tree.position.start.line
    for key, child in tree.children.items():
        yield from _lines(child, (*at, key))
