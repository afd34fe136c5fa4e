"""The cache of staged parts, verdicts and facts: Parquet named after everything that went into it.

A folder or file appears whole or not at all: it is made beside its place and renamed. Its name is a hash
of input, configuration, rules and code, so that a changed byte of any is never read as old.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from filelock import FileLock

from crm_lib import project
from crm_lib.dataset import Dataset

STAGING = (
    "schema", "source", "dataset", "conditions", "engine", "encodings", "textfiles", "casting", "sourcefiles", "parts", "sources",
    "corrections", "staging", "known", "taking",
)  # fmt: skip
"""Modules and packages of `crm_lib` whose code decides what a staged part holds."""
JUDGING = (*STAGING, "periods", "hashes", "quality", "intake")
"""… which of its rows fail."""
COUNTING = (*JUDGING, "spark", "contents", "baskets", "facts", "ranges", "history", "accepted")
"""… what is counted of the others, whatever the day."""
LEDGER = (*COUNTING, "cost_rules", "cost_components", "ledger")
"""… what they earned and cost."""
FACTS = (
    *LEDGER,
    "segment_map",
    "stage_rules",
    "making",
    "book",
    "btyd",
    "needs",
