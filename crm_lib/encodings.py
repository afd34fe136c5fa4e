"""Which encoding a text is likely in, judged by how much of it becomes ordinary letters.

General detectors take short tables of names and numbers for the wrong language; the few encodings
that spreadsheets write are told apart more surely by what their decoded text looks like.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

SAMPLE = 1 << 18
Ordinary = Callable[[str], int]
_MONEY = "¥￥€£"
"""Signs of money, ordinary in every encoding that has them: in GB18030 `¥` takes four rare bytes."""


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
