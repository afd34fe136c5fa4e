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


def likely_encoding(data: bytes) -> str:
    """The likeliest encoding of the text that starts with `data`, as Python names it.

    A proposal only: cp1252 where nothing fits better, since every byte has some meaning in it.
    """
    sample = data[:SAMPLE]
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if 3 * sample.count(0) > len(sample):
        return "utf-16-le" if sample[1:2] == b"\0" else "utf-16-be"
    scores = {name: _share(sample, name, ordinary) for name, ordinary in _ORDINARY.items()}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] > 0.5 else "cp1252"


def _share(sample: bytes, encoding: str, ordinary: Ordinary) -> float:
    """The share of letters beyond ASCII that are ordinary ones; 0 where the bytes do not decode."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        text = decoder.decode(sample)
    except UnicodeError:
        return 0.0
    beyond = sum(map(len, re.findall(r"[^\x00-\x7f]+", text)))
    return ordinary(text) / beyond if beyond else 1.0


def _letters(pattern: str) -> Ordinary:
    return lambda text: sum(map(len, re.findall(pattern, text)))


def _common(encoding: str, last: bytes) -> Ordinary:
    """Characters in the first, commonly used part of a Chinese character set."""
    return lambda text: sum(_encodable(char, encoding, last) for char in text if char > "\x7f")


def _encodable(char: str, encoding: str, last: bytes) -> bool:
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
