"""Tests of `cdp_assets.files`."""
