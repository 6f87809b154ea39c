import json
import logging
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
import traceback

import asyncssh
import pytest

from cdp_assets.config.base import SecretRef
from cdp_assets.errors import CdpError, ConfigError, HostKeyError, RemoteDownError, RemoteError
from cdp_assets.files.sftp import SftpFileSystem, open_server
from cdp_assets_tests.support.proxy import Proxy
from cdp_assets_tests.support.sshd import running_sshd


def a_fingerprint(line):
    return asyncssh.import_public_key(line).get_fingerprint()


def a_public_key(kind="ssh-ed25519"):
    return asyncssh.generate_private_key(kind).export_public_key().decode().strip()


def a_private_file(path, text):
    path.touch(mode=0o600)
    path.write_text(text)
    return SecretRef(file=path)


def opens(server):
    with open_server(server) as files:
        return files.list_files(server.user_directory) is not None


def refusal(server, error=CdpError):
    with pytest.raises(error) as caught, open_server(server):
        pass
    return str(caught.value)


@pytest.fixture(scope="module")
def other_sshd(account):
    """Three types of host key; its log is read, so no other module uses it."""
    with running_sshd(account, host_key_types=("ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp256")) as server:
        yield server


def test_every_host_key_of_a_server_is_recognised_by_line_fingerprint_and_known_hosts(other_sshd, tmp_path):
    for number, line in enumerate(other_sshd.host_keys):
        known = tmp_path / f"known{number}"
        known.write_text(f"[127.0.0.1]:{other_sshd.port} {line}\n")
        assert opens(other_sshd.server_config(host_key=line))
        assert opens(other_sshd.server_config(host_key=a_fingerprint(line)))
        assert opens(other_sshd.server_config(host_key=None, known_hosts=known))


@pytest.mark.parametrize("form", ["line", "line_of_other_type", "fingerprint", "known_hosts", "empty_known_hosts"])
def test_another_host_key_is_refused_before_any_log_in(account, tmp_path, form):
    with running_sshd(account) as sshd:
        line = a_public_key("ecdsa-sha2-nistp256" if form == "line_of_other_type" else "ssh-ed25519")
        known = tmp_path / "known_hosts"
        known.write_text("" if form == "empty_known_hosts" else f"[127.0.0.1]:{sshd.port} {line}\n")
        by_file = {"host_key": None, "known_hosts": known}
        changes = {
            "line": {"host_key": line},
            "line_of_other_type": {"host_key": line},
            "fingerprint": {"host_key": a_fingerprint(line)},
            "known_hosts": by_file,
            "empty_known_hosts": by_file,
        }[form]
        message = refusal(sshd.by_password(**changes), HostKeyError)
        log = sshd.log()
    assert a_fingerprint(sshd.host_key) in message
    assert (a_fingerprint(line) if form != "empty_known_hosts" else "there is none") in message
    assert "Connection from 127.0.0.1" in log
    assert "userauth-request" not in log


def test_the_log_would_have_shown_a_log_in(account):
    with running_sshd(account) as sshd:
        assert opens(sshd.server_config())
        assert "userauth-request" in sshd.log()


def test_a_host_key_that_is_none_is_a_config_error(sshd, tmp_path):
    assert "ssh-keyscan" in refusal(sshd.server_config(host_key="whatever"), ConfigError)
    missing = sshd.server_config(host_key=None, known_hosts=tmp_path / "none")
    assert "No such file" in refusal(missing, ConfigError)


def test_password_and_key_and_both_log_in(sshd):
    assert opens(sshd.server_config())
    assert opens(sshd.by_password())
    assert opens(sshd.server_config(password=sshd.password_ref))


def test_two_factors_log_in_and_one_of_them_is_refused(account):
    with running_sshd(account, extra="AuthenticationMethods publickey,password") as sshd:
        key = SecretRef(file=sshd.private_key_path)
        assert opens(sshd.by_password(private_key=key))
        assert "(tried: password)" in refusal(sshd.by_password(), RemoteError)


