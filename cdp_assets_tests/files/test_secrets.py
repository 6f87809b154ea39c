import os
import traceback

import pytest

from cdp_assets.config.base import SecretRef
from cdp_assets.errors import ConfigError
from cdp_assets.files.secrets import resolve_secret


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "secret"
    path.touch(mode=0o600)
    path.write_bytes("pässword \r\n".encode())
    return path


def test_an_environment_variable_gives_its_value(monkeypatch):
    monkeypatch.setenv("CDP_TEST_SECRET", " with spaces ")
    assert resolve_secret(SecretRef(env="CDP_TEST_SECRET")) == " with spaces "


@pytest.mark.parametrize("value", [None, "", "\n"])
def test_a_missing_or_empty_variable_is_named(monkeypatch, value):
    monkeypatch.delenv("CDP_TEST_SECRET", raising=False)
    if value is not None:
        monkeypatch.setenv("CDP_TEST_SECRET", value)
    with pytest.raises(ConfigError, match="environment variable CDP_TEST_SECRET is"):
        resolve_secret(SecretRef(env="CDP_TEST_SECRET"))


def test_a_file_gives_its_text_without_the_line_end(secret_file):
    assert resolve_secret(SecretRef(file=secret_file)) == "pässword "


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_file_open_to_others_is_refused_with_the_command_that_mends_it(secret_file, mode):
    secret_file.chmod(mode)
    with pytest.raises(ConfigError, match=f"run chmod 600 {secret_file}"):
        resolve_secret(SecretRef(file=secret_file))


def test_a_missing_or_empty_file_is_named(secret_file):
    secret_file.write_text("")
    with pytest.raises(ConfigError, match=f"{secret_file} is empty"):
        resolve_secret(SecretRef(file=secret_file))
    secret_file.unlink()
    with pytest.raises(ConfigError, match=f"{secret_file} cannot be read: No such file"):
        resolve_secret(SecretRef(file=secret_file))


def test_the_error_for_bytes_that_are_no_text_does_not_hold_them(secret_file):
    secret_file.write_bytes(b"canary\xff")
    with pytest.raises(ConfigError) as caught:
        resolve_secret(SecretRef(file=secret_file))
    assert "canary" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__cause__ is None


def test_a_file_in_the_home_folder_may_be_written_with_a_tilde(secret_file, monkeypatch):
    monkeypatch.setenv("HOME", os.fspath(secret_file.parent))
    assert resolve_secret(SecretRef(file="~/secret")) == "pässword "
