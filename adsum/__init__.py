"""Adsum: attendance and engagement monitoring for universities."""

__version__ = "0.1.0.dev0"
