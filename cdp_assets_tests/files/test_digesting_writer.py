"""What is written in blocks of any order is the whole file, and its digest that of the file."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import resource
import signal
import threading
from contextlib import contextmanager, suppress

import pytest

from cdp_assets.files import digesting_writer as module
from cdp_assets.files.digesting_writer import digesting_writer

SIZE = 3_000_000


@pytest.fixture
def descriptor(tmp_path):
    opened = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield opened
    os.close(opened)


@contextmanager
def files_of_at_most(size):
    """A disk that is full from then on, as far as this process can tell."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def _blocks(content, chance):
    cuts = sorted({0, len(content), *(chance.randrange(len(content)) for _ in range(40))})
    return list(itertools.pairwise(cuts))


@pytest.mark.parametrize("buffer", [777, 510 * 1024])
@pytest.mark.parametrize("seed", range(5))
def test_blocks_in_any_order_give_the_file_and_its_digest(descriptor, monkeypatch, seed, buffer):
    monkeypatch.setattr(module, "_BUFFER", buffer)
    chance = random.Random(seed)
    content = chance.randbytes(SIZE)
    blocks = _blocks(content, chance)
    chance.shuffle(blocks)
    with digesting_writer(descriptor) as writer:
        for start, end in blocks:
            writer.put(content[start:end], start)
        assert writer.hexdigest() == hashlib.sha256(content).hexdigest()
    assert os.pread(descriptor, SIZE + 1, 0) == content


def test_whoever_brings_more_than_may_wait_waits_for_the_disk(descriptor, monkeypatch):
    monkeypatch.setattr(module, "_BUFFER", 1000)
    monkeypatch.setattr(module, "_BUFFERS", 2)
    content = random.Random(0).randbytes(SIZE)
    with digesting_writer(descriptor) as writer:
        for start in range(0, SIZE, 1000):
            writer.put(content[start : start + 1000], start)
            # What has been taken in is at most what may wait, so the rest stands in the file.
            assert os.fstat(descriptor).st_size >= start + 1000 - 2000
        assert writer.hexdigest() == hashlib.sha256(content).hexdigest()


def test_an_empty_file_has_a_digest(descriptor):
    with digesting_writer(descriptor) as writer:
        assert writer.hexdigest() == hashlib.sha256(b"").hexdigest()


def test_a_full_disk_is_told_at_the_latest_with_the_digest(descriptor):
    with files_of_at_most(100_000), digesting_writer(descriptor) as writer:
        writer.put(bytes(200_000), 0)
        with pytest.raises(OSError, match="File too large"):
            writer.hexdigest()


def test_a_full_disk_ends_a_long_file_early(descriptor):
    with files_of_at_most(100_000), digesting_writer(descriptor) as writer:

        def put_a_hundred() -> None:
            for number in range(100):
                writer.put(bytes(1 << 20), number << 20)

        with pytest.raises(OSError, match="File too large"):
            put_a_hundred()


def test_nothing_writes_to_the_file_after_a_failure(descriptor):
    before = threading.active_count()
    with suppress(ConnectionError), digesting_writer(descriptor) as writer:
        writer.put(bytes(10), 4096)
        raise ConnectionError
    assert threading.active_count() == before
