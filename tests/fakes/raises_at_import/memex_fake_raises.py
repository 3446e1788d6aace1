"""Raises when it is imported."""

raise RuntimeError("this plugin cannot\nbe imported")
