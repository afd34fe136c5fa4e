"""One program for each library measured; each runs in the environment of its library."""
