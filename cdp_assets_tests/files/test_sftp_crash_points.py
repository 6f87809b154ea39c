"""Cut the link before every single message, one run each, until a run passes without a cut."""

import asyncssh
import pytest

from cdp_assets.config.base import SecretRef
from cdp_assets.config.connections import Server
from cdp_assets.errors import RemoteDownError, RemoteError
from cdp_assets.files import embedded_server
from cdp_assets.files.embedded_server import USERNAME, EmbeddedServer
from cdp_assets.files.sftp import open_server
from cdp_assets_tests.support.proxy import Proxy

BEFORE, AFTER = "before", "after" * 1000

both_servers = pytest.mark.parametrize("kind", ["sshd", "plain_sshd"])
both_directions = pytest.mark.parametrize("direction", ["up", "down"])


def cut_everywhere(server, direction, work, check):
    """Runs `work` with ever later cuts; gives the number of cuts that struck."""
    for blocks in range(200):
        with Proxy(server.port, "cut", direction=direction, after_blocks=blocks) as proxy:
            try:
                with open_server(server.server_config(port=proxy.port)) as files:
                    work(files)
                    # The polite good-bye is cut as well, but the work was done.
                    done = True
            except RemoteDownError:
                done = False
        check()
        if done:
            return blocks
    raise AssertionError("it never passed")


@both_servers
@both_directions
def test_a_delivery_cut_anywhere_leaves_the_old_or_the_new_file(request, kind, direction, tmp_path):
    server = request.getfixturevalue(kind)
    folder = server.folder()
    (folder / "out.csv").write_text(BEFORE)
    (tmp_path / "source").write_text(AFTER)

    def check():
        """Where the server cannot replace in one step, the old file may wait beside, whole."""
        places = ["out.csv"] if kind == "sshd" else ["out.csv", ".out.csv.previous.part"]
        found = [(folder / name).read_text() for name in places if (folder / name).exists()]
        assert found
        assert set(found) <= {BEFORE, AFTER}

    cuts = cut_everywhere(
        server, direction, lambda files: files.deliver(tmp_path / "source", f"{folder}/out.csv"), check
    )
    assert cuts > 10
    assert (folder / "out.csv").read_text() == AFTER


@both_servers
@both_directions
def test_a_rename_cut_anywhere_leaves_the_file_under_one_of_its_names(request, kind, direction):
    server = request.getfixturevalue(kind)
    folder = server.folder()
    (folder / "a.csv").write_text(BEFORE)

    def work(files):
        if files.stat_file(f"{folder}/a.csv") is not None:
            files.rename_without_overwriting(f"{folder}/a.csv", f"{folder}/a.csv.done")

    def check():
        assert [path.read_text() for path in folder.iterdir()] == [BEFORE]

    assert cut_everywhere(server, direction, work, check) > 10
    assert (folder / "a.csv.done").exists()


@both_directions
def test_a_fetch_cut_anywhere_leaves_nothing_or_the_whole_file(sshd, remote, direction, tmp_path):
    (remote / "a.csv").write_text(AFTER)
    target = tmp_path / "a"

    def check():
        assert not target.exists() or target.read_text() == AFTER

    def work(files):
        files.fetch(files.stat_file(f"{remote}/a.csv"), target)

    assert cut_everywhere(sshd, direction, work, check) > 10
    assert target.exists()


def test_the_old_file_comes_back_when_the_second_step_is_refused(tmp_path, monkeypatch):
    """A server without posix-rename that refuses to rename the upload, but nothing else."""
    handler = asyncssh.sftp.SFTPServerHandler
    kept = [pair for pair in handler._extensions if pair[0] != b"posix-rename@openssh.com"]
    monkeypatch.setattr(handler, "_extensions", kept)
    rename = embedded_server._Folder.rename

    def refuse_the_upload(self, old, new):
        if old.endswith(b".out.csv.part"):
            raise asyncssh.SFTPFailure("no")
        return rename(self, old, new)

    monkeypatch.setattr(embedded_server._Folder, "rename", refuse_the_upload)
    (tmp_path / "source").write_text(AFTER)
    with EmbeddedServer(tmp_path / "folder", tmp_path / "state") as served:
        (served.folder / "out.csv").write_text(BEFORE)
        server = Server(
            host=served.host,
            port=served.port,
            host_key=served.host_key,
            username=USERNAME,
            password=SecretRef(file=served.password_file),
        )
        with open_server(server) as files, pytest.raises(RemoteError, match="refused"):
            files.deliver(tmp_path / "source", "out.csv")
    assert {path.name: path.read_text() for path in served.folder.iterdir()} == {"out.csv": BEFORE}
