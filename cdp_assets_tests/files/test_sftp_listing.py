import os
from datetime import UTC, datetime

import pytest

from cdp_assets.errors import ConfigError, RemoteError
from cdp_assets.files.remote import path_of, shown
from cdp_assets.files.sftp import open_server
from cdp_assets_tests.support.sshd import running_sshd

ODD_NAMES = [
    b"plain.csv",
    b"with space.csv",
    b"a[1].csv",
    b"b*?.csv",
    b"-leading-dash.csv",
    b"new\nline.csv",
    b"quote'\".csv",
    b"#%20&.csv",
    "caf\u00e9.csv".encode(),
    "cafe\u0301.csv".encode(),
    b"not-utf8-\xe9\xff.csv",
    b"\\backslash.csv",
    b"x" * 255,
]


def test_every_odd_name_is_listed_and_can_be_fetched_by_it(sshd, remote, tmp_path):
    for name in ODD_NAMES:
        (remote / os.fsdecode(name)).write_bytes(name)
    with open_server(sshd.server_config()) as files:
        found = files.list_files(str(remote))
        assert {file.name.encode("utf-8", "surrogateescape") for file in found} == set(ODD_NAMES)
        for number, file in enumerate(found):
            files.fetch(file, tmp_path / str(number))
            content = file.name.encode("utf-8", "surrogateescape")
            assert (tmp_path / str(number)).read_bytes() == content


def test_only_regular_files_are_listed(sshd, remote):
    (remote / "file.csv").write_text("a")
    (remote / "folder.csv").mkdir()
    os.mkfifo(remote / "pipe.csv")
    (remote / "link.csv").symlink_to("file.csv")
    (remote / "dangling.csv").symlink_to("nowhere")
    with open_server(sshd.server_config()) as files:
        assert [file.name for file in files.list_files(str(remote))] == ["file.csv"]


def test_a_listing_tells_path_size_and_time_in_whole_utc_seconds(sshd, remote):
    (remote / "a.csv").write_bytes(b"12345")
    os.utime(remote / "a.csv", ns=(0, 1_700_000_000_900_000_000))
    with open_server(sshd.server_config()) as files:
        (file,) = files.list_files(str(remote))
    assert (file.path, file.size_bytes) == (f"{remote}/a.csv", 5)
    assert file.modified_at == datetime.fromtimestamp(1_700_000_000, tz=UTC)


def test_thousands_of_files_are_listed_completely(sshd, remote):
    for number in range(3000):
        (remote / f"{number}.csv").touch()
    with open_server(sshd.server_config()) as files:
        assert len(files.list_files(str(remote))) == 3000


def test_a_missing_directory_is_named(sshd, remote):
    with (
        open_server(sshd.server_config()) as files,
        pytest.raises(RemoteError, match=f"^Directory not found: {remote}/gone$"),
    ):
        files.list_files(f"{remote}/gone")


def test_a_closed_directory_says_permission_denied(sshd, remote):
    closed = remote / "closed"
    closed.mkdir(mode=0o000)
    with (
        open_server(sshd.server_config()) as files,
        pytest.raises(RemoteError, match=r"could not list .*closed: permission denied"),
    ):
        files.list_files(str(closed))


def test_looking_at_a_file_that_is_not_there_gives_none(sshd, remote):
    (remote / "a.csv").write_text("abc")
    with open_server(sshd.server_config()) as files:
        assert files.stat_file(f"{remote}/b.csv") is None
        assert files.stat_file(f"{remote}/a.csv").size_bytes == 3


def test_a_link_is_not_looked_through(sshd, remote):
    (remote / "link.csv").symlink_to("/etc/passwd")
    with open_server(sshd.server_config()) as files, pytest.raises(RemoteError, match="no regular file"):
        files.stat_file(f"{remote}/link.csv")


def test_fsspec_browsing_works_on_the_same_connection(sshd, remote):
    (remote / "a.csv").write_text("abc")
    with open_server(sshd.server_config()) as files:
        assert files.ls(str(remote), detail=False) == [f"{remote}/a.csv"]
        with files.open(f"{remote}/a.csv") as file:
            assert file.read() == b"abc"


def test_a_server_with_one_session_per_connection_is_enough(account):
    with running_sshd(account, extra="MaxSessions 1") as server, open_server(server.server_config()) as files:
        assert files.list_files(str(server.root)) == []


@pytest.mark.parametrize(
    ("user_directory", "directory", "name", "path"),
    [
        ("", "", "", "."),
        ("", "", "a.csv", "a.csv"),
        ("upload", "in", "a.csv", "upload/in/a.csv"),
        ("/upload/", "in/", "", "/upload/in"),
        ("upload", "/abs", "a.csv", "/abs/a.csv"),
        ("./upload", ".//in", "a b.csv", "upload/in/a b.csv"),
        ("", "/", "", "/"),
    ],
)
def test_paths_are_joined_below_the_user_directory(sshd, user_directory, directory, name, path):
    server = sshd.server_config(user_directory=user_directory)
    assert path_of(server, directory, name) == path


@pytest.mark.parametrize(("directory", "name"), [("../x", ""), ("a/../../b", ""), ("", ".."), ("in", "a/b")])
def test_paths_never_leave_their_directory(sshd, directory, name):
    with pytest.raises(ConfigError):
        path_of(sshd.server_config(), directory, name)


def test_shown_names_forge_no_log_line_and_can_always_be_encoded():
    assert shown(os.fsdecode(b"a\n\xff\x1b[0mb\xc3\xa9")) == "a\\n\\xff\\x1b[0mb\u00e9"
