"""Benchmarks; see scripts/bench."""
