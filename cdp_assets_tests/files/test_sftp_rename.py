import pytest

from cdp_assets.errors import RemoteDownError, RemoteError, TargetExistsError
from cdp_assets.files.sftp import open_server
from cdp_assets_tests.support.proxy import Proxy

SERVERS = pytest.mark.parametrize("kind", ["sshd", "plain_sshd"])


@pytest.fixture
def server(request, kind):
    return request.getfixturevalue(kind)


@SERVERS
def test_a_file_gets_its_new_name_with_its_content_and_time(server):
    folder = server.folder()
    (folder / "a.csv").write_text("abc")
    with open_server(server.server_config()) as files:
        before = files.stat_file(f"{folder}/a.csv")
        files.rename_without_overwriting(f"{folder}/a.csv", f"{folder}/a.csv.done")
        after = files.stat_file(f"{folder}/a.csv.done")
        assert files.stat_file(f"{folder}/a.csv") is None
    assert (after.size_bytes, after.modified_at) == (before.size_bytes, before.modified_at)


@SERVERS
@pytest.mark.parametrize("verb", ["rename_without_overwriting", "mv", "move", "rename"])
def test_no_verb_ever_overwrites(server, verb):
    folder = server.folder()
    (folder / "a.csv").write_text("new")
    (folder / "a.csv.done").write_text("old")
    with open_server(server.server_config()) as files, pytest.raises(TargetExistsError, match="never overwritten"):
        getattr(files, verb)(f"{folder}/a.csv", f"{folder}/a.csv.done")
    assert (folder / "a.csv").read_text() == "new"
    assert (folder / "a.csv.done").read_text() == "old"


@SERVERS
def test_a_dangling_link_counts_as_a_taken_name(server):
    folder = server.folder()
    (folder / "a.csv").write_text("new")
    (folder / "a.csv.done").symlink_to("nowhere")
    with open_server(server.server_config()) as files, pytest.raises(TargetExistsError):
        files.rename_without_overwriting(f"{folder}/a.csv", f"{folder}/a.csv.done")
    assert (folder / "a.csv").read_text() == "new"


@SERVERS
def test_a_refused_move_loses_nothing_where_sshfs_would_delete_the_source(server):
    folder = server.folder()
    (folder / "a.csv").write_text("precious")
    with open_server(server.server_config()) as files, pytest.raises(RemoteError):
        files.mv(f"{folder}/a.csv", f"{folder}/no/such/folder/a.csv")
    assert (folder / "a.csv").read_text() == "precious"


def test_a_missing_file_is_named(sshd, remote):
    with open_server(sshd.server_config()) as files, pytest.raises(RemoteError, match=r"^File not found: .*/a\.csv$"):
        files.rename_without_overwriting(f"{remote}/a.csv", f"{remote}/b.csv")


def test_a_closed_directory_refuses_and_keeps_the_file(sshd, remote):
    (remote / "closed").mkdir()
    (remote / "closed" / "a.csv").write_text("a")
    (remote / "closed").chmod(0o555)
    with open_server(sshd.server_config()) as files, pytest.raises(RemoteError, match="permission denied"):
        files.rename_without_overwriting(f"{remote}/closed/a.csv", f"{remote}/closed/a.csv.done")
    assert (remote / "closed" / "a.csv").read_text() == "a"


def test_a_link_lost_before_the_rename_is_retryable_and_keeps_the_file(sshd, remote):
    (remote / "a.csv").write_text("a")
    with Proxy(sshd.port) as proxy, open_server(sshd.server_config(port=proxy.port, keepalive_s=0.5)) as files:
        proxy.drop()
        with pytest.raises(RemoteDownError) as caught:
            files.rename_without_overwriting(f"{remote}/a.csv", f"{remote}/b.csv")
    assert caught.value.retryable
    assert (remote / "a.csv").read_text() == "a"
