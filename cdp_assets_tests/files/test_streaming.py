"""A download takes its answers out of a channel that others use, however a server cuts, orders or spoils them."""

from __future__ import annotations

import asyncio
import os
import random
from concurrent.futures import ThreadPoolExecutor

import asyncssh
import pytest

from cdp_assets.config.base import SecretRef
from cdp_assets.config.connections import Server
from cdp_assets.errors import FileChangedError, LocalDiskError, RemoteDownError, RemoteError
from cdp_assets.files import embedded_server
from cdp_assets.files.credentials import load_credentials
from cdp_assets.files.embedded_server import USERNAME, EmbeddedServer
from cdp_assets.files.io_loop import io_loop
from cdp_assets.files.login import log_in
from cdp_assets.files.sftp import open_server
from cdp_assets.files.streaming import session_of, start_client
from cdp_assets_tests.files.test_digesting_writer import files_of_at_most

CONTENT = random.Random(0).randbytes(700_000)


def on_the_loop(work):
    return asyncio.run_coroutine_threadsafe(work, io_loop()).result(60)


async def streamed_beside_others(config, path, size, most_bytes):
    """The file, and what the client learns meanwhile on the same channel."""
    held = bytearray(size)

    def store(data, offset):
        held[offset : offset + len(data)] = data

    async with (
        await log_in(config, load_credentials(config)) as connection,
        start_client(connection, most_bytes) as client,
        client.open(path, "rb") as file,
    ):
        looks = asyncio.gather(*(client.stat(path) for _ in range(20)))
        await session_of(client).stream(file.handle, size, 60_000, store, lambda: None)
        return bytes(held), {look.size for look in await looks}


@pytest.mark.parametrize("most_bytes", [1, 4, 8, 9, 12, 13, 14, 1000, 32_768])
def test_heads_and_data_may_be_cut_anywhere(sshd, remote, most_bytes):
    content = CONTENT[: 3000 * most_bytes]
    (remote / "a.csv").write_bytes(content)
    work = streamed_beside_others(sshd.server_config(), f"{remote}/a.csv", len(content), most_bytes)
    assert on_the_loop(work) == (content, {len(content)})


@pytest.fixture
def embedded(tmp_path):
    with EmbeddedServer(tmp_path / "folder", tmp_path / "state") as served:
        (served.folder / "a.csv").write_bytes(CONTENT)
        yield Server(
            host=served.host,
            port=served.port,
            host_key=served.host_key,
            username=USERNAME,
            password=SecretRef(file=served.password_file),
        )


@pytest.fixture
def answer(monkeypatch):
    """Lets the server answer a read otherwise: a function of the file, the offset, the bytes asked and its own way."""
    usual = embedded_server._Folder.read

    def use(read):
        monkeypatch.setattr(
            embedded_server._Folder, "read", lambda _self, *asked: read(*asked, lambda *other: usual(_self, *other))
        )

    return use


def fetch(server, target):
    with open_server(server) as files:
        return files.fetch(files.stat_file("/a.csv"), target)


def test_less_than_was_asked_for_is_asked_for_again(embedded, answer, tmp_path):
    chance = random.Random(1)
    answer(lambda file, offset, asked, usual: usual(file, offset, chance.randint(1, min(asked, 9000))))
    fetch(embedded, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_answers_may_come_in_any_order(embedded, answer, tmp_path):
    chance = random.Random(2)

    async def later(file, offset, asked, usual):
        await asyncio.sleep(chance.random() / 20)
        return usual(file, offset, asked)

    answer(later)
    fetch(embedded, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_more_than_was_asked_for_is_refused(embedded, answer, tmp_path):
    answer(lambda file, offset, asked, usual: usual(file, offset, asked) + b"!")
    with pytest.raises(RemoteDownError, match="more bytes came than were asked for"):
        fetch(embedded, tmp_path / "a")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("nothing", [b"", None])
def test_an_end_before_the_size_is_a_file_that_changed(embedded, answer, tmp_path, nothing):
    def read(file, offset, asked, usual):
        if offset < 300_000:
            return usual(file, offset, asked)
        if nothing is None:
            raise asyncssh.SFTPEOFError
        return nothing

    answer(read)
    with pytest.raises(FileChangedError, match=r"ended at byte \d+ of 700000"):
        fetch(embedded, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_server_that_gives_up_in_the_middle_says_why_and_can_be_asked_again(embedded, answer, tmp_path):
    def read(file, offset, asked, usual):
        if offset >= 300_000:
            raise asyncssh.SFTPPermissionDenied("no more")
        return usual(file, offset, asked)

    answer(read)
    with open_server(embedded) as files:
        seen = files.stat_file("/a.csv")
        with pytest.raises(RemoteError, match="permission denied"):
            files.fetch(seen, tmp_path / "a")
        answer(lambda file, offset, asked, usual: usual(file, offset, asked))
        files.fetch(seen, tmp_path / "b")
    assert not (tmp_path / "a").exists()
    assert (tmp_path / "b").read_bytes() == CONTENT


def test_a_full_disk_ends_the_download_and_leaves_the_connection(sshd, remote, tmp_path):
    (remote / "a.csv").write_bytes(CONTENT * 20)
    (remote / "b.csv").write_bytes(CONTENT)
    with open_server(sshd.server_config()) as files:
        with files_of_at_most(100_000), pytest.raises(LocalDiskError, match="File too large"):
            files.fetch(files.stat_file(f"{remote}/a.csv"), tmp_path / "a")
        files.fetch(files.stat_file(f"{remote}/b.csv"), tmp_path / "b")
    assert not (tmp_path / "a").exists()
    assert (tmp_path / "b").read_bytes() == CONTENT


def test_several_downloads_share_a_connection(sshd, remote, tmp_path):
    names = [f"{number}.csv" for number in range(12)]
    contents = {name: os.urandom(900_001) for name in names}
    for name in names:
        (remote / name).write_bytes(contents[name])
    with open_server(sshd.server_config()) as files, ThreadPoolExecutor(len(names)) as together:
        seen = {file.name: file for file in files.list_files(str(remote))}
        list(together.map(lambda name: files.fetch(seen[name], tmp_path / name), names))
    assert {name: (tmp_path / name).read_bytes() for name in names} == contents
