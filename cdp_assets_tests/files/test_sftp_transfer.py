import hashlib
import os
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from cdp_assets.errors import FileChangedError, LocalDiskError, RemoteDownError, RemoteError
from cdp_assets.files.remote import Fetched
from cdp_assets.files.sftp import open_server
from cdp_assets_tests.support.proxy import Proxy
from cdp_assets_tests.support.sshd import running_sshd

BIG = 24_000_000
"""More than all buffers between server and client hold, so a pause strikes while the server still reads."""
EARLY = 1_000_000
OLD = 1_700_000_000


def an_old_file(path, content):
    path.write_bytes(content)
    os.utime(path, (OLD, OLD))
    return path


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("size", [0, 1, 261_120, 5_000_001])
def test_a_fetched_file_is_the_servers_file_and_private(sshd, remote, tmp_path, size):
    content = os.urandom(size)
    (remote / "a.csv").write_bytes(content)
    with open_server(sshd.server_config()) as files:
        fetched = files.fetch(files.stat_file(f"{remote}/a.csv"), tmp_path / "a")
    assert fetched == Fetched(hashlib.sha256(content).hexdigest(), size)
    assert (tmp_path / "a").read_bytes() == content
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_an_existing_local_file_is_never_written_over(sshd, remote, tmp_path):
    (remote / "a.csv").write_text("new")
    (tmp_path / "a").write_text("mine")
    with open_server(sshd.server_config()) as files, pytest.raises(LocalDiskError, match="File exists"):
        files.fetch(files.stat_file(f"{remote}/a.csv"), tmp_path / "a")
    assert (tmp_path / "a").read_text() == "mine"


@contextmanager
def paused_download(sshd):
    with (
        Proxy(sshd.port, "pause", EARLY) as proxy,
        ThreadPoolExecutor(1) as worker,
        open_server(sshd.server_config(port=proxy.port)) as files,
    ):
        yield proxy, files, worker


