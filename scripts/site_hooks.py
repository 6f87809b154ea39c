"""What the site has beside the files of docs/: the reference, made from the config models as they are."""

from __future__ import annotations

from typing import Any

from mkdocs.structure.files import File, Files

from cdp_assets.components.reference import reference_page


def on_files(files: Files, config: Any) -> Files:
    """Add the page."""
    files.append(File.generated(config, "reference.md", content=reference_page()))
    return files
