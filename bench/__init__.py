"""Benchmarks: how fast, measured how, and on what. Run by `make bench`."""
