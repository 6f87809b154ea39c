"""Tests, mirroring the package; benchmarks stand beside them."""