def truncate(path):
    os.truncate(path, BIG // 2)


def grow(path):
    with path.open("ab") as file:
        file.write(b"x" * 1000)


def overwrite_in_place(path):
    with path.open("r+b") as file:
        file.write(b"y" * BIG)


def replace_by_rename(path):
    an_old_file(path.with_suffix(".new"), b"z" * BIG).rename(path)
    os.utime(path)


@pytest.mark.parametrize("change", [truncate, grow, overwrite_in_place, replace_by_rename])
def test_a_file_that_changes_during_the_download_is_refused_and_leaves_nothing(sshd, remote, tmp_path, change):
    path = an_old_file(remote / "a.csv", b"x" * BIG)
    with paused_download(sshd) as (proxy, files, worker):
        file = files.stat_file(f"{remote}/a.csv")
        fetching = worker.submit(files.fetch, file, tmp_path / "a")
        assert proxy.struck.wait(20)
        change(path)
        proxy.resume()
        with pytest.raises(FileChangedError, match=r"changed while it was read .* later look") as caught:
            fetching.result(60)
    assert caught.value.retryable
    assert names_in(tmp_path) == []


def test_a_file_deleted_during_the_download_is_refused(sshd, remote, tmp_path):
    path = an_old_file(remote / "a.csv", b"x" * BIG)
    with paused_download(sshd) as (proxy, files, worker):
        fetching = worker.submit(files.fetch, files.stat_file(f"{remote}/a.csv"), tmp_path / "a")
        assert proxy.struck.wait(20)
        path.unlink()
        proxy.resume()
        with pytest.raises(RemoteError, match="File not found"):
            fetching.result(60)
    assert names_in(tmp_path) == []


def test_a_file_that_changed_since_the_look_is_not_downloaded(sshd, remote, tmp_path):
    (remote / "a.csv").write_text("one")
    with open_server(sshd.server_config()) as files:
        file = files.stat_file(f"{remote}/a.csv")
        (remote / "a.csv").write_text("longer")
        with pytest.raises(FileChangedError, match="had 3 bytes and has 6"):
            files.fetch(file, tmp_path / "a")


def test_a_file_that_became_a_link_is_not_followed(sshd, remote, tmp_path):
    an_old_file(remote / "a.csv", b"abc")
    with open_server(sshd.server_config()) as files:
        file = files.stat_file(f"{remote}/a.csv")
        (remote / "a.csv").rename(remote / "b.csv")
        (remote / "a.csv").symlink_to("b.csv")
        with pytest.raises(FileChangedError, match="no regular file any more"):
            files.fetch(file, tmp_path / "a")


@pytest.mark.parametrize("fault", ["cut", "stall"])
def test_a_link_lost_in_the_download_ends_soon_and_leaves_nothing(sshd, remote, tmp_path, fault):
    an_old_file(remote / "a.csv", b"x" * BIG)
    with Proxy(sshd.port, fault, EARLY) as proxy:
        server = sshd.server_config(port=proxy.port, keepalive_s=0.5)
        with open_server(server) as files, pytest.raises(RemoteDownError, match=r"could not fetch .*a\.csv"):
            files.fetch(files.stat_file(f"{remote}/a.csv"), tmp_path / "a")
    assert names_in(tmp_path) == []


def test_a_file_we_may_not_read_says_so(sshd, remote, tmp_path):
    (remote / "a.csv").write_text("secret")
    (remote / "a.csv").chmod(0o000)
    with open_server(sshd.server_config()) as files, pytest.raises(RemoteError, match="permission denied"):
        files.fetch(files.stat_file(f"{remote}/a.csv"), tmp_path / "a")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("name", ["out.csv", "with space.csv", "-b*.csv"])
@pytest.mark.parametrize("kind", ["sshd", "plain_sshd"])
def test_a_delivery_is_whole_and_replaces_the_file_before(request, tmp_path, kind, name):
    server = request.getfixturevalue(kind)
    folder = server.folder()
    with open_server(server.server_config()) as files:
        for content in (b"first", os.urandom(3_000_000), b"", b"last"):
            (tmp_path / "source").write_bytes(content)
            files.deliver(tmp_path / "source", f"{folder}/{name}")
            assert (folder / name).read_bytes() == content
            assert names_in(folder) == [name]


def test_a_missing_directory_is_made_for_a_delivery(sshd, remote, tmp_path):
    (tmp_path / "source").write_text("a")
    with open_server(sshd.server_config()) as files:
        files.deliver(tmp_path / "source", f"{remote}/new/out.csv")
    assert (remote / "new" / "out.csv").read_text() == "a"


@pytest.mark.parametrize("kind", ["sshd", "plain_sshd"])
@pytest.mark.parametrize("fault", ["cut", "stall"])
def test_a_link_lost_in_a_delivery_leaves_the_file_before(request, tmp_path, kind, fault):
    server = request.getfixturevalue(kind)
    folder = server.folder()
    (folder / "out.csv").write_text("before")
    (tmp_path / "source").write_bytes(b"x" * BIG)
    with Proxy(server.port, fault, EARLY, "up") as proxy:
        config = server.server_config(port=proxy.port, keepalive_s=0.5)
        with open_server(config) as files, pytest.raises(RemoteDownError, match="could not deliver"):
            files.deliver(tmp_path / "source", f"{folder}/out.csv")
    assert (folder / "out.csv").read_text() == "before"
    assert names_in(folder) == [".out.csv.part", "out.csv"]


def test_the_leftover_of_a_broken_delivery_is_replaced(sshd, remote, tmp_path):
    (remote / ".out.csv.part").write_text("a leftover that is longer than the new file")
    (tmp_path / "source").write_text("new")
    with open_server(sshd.server_config()) as files:
        files.deliver(tmp_path / "source", f"{remote}/out.csv")
    assert names_in(remote) == ["out.csv"]
    assert (remote / "out.csv").read_text() == "new"


def test_a_delivery_never_writes_through_a_planted_link(sshd, remote, tmp_path):
    (remote / "victim").write_text("untouched")
    (remote / ".out.csv.part").symlink_to("victim")
    (tmp_path / "source").write_text("new")
    with open_server(sshd.server_config()) as files:
        files.deliver(tmp_path / "source", f"{remote}/out.csv")
    assert (remote / "victim").read_text() == "untouched"
    assert not (remote / "out.csv").is_symlink()


@pytest.mark.parametrize("kind", ["sshd", "plain_sshd"])
def test_a_folder_under_the_target_name_is_left_alone(request, tmp_path, kind):
    server = request.getfixturevalue(kind)
    folder = server.folder()
    (folder / "out.csv").mkdir()
    (tmp_path / "source").write_text("new")
    with open_server(server.server_config()) as files, pytest.raises(RemoteError, match="is a folder"):
        files.deliver(tmp_path / "source", f"{folder}/out.csv")
    assert names_in(folder) == ["out.csv"]


def test_a_full_server_disk_leaves_the_file_before_and_says_what_is_missing(sshd, remote, tmp_path):
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m,mode=777", "tmpfs", remote], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        (remote / "out.csv").write_text("before")
        (tmp_path / "source").write_bytes(b"x" * 5_000_000)
        with open_server(sshd.server_config()) as files, pytest.raises(RemoteError, match="disk is full"):
            files.deliver(tmp_path / "source", f"{remote}/out.csv")
        assert names_in(remote) == ["out.csv"]
        assert (remote / "out.csv").read_text() == "before"
    finally:
        subprocess.run(["umount", "-l", remote], check=True)


def test_a_closed_directory_refuses_a_delivery_clearly(sshd, remote, tmp_path):
    closed = remote / "closed"
    closed.mkdir(mode=0o555)
    closed.chmod(0o555)
    (tmp_path / "source").write_text("new")
    with open_server(sshd.server_config()) as files, pytest.raises(RemoteError, match="permission denied"):
        files.deliver(tmp_path / "source", f"{closed}/out.csv")


def test_a_read_only_server_refuses_a_delivery_and_a_rename(account, tmp_path):
    (tmp_path / "source").write_text("new")
    with running_sshd(account, sftp_options="-R") as server, open_server(server.server_config()) as files:
        (server.root / "a.csv").write_text("a")
        with pytest.raises(RemoteError, match="permission denied"):
            files.deliver(tmp_path / "source", f"{server.root}/out.csv")
        with pytest.raises(RemoteError, match="permission denied"):
            files.rename_without_overwriting(f"{server.root}/a.csv", f"{server.root}/a.csv.done")
        assert names_in(server.root) == ["a.csv"]


def test_a_source_that_is_not_there_is_our_own_disks_trouble(sshd, remote, tmp_path):
    with open_server(sshd.server_config()) as files, pytest.raises(LocalDiskError, match="on this machine"):
        files.deliver(tmp_path / "gone", f"{remote}/out.csv")
    assert names_in(remote) == []


def test_a_reader_sees_the_old_or_the_new_file_and_nothing_between(sshd, remote, tmp_path):
    for letter in "ab":
        (tmp_path / letter).write_bytes(letter.encode() * 2_000_000)
    seen, stop = set(), threading.Event()

    def read():
        while not stop.is_set():
            content = (remote / "out.csv").read_bytes()
            seen.add((len(content), content[:1] * len(content) == content))

    with open_server(sshd.server_config()) as files, ThreadPoolExecutor(1) as worker:
        files.deliver(tmp_path / "a", f"{remote}/out.csv")
        reading = worker.submit(read)
        for letter in "bababa":
            files.deliver(tmp_path / letter, f"{remote}/out.csv")
        stop.set()
        reading.result(20)
    assert seen == {(2_000_000, True)}
