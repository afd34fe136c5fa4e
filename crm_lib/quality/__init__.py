"""Is the data fit to report from? Great Expectations judges; this package says what follows."""
