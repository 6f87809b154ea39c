"""Every form of log-in that is accepted, each against OpenSSH."""

import asyncssh
import pytest

from cdp_assets.config.base import SecretRef
from cdp_assets_tests.support.logins import (
    ASK,
    ASK_NOTHING,
    BITS,
    a_key_pair,
    a_private_file,
    knows_dss,
    opens,
    require_password,
    require_questions,
)
from cdp_assets_tests.support.sshd import running_sshd

FORMS = [
    *((kind, "OpenSSH") for kind in BITS),
    *((kind, form) for kind in ("ecdsa-sha2-nistp256", "ssh-rsa", "ssh-dss") for form in ("PEM", "PKCS8")),
]


@pytest.fixture(scope="module")
def lenient_sshd(account):
    """Takes ssh-dss keys too, where it knows them."""
    known = "PubkeyAcceptedAlgorithms +ssh-dss" if knows_dss() else ""
    with running_sshd(account, extra=known) as server:
        yield server


@pytest.fixture(scope="module")
def asking_sshd(account):
    """Asks for the password by keyboard-interactive, and takes nothing else."""
    require_questions(account)
    with running_sshd(account, extra=f"{ASK}AuthenticationMethods keyboard-interactive") as server:
        yield server


def test_a_password_logs_in(sshd):
    assert opens(sshd.by_password())


@pytest.mark.parametrize("passphrase", ["", "open sesame"], ids=["plain", "with passphrase"])
@pytest.mark.parametrize(("kind", "form"), FORMS)
def test_every_accepted_key_logs_in(lenient_sshd, tmp_path, kind, form, passphrase):
    if kind == "ssh-dss" and not knows_dss():
        pytest.skip("this OpenSSH no longer knows ssh-dss")
    key, public = a_key_pair(tmp_path, kind, form, passphrase)
    lenient_sshd.authorize(public)
    opened_by = a_private_file(tmp_path / "passphrase", f"{passphrase}\n") if passphrase else None
    assert opens(lenient_sshd.server_config(private_key=key, passphrase=opened_by))


@pytest.mark.parametrize("passphrase", [None, "open sesame"])
def test_an_ed25519_key_in_pkcs8_logs_in(lenient_sshd, tmp_path, passphrase):
    """As OpenSSL writes it; ssh-keygen does not."""
    made = asyncssh.generate_private_key("ssh-ed25519")
    lenient_sshd.authorize(made.export_public_key().decode())
    key = a_private_file(tmp_path / "key", made.export_private_key("pkcs8-pem", passphrase).decode())
    opened_by = a_private_file(tmp_path / "passphrase", passphrase) if passphrase else None
    assert opens(lenient_sshd.server_config(private_key=key, passphrase=opened_by))


def test_a_key_on_one_line_of_an_environment_file_logs_in(sshd, monkeypatch):
    monkeypatch.setenv("CDP_TEST_KEY", sshd.private_key_path.read_text().strip().replace("\n", "\\n"))
    assert opens(sshd.server_config(private_key=SecretRef(env="CDP_TEST_KEY")))


def test_password_and_key_log_in_where_either_is_enough(sshd):
    sshd.by_password()
    assert opens(sshd.server_config(password=sshd.password_ref))


@pytest.mark.parametrize("order", ["publickey,password", "password,publickey"])
def test_password_and_key_log_in_where_both_are_needed(account, order):
    require_password(account)
    with running_sshd(account, extra=f"AuthenticationMethods {order}") as sshd:
        assert opens(sshd.by_password(private_key=SecretRef(file=sshd.private_key_path)))


def test_a_password_logs_in_by_keyboard_interactive(asking_sshd):
    assert opens(asking_sshd.by_password())


def test_a_password_logs_in_where_keyboard_interactive_is_offered_and_asks_nothing(account):
    require_password(account)
    with running_sshd(account, extra=ASK_NOTHING) as sshd:
        assert opens(sshd.by_password())
        assert (sshd.log().count("method keyboard-interactive"), sshd.log().count("method password")) == (1, 1)


def test_a_key_and_keyboard_interactive_log_in_together(account):
    require_questions(account)
    with running_sshd(account, extra=f"{ASK}AuthenticationMethods publickey,keyboard-interactive") as sshd:
        assert opens(sshd.by_password(private_key=SecretRef(file=sshd.private_key_path)))
        assert "Accepted keyboard-interactive/pam" in sshd.log()
