"""Promises that must hold when a process dies, a file changes or two processes meet."""
