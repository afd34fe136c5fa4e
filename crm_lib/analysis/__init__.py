"""Analyses: one subject a file or package, table → table. Siblings do not import each other; marts combine them."""
