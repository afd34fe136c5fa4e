"""The files of a simulated company: rows are added in order, and written a row group at a time."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

UTF_8 = "utf-8"


class Files:
    """Open files below one folder, Parquet or CSV by their suffix. Rows of one file have the same
    columns."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: dict[str, int] = {}
        """file: its number of rows so far"""
        self.beyond_utf_8: set[str] = set()
        """files with bytes that are not what UTF-8 would have"""
        self._encodings: dict[str, str] = {}
        self._waiting: dict[str, list[pa.Table]] = {}
        self._parquet: dict[str, pq.ParquetWriter] = {}
        self._text: dict[str, IO[bytes]] = {}

    def add(self, file: str, rows: pa.Table, encoding: str = UTF_8) -> None:
        """Add rows to `file`, a path below the folder; `encoding` is that of a CSV file."""
        self.rows[file] = self.rows.get(file, 0) + rows.num_rows
        self._encodings[file] = encoding
        self._waiting.setdefault(file, []).append(rows)

    def flush(self) -> None:
        """Write what waits: one row group a Parquet file."""
        for file, tables in self._waiting.items():
            rows = pa.concat_tables(tables)
            path = self.folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".csv":
                self._write_csv(file, path, rows)
            else:
                self._write_parquet(file, path, rows)
        self._waiting = {}

    def close(self) -> None:
        self.flush()
        for writer in (*self._parquet.values(), *self._text.values()):
            writer.close()

    def _write_parquet(self, file: str, path: Path, rows: pa.Table) -> None:
        if file not in self._parquet:
            # The Arrow schema is left out: the file shall depend on its rows alone.
            self._parquet[file] = pq.ParquetWriter(
                path, rows.schema, compression="zstd", store_schema=False
            )
        self._parquet[file].write_table(rows)

    def _write_csv(self, file: str, path: Path, rows: pa.Table) -> None:
        is_new = file not in self._text
        if is_new:
            self._text[file] = path.open("wb")
        buffer = io.BytesIO()
        options = csv.WriteOptions(include_header=is_new, quoting_style="needed")
        csv.write_csv(rows, buffer, options)
        text = buffer.getvalue().decode(UTF_8).encode(self._encodings[file])
        if text != buffer.getvalue():
            self.beyond_utf_8.add(file)
        self._text[file].write(text)
