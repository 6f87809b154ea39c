"""Cross rules of lifecycles: ids differ, and conditions ask for what there is."""

from __future__ import annotations

from collections.abc import Iterator

from cdp_assets.config.check_segments import asked_places
from cdp_assets.config.known import Known, Place
from cdp_assets.config.model import CustomerModelConfig
from cdp_assets.config.unread import as_far_as_read


def lifecycle_places(model: CustomerModelConfig, known: Known) -> Iterator[Place]:
    """Every mistake in the lifecycles of a model."""
    ids = [lifecycle.id for lifecycle in model.lifecycles]
    for index, lifecycle in enumerate(model.lifecycles):
        if lifecycle.id in ids[:index]:
            yield ("lifecycles", index, "id"), f"lifecycle id {lifecycle.id!r} is taken by an earlier lifecycle"
        for where, message in as_far_as_read(asked_places(lifecycle, known)):
            yield ("lifecycles", index, *where), message
