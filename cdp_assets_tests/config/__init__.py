"""Tests of the config and its cross rules."""
