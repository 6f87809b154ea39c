"""Benchmarks: each module here measures one thing against the best peer on this machine.

A module has `run() -> str`, which prints what it likes and returns one line of ratios.
"""
