"""The files of a simulated company: rows are added in order, and written a row group at a time."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


class Files:
    """Open files below one folder. Tables added to one file have the same columns."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: dict[str, int] = {}
        """file: its number of rows so far"""
        self._waiting: dict[str, list[pa.Table]] = {}
        self._open: dict[str, pq.ParquetWriter] = {}

    def add(self, file: str, rows: pa.Table) -> None:
        """Add rows to `file`, a path below the folder that ends in `.parquet`."""
        self.rows[file] = self.rows.get(file, 0) + rows.num_rows
        self._waiting.setdefault(file, []).append(rows)

    def flush(self) -> None:
        """Write what waits: one row group a file."""
        for file, tables in self._waiting.items():
            rows = pa.concat_tables(tables)
            if file not in self._open:
                path = self.folder / file
                path.parent.mkdir(parents=True, exist_ok=True)
                # The Arrow schema is left out: the file shall depend on its rows alone.
                self._open[file] = pq.ParquetWriter(
                    path, rows.schema, compression="zstd", store_schema=False
                )
            self._open[file].write_table(rows)
        self._waiting = {}

    def close(self) -> None:
        self.flush()
        for writer in self._open.values():
            writer.close()
        self._open = {}
