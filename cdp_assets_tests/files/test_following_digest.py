"""The digest of a file that is written in blocks of any order is that of the whole file."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import threading
from contextlib import suppress

import pytest

from cdp_assets.errors import LocalDiskError
from cdp_assets.files.following_digest import following

SIZE = 3_000_000


@pytest.fixture
def descriptor(tmp_path):
    opened = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield opened
    os.close(opened)


@pytest.mark.parametrize("seed", range(5))
def test_blocks_in_any_order_give_the_digest_of_the_file(descriptor, seed):
    chance = random.Random(seed)
    content = chance.randbytes(SIZE)
    cuts = sorted({0, SIZE, *(chance.randrange(SIZE) for _ in range(40))})
    blocks = list(itertools.pairwise(cuts))
    chance.shuffle(blocks)
    with following(descriptor) as digest:
        for start, end in blocks:
            os.pwrite(descriptor, content[start:end], start)
            digest.wrote(start, end - start)
        assert digest.hexdigest() == hashlib.sha256(content).hexdigest()


def test_an_empty_file_has_a_digest(descriptor):
    with following(descriptor) as digest:
        assert digest.hexdigest() == hashlib.sha256(b"").hexdigest()


def test_what_was_said_to_be_written_but_is_not_there_is_an_error(descriptor):
    with following(descriptor) as digest:
        digest.wrote(0, 10)
        with pytest.raises(LocalDiskError, match="cannot be read back: the file ends at byte 0"):
            digest.hexdigest()


def test_nothing_follows_the_file_after_a_failure(descriptor):
    before = threading.active_count()
    with suppress(ConnectionError), following(descriptor) as digest:
        digest.wrote(4096, 10)
        raise ConnectionError
    assert threading.active_count() == before
