"""Tests of turning YAML into checked config and Dagster definitions."""
