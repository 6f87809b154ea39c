import asyncio
import io
import os
import socket
import time

import asyncssh
import pytest

from cdp_assets.config.base import SecretRef
from cdp_assets.config.connections import Server
from cdp_assets.errors import RemoteDownError, RemoteError
from cdp_assets.files import embedded_server
from cdp_assets.files.embedded_server import USERNAME, EmbeddedServer
from cdp_assets.files.sftp import open_server


@pytest.fixture
def served(tmp_path):
    with EmbeddedServer(tmp_path / "folder", tmp_path / "state") as server:
        yield server


def config_of(server, **changes):
    settings = {
        "host": server.host,
        "port": server.port,
        "host_key": server.host_key,
        "username": USERNAME,
        "password": SecretRef(file=server.password_file),
        "keepalive_s": 5,
    }
    return Server.model_validate(settings | changes)


def test_files_go_in_and_out_and_are_renamed(served, tmp_path):
    (tmp_path / "source").write_bytes(os.urandom(3_000_000))
    with open_server(config_of(served)) as files:
        files.deliver(tmp_path / "source", "out/a.csv")
        files.rename_without_overwriting("out/a.csv", "out/a.csv.done")
        (file,) = files.list_files("/out")
        files.fetch(file, tmp_path / "back")
    assert file.path == "/out/a.csv.done"
    assert (tmp_path / "back").read_bytes() == (tmp_path / "source").read_bytes()
    assert (served.folder / "out" / "a.csv.done").exists()


def test_odd_names_survive(served):
    name = os.fsdecode(b"\xff a[1]\n.csv")
    (served.folder / name).write_text("a")
    with open_server(config_of(served)) as files:
        assert [file.name for file in files.list_files(".")] == [name]


def test_the_state_is_private_and_kept(tmp_path):
    first = EmbeddedServer(tmp_path / "folder", tmp_path / "state")
    again = EmbeddedServer(tmp_path / "folder", tmp_path / "state")
    assert first.host_key == again.host_key == (tmp_path / "state" / "host_key.pub").read_text().strip()
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "state").iterdir()}
    assert modes == {"host_key": 0o600, "host_key.pub": 0o600, "password": 0o600}
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert len(first.password_file.read_text().strip()) >= 24


@pytest.mark.parametrize("username", [USERNAME, "root"])
def test_a_wrong_password_or_user_is_refused(served, tmp_path, username):
    password = tmp_path / "wrong"
    password.touch(mode=0o600)
    password.write_text("wrong" if username == USERNAME else served.password_file.read_text())
    server = config_of(served, username=username, password=SecretRef(file=password))
    with pytest.raises(RemoteError, match="Authentication failed"), open_server(server):
        pass


def test_a_listed_key_logs_in_as_the_one_user_only(served, tmp_path):
    key = asyncssh.generate_private_key("ssh-ed25519")
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "key").write_bytes(key.export_private_key())
    (tmp_path / "state" / "authorized_keys").write_bytes(key.export_public_key())
    by_key = {"password": None, "private_key": SecretRef(file=tmp_path / "key")}
    with open_server(config_of(served, **by_key)) as files:
        assert files.list_files(".") == []
    with pytest.raises(RemoteError, match="Authentication failed"):
        open_server(config_of(served, **by_key, username="root")).__enter__()


def test_nothing_outside_the_folder_is_reachable(served, tmp_path):
    (tmp_path / "outside.txt").write_text("private")
    (served.folder / "link").symlink_to(tmp_path)
    with open_server(config_of(served)) as files:
        assert files.stat_file("/../../outside.txt") is None
        with pytest.raises(RemoteError, match="permission denied"):
            files.list_files("/link")
        with pytest.raises(RemoteError, match="permission denied"):
            files.stat_file("/link/outside.txt")


def test_it_listens_on_the_loopback_alone(served):
    with socket.create_connection(("127.0.0.1", served.port), 5) as link:
        assert link.recv(4) == b"SSH-"
    assert served.host == "127.0.0.1"


def test_a_taken_port_is_told(served, tmp_path):
    with pytest.raises(RemoteError, match=f"cannot listen on 127.0.0.1:{served.port}"):
        EmbeddedServer(tmp_path / "folder", tmp_path / "state", port=served.port).start()


def test_after_the_block_nobody_answers_and_open_connections_are_dropped(tmp_path):
    with EmbeddedServer(tmp_path / "folder", tmp_path / "state") as server:
        opened = open_server(config_of(server))
        files = opened.__enter__()
    with pytest.raises(RemoteDownError):
        files.list_files(".")
    opened.__exit__(None, None, None)
    with pytest.raises(RemoteDownError), open_server(config_of(server)):
        pass


WORK = {
    "lstat": lambda files, folder: files.stat_file("a.csv"),
    "scandir": lambda files, folder: files.list_files("."),
    "read": lambda files, folder: files.fetch(files.stat_file("a.csv"), folder / "a"),
    "write": lambda files, folder: files.deliver(folder / "source", "b.csv"),
    "rename": lambda files, folder: files.rename_without_overwriting("a.csv", "c.csv"),
}


@pytest.mark.parametrize("request_", WORK)
def test_a_server_that_lives_but_never_answers_is_given_up(served, tmp_path, monkeypatch, request_):
    """Keepalive is answered, so only the bound on each answer can end the wait.

    The server takes one request after the other, so the tidying is not answered either.
    """
    (served.folder / "a.csv").write_text("a")
    (tmp_path / "source").write_text("b")

    async def never(*arguments):
        try:
            await asyncio.sleep(3600)
        finally:
            for file in arguments:
                if isinstance(file, io.IOBase):
                    file.close()

    async def never_list(*_):
        await asyncio.sleep(3600)
        yield

    with open_server(config_of(served, keepalive_s=0.1)) as files:
        silent = never_list if request_ == "scandir" else never
        monkeypatch.setattr(embedded_server._Folder, request_, silent)
        began = time.monotonic()
        with pytest.raises(RemoteDownError, match=r"stopped answering|connection was lost"):
            WORK[request_](files, tmp_path)
        assert time.monotonic() - began < 12
    assert not (tmp_path / "a").exists()
