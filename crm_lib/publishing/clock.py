"""The one place that asks what time it is, so that two runs can be compared byte by byte."""

from __future__ import annotations

import os
from datetime import UTC, datetime


def now() -> datetime:
    """The time now in UTC, or the one of `SOURCE_DATE_EPOCH` (the convention of reproducible builds)."""
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        return datetime.fromtimestamp(int(epoch), UTC)
    return datetime.now(UTC).replace(microsecond=0)


def now_text() -> str:
    """The time now as ISO text, for example `2026-01-31T08:15:00+00:00`."""
    return now().isoformat()
