import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from cdp_assets.errors import FileChangedError, FileError, RemoteError
from cdp_assets.files.sftp import open_server
from cdp_assets_tests.support.proxy import Proxy

OLD = 1_700_000_000


def an_old_file(path, content):
    path.write_bytes(content)
    os.utime(path, (OLD, OLD))
    return path


@pytest.mark.parametrize("size", [0, 1, 261_121, 1_048_576])
def test_a_small_file_is_read_whole(sshd, remote, size):
    content = os.urandom(size)
    an_old_file(remote / "a.txt", content)
    with open_server(sshd.server_config()) as files:
        assert files.read_small(files.stat_file(f"{remote}/a.txt")) == content


def test_a_file_longer_than_expected_is_not_read(sshd, remote):
    an_old_file(remote / "a.txt", b"x" * 11)
    with open_server(sshd.server_config()) as files:
        file = files.stat_file(f"{remote}/a.txt")
        with pytest.raises(FileError, match=r"a\.txt has 11 bytes; at most 10 are expected"):
            files.read_small(file, 10)


@pytest.mark.parametrize("content", [b"x" * 9, b"x" * 11])
def test_a_small_file_that_changed_since_the_look_is_refused(sshd, remote, content):
    an_old_file(remote / "a.txt", b"x" * 10)
    with open_server(sshd.server_config()) as files:
        file = files.stat_file(f"{remote}/a.txt")
        an_old_file(remote / "a.txt", content)
        with pytest.raises(FileChangedError, match="changed while it was read"):
            files.read_small(file)


def test_a_file_that_changes_while_it_is_read_is_refused(sshd, remote):
    big = 24_000_000
    path = an_old_file(remote / "a.txt", b"x" * big)
    with (
        Proxy(sshd.port, "pause", 1_000_000) as proxy,
        ThreadPoolExecutor(1) as worker,
        open_server(sshd.server_config(port=proxy.port)) as files,
    ):
        reading = worker.submit(files.read_small, files.stat_file(str(path)), big)
        assert proxy.struck.wait(20)
        os.truncate(path, big // 2)
        proxy.resume()
        with pytest.raises(FileChangedError):
            reading.result(60)


def test_a_small_file_that_is_gone_is_named(sshd, remote):
    an_old_file(remote / "a.txt", b"x")
    with open_server(sshd.server_config()) as files:
        file = files.stat_file(f"{remote}/a.txt")
        (remote / "a.txt").unlink()
        with pytest.raises(RemoteError, match=f"^File not found: {remote}/a.txt$"):
            files.read_small(file)
