"""Is it the right server? Every form of naming its key, and what is told when it shows another; against OpenSSH."""

import pytest

from cdp_assets.errors import ConfigError, HostKeyError
from cdp_assets_tests.support.logins import a_fingerprint, a_public_key, opens, refusal
from cdp_assets_tests.support.sshd import running_sshd


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


@pytest.mark.parametrize("form", ["line", "line_of_other_type", "fingerprint", "known_hosts"])
def test_a_changed_host_key_is_refused_before_any_log_in_with_both_fingerprints(account, tmp_path, form):
    with running_sshd(account) as sshd:
        line = a_public_key("ecdsa-sha2-nistp256" if form == "line_of_other_type" else "ssh-ed25519")
        known = tmp_path / "known_hosts"
        known.write_text(f"[127.0.0.1]:{sshd.port} {line}\n")
        changes = {
            "line": {"host_key": line},
            "line_of_other_type": {"host_key": line},
            "fingerprint": {"host_key": a_fingerprint(line)},
            "known_hosts": {"host_key": None, "known_hosts": known},
        }[form]
        message = refusal(sshd.by_password(**changes), HostKeyError)
        log = sshd.log()
    assert message.startswith(f"host key of 127.0.0.1:{sshd.port} does not match: expected ")
    assert f"{a_fingerprint(line)}, offered ssh-ed25519 {a_fingerprint(sshd.host_key)}. No credential" in message
    assert_no_log_in(log)


def test_an_unknown_host_key_is_refused_before_any_log_in_and_shown(account, tmp_path):
    known = tmp_path / "known_hosts"
    known.write_text(f"somebody-else {a_public_key()}\n")
    with running_sshd(account) as sshd:
        message = refusal(sshd.by_password(host_key=None, known_hosts=known), HostKeyError)
        log = sshd.log()
    assert message.startswith(f"host key of 127.0.0.1:{sshd.port} is unknown: known_hosts has no entry")
    assert f"it offered ssh-ed25519 {a_fingerprint(sshd.host_key)}" in message
    assert_no_log_in(log)


def assert_no_log_in(log):
    assert "Connection from 127.0.0.1" in log
    assert "userauth-request" not in log


def test_the_log_would_have_shown_a_log_in(account):
    with running_sshd(account) as sshd:
        assert opens(sshd.server_config())
        assert "userauth-request" in sshd.log()


def test_a_host_key_that_is_none_is_a_config_error(sshd, tmp_path):
    assert "ssh-keyscan" in refusal(sshd.server_config(host_key="ssh-ed25519 whatever"), ConfigError)
    missing = sshd.server_config(host_key=None, known_hosts=tmp_path / "none")
    assert "No such file" in refusal(missing, ConfigError)
