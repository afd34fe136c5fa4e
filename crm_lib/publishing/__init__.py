"""Notebooks become pages, pages become a run, runs become a site."""
