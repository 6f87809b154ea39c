"""Every way a log-in can fail against OpenSSH, each in its own words: who, where, what was tried, what would help."""

import time

import pytest

from cdp_assets.config.base import SecretRef
from cdp_assets.errors import ConfigError, LogInRefusedError, RemoteError
from cdp_assets_tests.support.logins import (
    ASK,
    ASK_NOTHING,
    a_fingerprint,
    a_key_pair,
    a_private_file,
    a_public_key,
    an_account,
    an_ed448_key,
    knows_dss,
    opens,
    refusal,
    require_password,
    require_questions,
)
from cdp_assets_tests.support.sshd import expire_password, running_sshd, throw_away_account


@pytest.fixture
def wrong(tmp_path):
    """A password nobody has."""
    return a_private_file(tmp_path / "wrong", "not the password")


@pytest.fixture(scope="module")
def asking_sshd(account):
    """Takes a key and then asks for the password by keyboard-interactive."""
    require_questions(account)
    with running_sshd(account, extra=f"{ASK}AuthenticationMethods publickey,keyboard-interactive") as server:
        yield server


@pytest.fixture(scope="module")
def two_factor_sshd(account):
    """Takes a key and then a password."""
    require_password(account)
    with running_sshd(account, extra="AuthenticationMethods publickey,password") as server:
        yield server


def refused(server):
    """What is said after `Authentication failed for <account>`, which every refusal begins with."""
    message = refusal(server, LogInRefusedError)
    assert not LogInRefusedError.retryable
    start = f"Authentication failed for {an_account(server)} "
    assert message.startswith(start)
    return message.removeprefix(start)


def the_key_of(sshd):
    return f"private key ssh-ed25519 {a_fingerprint(sshd.own_public_key)}"


def test_a_wrong_password_says_where_it_came_from_and_is_tried_once(sshd, wrong):
    before = sshd.log().count("Failed password"), sshd.log().count("Connection from")
    assert refused(sshd.by_password(password=wrong)) == (
        f"(tried: password): the password was not accepted: check the one in file {wrong.file}, "
        "and that the account is not locked"
    )
    assert (sshd.log().count("Failed password"), sshd.log().count("Connection from")) == (before[0] + 1, before[1] + 1)


def test_a_wrong_key_is_named_by_its_fingerprint(sshd, tmp_path):
    key, public = a_key_pair(tmp_path, "ssh-ed25519")
    assert refused(sshd.server_config(private_key=key)) == (
        f"(tried: private key ssh-ed25519 {a_fingerprint(public)}): the private key was not accepted: its public "
        "key must be among the account's authorized keys"
    )


def test_a_wrong_key_and_a_wrong_password_are_both_told(sshd, tmp_path, wrong):
    key, _ = a_key_pair(tmp_path, "ssh-ed25519")
    message = refused(sshd.by_password(private_key=key, password=wrong))
    assert "the private key was not accepted" in message
    assert "the password was not accepted" in message


def test_a_kind_of_key_the_server_does_not_take_is_told(sshd, tmp_path):
    if not knows_dss():
        pytest.skip("this OpenSSH no longer knows ssh-dss")
    key, public = a_key_pair(tmp_path, "ssh-dss")
    sshd.authorize(public)
    assert refused(sshd.server_config(private_key=key)).endswith(
        ", and the server must take ssh-dss keys, which newer ones no longer do"
    )


@pytest.mark.parametrize("form", ["OpenSSH", "PEM", "PKCS8"])
def test_a_wrong_passphrase_is_told_before_anything_is_sent(sshd, tmp_path, wrong, form):
    key, _ = a_key_pair(tmp_path, "ssh-rsa", form, "the right one")
    server = sshd.server_config(private_key=key, passphrase=wrong, port=1)
    assert refusal(server, ConfigError) == (
        f"the passphrase does not open the private key in file {key.file}, for {an_account(server)}; check `passphrase`"
    )


@pytest.mark.parametrize("form", ["OpenSSH", "PEM", "PKCS8"])
def test_a_missing_passphrase_is_told_before_anything_is_sent(sshd, tmp_path, form):
    key, _ = a_key_pair(tmp_path, "ssh-rsa", form, "the right one")
    server = sshd.server_config(private_key=key, port=1)
    assert refusal(server, ConfigError) == (
        f"the private key in file {key.file}, for {an_account(server)} is protected by a passphrase; "
        "give `passphrase` as well"
    )


def test_a_missing_password_after_the_key_is_a_missing_second_factor(two_factor_sshd):
    key = the_key_of(two_factor_sshd)
    assert refused(two_factor_sshd.server_config()) == (
        f"(tried: {key}): second factor missing: the server accepted the private key and asks for password as "
        "well; add `password`"
    )


def test_a_missing_key_before_the_password_is_told(two_factor_sshd):
    assert refused(two_factor_sshd.by_password()) == (
        "(tried: nothing): the server asks for private key first, and the connection gives password only; add "
        "`private_key`, and keep the rest if the operator wants both"
    )


def test_a_missing_key_after_the_password_is_a_missing_second_factor(account):
    require_password(account)
    with running_sshd(account, extra="AuthenticationMethods password,publickey") as sshd:
        assert "second factor missing: the server accepted the password and asks for private key as well" in refused(
            sshd.by_password()
        )


