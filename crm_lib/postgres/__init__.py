"""PostgreSQL as a source: tables and views read in one snapshot, month by month, into Parquet."""

from crm_lib.postgres.snapshot import Snapshot, TablePart

__all__ = ["Snapshot", "TablePart"]
