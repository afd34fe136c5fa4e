"""Tests of the benchmark: its customers and its tables, never its times."""