def test_a_wrong_password_after_the_right_key_is_told_apart(two_factor_sshd, wrong):
    key = SecretRef(file=two_factor_sshd.private_key_path)
    assert "): the server accepted the private key; the password was not accepted" in refused(
        two_factor_sshd.by_password(private_key=key, password=wrong)
    )


def test_a_missing_answer_to_keyboard_interactive_is_a_missing_second_factor(asking_sshd):
    assert refused(asking_sshd.server_config()).endswith(
        "second factor missing: the server accepted the private key and asks for password (keyboard-interactive) "
        "as well; add `password`"
    )


def test_a_wrong_password_by_keyboard_interactive_is_tried_once(asking_sshd, wrong):
    key = SecretRef(file=asking_sshd.private_key_path)
    before = asking_sshd.log().count("Failed keyboard-interactive/pam")
    message = refused(asking_sshd.by_password(private_key=key, password=wrong))
    assert "): the server accepted the private key; the password was not accepted" in message
    # The server writes its log after it has hung up.
    until = time.monotonic() + 5
    while asking_sshd.log().count("Failed keyboard-interactive/pam") == before and time.monotonic() < until:
        time.sleep(0.05)
    assert asking_sshd.log().count("Failed keyboard-interactive/pam") == before + 1


def test_a_wrong_password_is_told_where_keyboard_interactive_is_offered_and_asks_nothing(account, wrong):
    require_password(account)
    with running_sshd(account, extra=ASK_NOTHING) as sshd:
        assert refused(sshd.by_password(password=wrong)) == (
            f"(tried: password): the password was not accepted: check the one in file {wrong.file}, "
            "and that the account is not locked"
        )
        assert (sshd.log().count("method keyboard-interactive"), sshd.log().count("method password")) == (1, 1)


def test_keyboard_interactive_that_asks_nothing_is_not_named_as_a_way_in(account):
    require_password(account)
    with running_sshd(account, extra=f"{ASK_NOTHING}PasswordAuthentication no") as sshd:
        assert refused(sshd.by_password()) == (
            "(tried: nothing): the server asks for private key first, and the connection gives password only; add "
            "`private_key`, and keep the rest if the operator wants both"
        )


def test_a_server_that_hangs_up_before_it_takes_a_password_is_not_tried_again(account):
    require_password(account)
    with running_sshd(account, extra=f"{ASK_NOTHING}MaxAuthTries 1") as sshd:
        message = refused(sshd.by_password())
    assert message.startswith(
        "(tried: nothing): the server hung up: Too many authentication failures; it did so before it took a secret; "
    )


def test_a_question_that_needs_a_person_is_shown():
    """An expired password: the server asks for a new one."""
    with throw_away_account() as account:
        require_questions(account)
        expire_password(account)
        with running_sshd(account, extra=f"{ASK}AuthenticationMethods keyboard-interactive") as sshd:
            message = refused(sshd.by_password())
    assert message.startswith("(tried: password (keyboard-interactive)): the server asks 'You are required to change ")
    assert "Current password:', which only a person can answer (a second factor, or a new password)" in message


def test_a_method_we_have_nothing_for_is_told(account):
    with running_sshd(account, extra="PasswordAuthentication no") as sshd:
        assert "the server asks for private key first" in refused(sshd.by_password())


def test_a_server_that_hangs_up_after_a_wrong_password_is_not_tried_again(account, wrong):
    with running_sshd(account, extra="MaxAuthTries 1") as sshd:
        message = refused(sshd.by_password(password=wrong))
    assert message.startswith("(tried: password): the server hung up: Too many authentication failures; the password")


def test_a_server_that_hangs_up_without_a_word_on_a_password_is_not_tried_again(account, wrong):
    """PAM thinks for two seconds about a wrong password, and sshd waits for one."""
    require_questions(account)
    with running_sshd(account, extra="UsePAM yes\nLoginGraceTime 1") as sshd:
        message = refused(sshd.by_password(password=wrong))
    assert message.startswith("(tried: password): the server hung up: Connection lost; the password was not accepted")


def test_an_account_without_sftp_is_told(account):
    with running_sshd(account, extra="MaxSessions 0") as sshd:
        assert "could not start an SFTP session" in refusal(sshd.server_config(), RemoteError)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n",
            "this is a PuTTY key (.ppk); convert it with: puttygen key.ppk -O private-openssh -o key",
        ),
        (
            lambda: "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nx\n",
            "this is an ssh.com key; convert it with: puttygen key -O private-openssh -o key.openssh",
        ),
        (a_public_key, "this is a public key; give the private key that belongs to it"),
        (lambda: "hello", "expected an OpenSSH, PEM or PKCS8 private key (-----BEGIN … PRIVATE KEY-----)"),
        (an_ed448_key, "type ssh-ed448; accepted are ssh-ed25519, "),
    ],
    ids=["putty", "ssh.com", "public", "text", "ed448"],
)
def test_a_key_of_another_format_is_told_and_how_to_convert_it(sshd, tmp_path, make, message):
    ref = a_private_file(tmp_path / "key", make())
    server = sshd.server_config(private_key=ref)
    start = f"Unsupported private key format in file {ref.file}, for {an_account(server)}: "
    assert refusal(server, ConfigError).startswith(start + message)


def test_after_a_refused_log_in_the_right_one_still_works(sshd, wrong):
    refusal(sshd.by_password(password=wrong))
    assert opens(sshd.by_password())
