"""Fixtures every test may ask for: a real SFTP server, started once per worker and only when needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cdp_assets_tests.support.openpgp import Key, Keyring, new_keyring
from cdp_assets_tests.support.smtp import MailServer, mail_server
from cdp_assets_tests.support.sshd import Account, Sshd, require_sshd, running_sshd, throw_away_account


@pytest.fixture(scope="session")
def account() -> Iterator[Account]:
    require_sshd()
    with throw_away_account() as found:
        yield found


@pytest.fixture(scope="session")
def sshd(account: Account) -> Iterator[Sshd]:
    """OpenSSH with all its extensions."""
    with running_sshd(account) as server:
        yield server


@pytest.fixture(scope="session")
def plain_sshd(account: Account) -> Iterator[Sshd]:
    """OpenSSH that lacks posix-rename, as many servers do."""
    with running_sshd(account, sftp_options="-P posix-rename") as server:
        yield server


@pytest.fixture
def remote(sshd: Sshd) -> Path:
    """A fresh folder on the server, as the local path it stands at."""
    return sshd.folder()


@pytest.fixture(scope="session")
def ring() -> Iterator[Keyring]:
    """A key ring of the tests' own; made once per worker."""
    with new_keyring() as keyring:
        yield keyring


@pytest.fixture(scope="session")
def key(ring: Keyring) -> Key:
    """The key that files are encrypted to."""
    return ring.key("ours")


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """A mail server whose address stands in ALERTS."""
    with mail_server() as server:
        monkeypatch.setenv("ALERTS", server.address)
        yield server
