"""Which encoding a text file is in: the declared one that its bytes fit, or else the likeliest.

The likeliest is judged by how much of the text becomes ordinary letters. General detectors take short
tables of names and numbers for the wrong language; the few encodings that spreadsheets write are told
apart more surely by what their decoded text looks like.
"""

from __future__ import annotations

import codecs
import gzip
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, cast

from crm_lib.errors import SourceError, unknown

CHUNK = 1 << 22
SAMPLE = 1 << 18
_OTHER_KINDS = {b"PK\x03\x04": "an Excel file (.xlsx)", b"PAR1": "a Parquet file (.parquet)",
                b"\x1f\x8b": "packed with gzip (.csv.gz)", b"\xd0\xcf\x11\xe0": "an Excel file (.xls)"}  # fmt: skip
Ordinary = Callable[[str], int]
_MONEY = "¥￥€£"
"""Signs of money, ordinary in every encoding that has them: in GB18030 `¥` takes four rare bytes."""


def opened(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked when it is gzip."""
    return cast(IO[bytes], gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb"))


def checked_encoding(
    path: Path, label: str, declared: Sequence[str] = (), *, remedy: str = ""
) -> str:
    """The encoding to read with: the first of those declared, else of UTF-8, that the bytes fit.

    remedy: what to do about other bytes, where no `dataset.yml` names the file.
    Raises SourceError for an unknown encoding, or for bytes that are in none of them.
    """
    tried = list(declared) or ["utf-8"]
    for encoding in tried:
        _check_known(encoding, label)
    faults = []
    for encoding in tried:
        fault = _undecodable(path, label, encoding)
        if fault is None:
            return encoding
        faults.append(fault)
    data, error = faults[-1]
    told = remedy or _remedy(tried, likely_encoding(data))
    raise SourceError(f"'{label}' cannot be read as {' or '.join(tried)}: {error}. {told}")


def _remedy(tried: list[str], guess: str) -> str:
    if guess in tried:
        return f"Some of it looks like {guess}: save the whole file in one encoding."
    listed = f"`encoding: [{', '.join([*tried, guess])}]`"
    one = f"`encoding: {guess}` in its source ({listed} where only some of its files are so)"
    written = one if len(tried) == 1 else f"{listed} in its source"
    return f"It looks like {guess}: write {written}, and check that names read well."


def _check_known(encoding: str, label: str) -> None:
    try:
        codecs.getincrementaldecoder(encoding)
    except LookupError:
        common = ["utf-8", "latin-1", "cp1252", "gb18030", "utf-16", "big5", "shift_jis"]
        raise SourceError(f"'{label}': " + unknown("encoding", encoding, common)) from None


def proposed_encoding(path: Path, label: str) -> str | None:
    """The encoding to declare for a file: None where the bytes are UTF-8."""
    fault = _undecodable(path, label, "utf-8")
    return likely_encoding(fault[0]) if fault else None


def _undecodable(path: Path, label: str, encoding: str) -> tuple[bytes, UnicodeError] | None:
    """The first bytes that are not in `encoding`, and why; None if all are."""
    decoder = codecs.getincrementaldecoder(encoding)()
    chunk = b""
    try:
        with opened(path) as handle:
            chunk = handle.read(CHUNK)
            _check_kind(chunk, label)
            while chunk:
                decoder.decode(chunk)
                chunk = handle.read(CHUNK)
            decoder.decode(b"", final=True)
    except UnicodeError as error:
        return _around(chunk, error), error
    except (gzip.BadGzipFile, EOFError) as error:
        raise SourceError(f"'{label}' cannot be unpacked: {error}.") from None
    return None


def _around(chunk: bytes, error: UnicodeError) -> bytes:
    """The bytes that did not decode: from the start of the file, or of the line they stand in."""
    place = error.start if isinstance(error, UnicodeDecodeError) else 0
    return chunk if place < SAMPLE else chunk[chunk.rfind(b"\n", 0, place) + 1 :]


def _check_kind(start: bytes, label: str) -> None:
    for magic, kind in _OTHER_KINDS.items():
        if start.startswith(magic):
            raise SourceError(f"'{label}' is not text but {kind}; name it so.")


def likely_encoding(data: bytes) -> str:
    """The likeliest encoding of the text that starts with `data`, as Python names it.

    A proposal only, but always one that decodes the first `SAMPLE` bytes (the last character may be
    cut): cp1252 where nothing fits better, latin-1 where that fails, since every byte has a meaning
    in it.
    """
    sample = data[:SAMPLE]
    for name in _wide(sample):
        if _decoded(sample, name) is not None:
            return name
    texts = {name: _decoded(sample, name) for name in _ORDINARY}
    shares = {
        name: _share(sample, text, _ORDINARY[name])
        for name, text in texts.items()
        if text is not None
    }
    best = max(shares, key=lambda name: shares[name], default="latin-1")
    if shares.get(best, 0.0) > 0.5:
        return best
    return "cp1252" if "cp1252" in shares else best


def _wide(sample: bytes) -> list[str]:
    """The encoding of two bytes a letter that the first bytes, or zeros all over, speak for."""
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ["utf-16"]
    if 3 * sample.count(0) > len(sample):
        return ["utf-16-le" if sample[1:2] == b"\0" else "utf-16-be"]
    return []


def _decoded(sample: bytes, encoding: str) -> str | None:
    """The text of the bytes, without a last character that is cut; None where they do not decode."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeError:
        return None


def _share(sample: bytes, text: str, ordinary: Ordinary) -> float:
    """The share of letters beyond ASCII that are ordinary ones."""
    beyond = sum(map(len, re.findall(r"[^\x00-\x7f]+", text)))
    if beyond:
        return ordinary(text) / beyond
    # Nothing decoded but ASCII: right if that is all there is, not if the one other byte was cut.
    return float(sample.isascii())


def _letters(pattern: str) -> Ordinary:
    either = f"{pattern}|[{_MONEY}]"
    return lambda text: sum(map(len, re.findall(either, text)))


def _common(encoding: str, last: bytes) -> Ordinary:
    """Characters in the first, commonly used part of a Chinese character set."""
    return lambda text: sum(_is_common(char, encoding, last) for char in text if char > "\x7f")


def _is_common(char: str, encoding: str, last: bytes) -> bool:
    if char in _MONEY:
        return True
    try:
        return char.encode(encoding) <= last
    except UnicodeError:
        return False


_WESTERN = "äöüßàáâãåæçèéêëìíîïñòóôõøùúûýÿœÄÖÜÀÁÂÃÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕØÙÚÛÝŒ€£§°´«»–’“”„\u00a0"
_CENTRAL = "ąćęłńśźżčďěňřšťůžőűĄĆĘŁŃŚŹŻČĎĚŇŘŠŤŮŽŐŰáéíóúýäöüßÁÉÍÓÚÝÄÖÜ"
_ORDINARY: dict[str, Ordinary] = {
    "utf-8": _letters(r"[^\x00-\x7f]"),
    "shift_jis": _letters(r"[\u3000-\u30ff\u4e00-\u9fff]"),
    "gb18030": _common("gb2312", b"\xd7\xf9"),
    "big5": _common("big5", b"\xc6\x7e"),
    "cp1252": _letters(f"[{_WESTERN}]"),
    "cp1250": _letters(f"[{_CENTRAL}]"),
    # Western accents stand alone among ASCII letters, Cyrillic letters in words.
    "cp1251": _letters(r"[\u0400-\u045f]{3,}"),
}
"""For each encoding, how many characters of a text are ordinary in it. Order breaks ties."""