@pytest.mark.parametrize(
    "kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"]
)
@pytest.mark.parametrize("form", ["openssh", "pkcs8-pem"])
def test_every_accepted_key_logs_in_with_and_without_passphrase(account, tmp_path, kind, form):
    key = asyncssh.generate_private_key(kind)
    with running_sshd(account) as sshd:
        (sshd.private_key_path.parent / "authorized_keys").write_bytes(key.export_public_key())
        plain = a_private_file(tmp_path / "plain", key.export_private_key(form).decode())
        locked = a_private_file(tmp_path / "locked", key.export_private_key(form, "open sesame").decode())
        passphrase = a_private_file(tmp_path / "passphrase", "open sesame\n")
        assert opens(sshd.server_config(private_key=plain))
        assert opens(sshd.server_config(private_key=locked, passphrase=passphrase))


def test_a_refused_log_in_says_who_where_and_what_was_tried_and_tries_once(sshd, tmp_path):
    before = sshd.log().count("Connection from")
    wrong = a_private_file(tmp_path / "wrong", "not the password")
    message = refusal(sshd.by_password(password=wrong), RemoteError)
    assert message == f"Authentication failed for {sshd.username}@127.0.0.1:{sshd.port} (tried: password)"
    assert sshd.log().count("Connection from") == before + 1


def test_a_wrong_key_is_refused_with_what_was_tried(sshd, tmp_path):
    wrong = a_private_file(
        tmp_path / "wrong", asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    )
    assert "(tried: private key)" in refusal(sshd.server_config(private_key=wrong), RemoteError)


def an_ed448_key():
    return asyncssh.generate_private_key("ssh-ed448").export_private_key().decode()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "puttygen"),
        (lambda: "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nx\n", "puttygen"),
        (a_public_key, "public key"),
        (lambda: "hello", "OpenSSH, PEM or PKCS8"),
        (an_ed448_key, "type ssh-ed448; accepted are"),
    ],
    ids=["putty", "ssh.com", "public", "text", "ed448"],
)
def test_a_key_of_another_format_is_a_config_error_that_says_how_to_convert(sshd, tmp_path, make, message):
    ref = a_private_file(tmp_path / "key", make())
    told = refusal(sshd.server_config(private_key=ref), ConfigError)
    assert told.startswith("Unsupported private key format in file")
    assert message in told


def test_a_wrong_or_missing_passphrase_is_told_apart(sshd, tmp_path):
    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key(passphrase="right").decode()
    ref, wrong = a_private_file(tmp_path / "key", key), a_private_file(tmp_path / "wrong", "wrong")
    assert "give its passphrase" in refusal(sshd.server_config(private_key=ref), ConfigError)
    both = sshd.server_config(private_key=ref, passphrase=wrong)
    assert "does not open the private key" in refusal(both, ConfigError)


def test_a_key_on_one_line_of_an_environment_file_works(sshd, monkeypatch):
    monkeypatch.setenv("CDP_TEST_KEY", sshd.private_key_path.read_text().strip().replace("\n", "\\n"))
    assert opens(sshd.server_config(private_key=SecretRef(env="CDP_TEST_KEY")))


def test_nobody_listening_is_down(sshd):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        message = refusal(sshd.server_config(port=probe.getsockname()[1]), RemoteDownError)
    assert "cannot be reached" in message


def test_an_unknown_host_name_is_down(sshd):
    assert "cannot be reached" in refusal(sshd.server_config(host="no-such-host.invalid"), RemoteDownError)


@pytest.mark.parametrize("after_bytes", [0, 100, 2500])
def test_a_server_silent_in_banner_key_exchange_or_log_in_is_given_up_in_time(sshd, after_bytes):
    with Proxy(sshd.port, "stall", after_bytes) as proxy:
        began = time.monotonic()
        refusal(sshd.server_config(port=proxy.port, connect_timeout_s=1, keepalive_s=0.5), RemoteDownError)
    assert time.monotonic() - began < 5


def test_something_that_speaks_no_ssh_is_told(sshd):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet():
            link, _ = listener.accept()
            with link:
                link.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 3000)

        threading.Thread(target=greet, daemon=True).start()
        port = listener.getsockname()[1]
        assert f"127.0.0.1:{port}" in refusal(sshd.server_config(port=port), RemoteError)


def test_an_account_without_sftp_is_told(account):
    with running_sshd(account, extra="MaxSessions 0") as sshd:
        assert "could not start an SFTP session" in refusal(sshd.server_config(), RemoteError)


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
