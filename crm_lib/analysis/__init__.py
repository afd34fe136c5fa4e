"""Analyses: one subject a file, table → table. Siblings do not import each other; marts combine them."""
