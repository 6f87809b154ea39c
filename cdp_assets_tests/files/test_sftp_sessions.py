"""An open server: what it keeps to itself, and how it ends."""

import json
import logging
import os
import pickle
import socket
import subprocess
import sys
import time
import traceback

import asyncssh
import pytest

from cdp_assets.errors import RemoteDownError, RemoteError
from cdp_assets.files.sftp import SftpFileSystem, open_server
from cdp_assets_tests.support.logins import a_private_file
from cdp_assets_tests.support.proxy import Proxy


def test_nothing_of_the_users_own_ssh_folder_or_agent_is_used(sshd, tmp_path):
    """The right key lies in ~/.ssh and a wrong one is configured: the log-in must fail."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    a_private_file(home / ".ssh" / "id_ed25519", sshd.private_key_path.read_text())
    (home / ".ssh" / "config").write_text("Host *\n  Port 1\n  User nobody\n")
    (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{sshd.port} {sshd.host_key}\n")
    wrong = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    agent_path = str(tmp_path / "agent")
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(agent_path)
        agent.listen()
        agent.settimeout(0.2)
        server = sshd.server_config(private_key=a_private_file(tmp_path / "wrong", wrong))
        code = (
            "import sys; from cdp_assets.config.connections import Server\n"
            "from cdp_assets.files.sftp import open_server\n"
            "open_server(Server.model_validate_json(sys.argv[1])).__enter__()"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, server.model_dump_json()],
            env=os.environ | {"HOME": str(home), "SSH_AUTH_SOCK": agent_path},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        with pytest.raises(TimeoutError):
            agent.accept()
    assert f"Authentication failed for {sshd.username}@127.0.0.1:{sshd.port}" in done.stderr


def test_no_secret_shows_in_repr_json_pickle_logs_or_errors(sshd, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    canary = "canary-5f1c"
    wrong = a_private_file(tmp_path / "wrong", canary)
    with pytest.raises(RemoteError) as caught, open_server(sshd.by_password(password=wrong)):
        pass
    with open_server(sshd.by_password()) as files:
        for refused in (lambda: pickle.dumps(files), files.to_json, files.to_dict, lambda: json.dumps(files)):
            with pytest.raises(TypeError):
                refused()
        told = f"{files!r} {files} {files.storage_args} {files.storage_options} {hash(files)}"
    told += caplog.text + "".join(traceback.format_exception(caught.value))
    assert canary not in told
    assert sshd.password not in told


def test_the_refusal_to_pickle_says_what_to_do(sshd):
    with open_server(sshd.server_config()) as files, pytest.raises(TypeError, match="pass its Server"):
        pickle.dumps(files)


def test_every_block_gets_a_connection_of_its_own_and_closes_it(sshd):
    with open_server(sshd.server_config()) as first, open_server(sshd.server_config()) as second:
        assert first is not second
    first.close()
    with pytest.raises(RemoteDownError):
        first.list_files(str(sshd.root))
    assert SftpFileSystem._cache == {}


def test_a_closed_server_after_a_stall_is_left_in_bounded_time(sshd):
    with Proxy(sshd.port) as proxy:
        with open_server(sshd.server_config(port=proxy.port, keepalive_s=60)):
            proxy.pause()
            began = time.monotonic()
        assert time.monotonic() - began < 12


def test_a_program_ends_although_it_left_a_server_open(sshd):
    code = (
        "import sys; from cdp_assets.config.connections import Server\n"
        "from cdp_assets.files.sftp import open_server\n"
        "left = open_server(Server.model_validate_json(sys.argv[1]))\n"
        "left.__enter__()"
    )
    server = sshd.server_config().model_dump_json(exclude_none=True)
    subprocess.run([sys.executable, "-c", code, server], check=True, timeout=60)


def test_an_interrupted_wait_stops_the_work(sshd, remote, tmp_path):
    """As a cancelled run does it: the signal's exception leaves `deliver`, and nothing is delivered later."""
    (tmp_path / "source").write_bytes(b"x" * 5_000_000)
    with Proxy(sshd.port, "pause", 500_000, "up") as proxy:
        server = sshd.server_config(port=proxy.port)
        code = (
            "import signal, sys; from pathlib import Path\n"
            "from cdp_assets.config.connections import Server\n"
            "from cdp_assets.files.sftp import open_server\n"
            # A shell that started the tests in the background has them ignore the signal, and so their children.
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "with open_server(Server.model_validate_json(sys.argv[1])) as files:\n"
            "    print('open', flush=True)\n"
            "    files.deliver(Path(sys.argv[2]), sys.argv[3])\n"
        )
        arguments = [server.model_dump_json(), str(tmp_path / "source"), f"{remote}/out.csv"]
        child = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert proxy.struck.wait(30)
        child.send_signal(2)
        proxy.resume()
        _, errors = child.communicate(timeout=60)
    assert b"KeyboardInterrupt" in errors
    assert not (remote / "out.csv").exists()
