"""A stream that any reader opens, and that depends on the text alone."""

from __future__ import annotations

import gzip
import random
import shutil
import subprocess
import zlib

import pytest

from cdp_assets.files.gzip_packing import GzipPacker

BLOCK = 1 << 19


def packed(text: bytes, step: int) -> bytes:
    packer = GzipPacker()
    try:
        pieces = [text[start : start + step] for start in range(0, len(text), step)]
        return b"".join([*(part for piece in pieces for part in packer.pack(piece)), *packer.finish()])
    finally:
        packer.close()


TEXTS = [
    b"",
    b"x",
    b"a" * BLOCK,
    b"a" * (BLOCK + 1),
    random.Random(1).randbytes(3 * BLOCK - 1),
    b"name;city\n" * 300_000,
]


@pytest.mark.parametrize("text", TEXTS, ids=len)
def test_any_reader_opens_it_and_only_the_text_counts(text):
    found = packed(text, 65_536)
    assert gzip.decompress(found) == text
    assert found == packed(text, 1_000_003)
    if shutil.which("gzip"):
        done = subprocess.run(["gzip", "-dc"], input=found, capture_output=True, check=True)
        assert (done.stdout, done.stderr) == (text, b"")


def test_little_room_is_lost_to_the_blocks():
    chance = random.Random(2)
    text = b"".join(b"%d;person%d@example.com;Rome\n" % (n, chance.randrange(9**9)) for n in range(100_000))
    assert len(packed(text, 65_536)) < 1.01 * len(zlib.compress(text, 6, 31))
