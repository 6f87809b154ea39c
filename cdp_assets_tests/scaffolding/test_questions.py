"""What a person is asked, and what is not repeated."""

import os
import pty

from cdp_assets.__main__ import main
from cdp_assets_tests.support.logins import a_key_pair


def test_answers_that_cannot_be_are_asked_for_again(server, sshd, monkeypatch, capsys):
    place, known, folder = server
    terminal, side = pty.openpty()
    answers = ["root", "0", str(sshd.port), str(sshd.root / "nowhere"), str(sshd.root / "drafted")]
    os.write(terminal, "".join(f"{answer}\n" for answer in answers).encode())
    given = {"--port", str(sshd.port), "--directory", str(sshd.root / "drafted")}
    with os.fdopen(side) as asked:
        monkeypatch.setattr("sys.stdin", asked)
        assert main(["scaffold", "winkel", *(word for word in place if word not in given), *known]) == 0
    told = capsys.readouterr().out
    assert told.count("a port is a whole number from 1 to 65535") == 2
    assert "nowhere" in told
    assert (folder / "winkel" / "defs.yaml").exists()
    os.close(terminal)


def test_a_password_in_place_of_its_variable_is_not_repeated(server, capsys):
    _, _, folder = server
    place = ["--host", "127.0.0.1", "--port", "2", "--user", "someone"]
    assert main(["scaffold", "winkel", *place, "--password-env", "my secret!"]) == 1
    told = capsys.readouterr()
    assert "no name of an environment variable" in told.err
    assert "secret!" not in told.out + told.err
    assert list(folder.iterdir()) == []


def test_nor_is_one_that_could_be_the_name_of_a_variable(server, capsys):
    place = ["--host", "127.0.0.1", "--port", "2", "--user", "someone"]
    assert main(["scaffold", "winkel", *place, "--password-env", "Sommer_2026"]) == 1
    told = capsys.readouterr()
    assert "Sommer" not in told.out + told.err
    assert "the environment variable that was named is not set; set it to the password" in told.err
    assert told.err.endswith(" --user someone --password-env WINKEL_PASSWORD\n")


def test_a_password_that_is_not_there_is_told_before_more_is_asked(server, sshd, monkeypatch, capsys):
    _, _, folder = server
    terminal, side = pty.openpty()
    # No key file; the variable that is proposed. No answer for the host key stands ready.
    os.write(terminal, b"\n\n")
    monkeypatch.delenv("WINKEL_PASSWORD", raising=False)
    place = ["--host", sshd.host, "--port", str(sshd.port), "--user", "some one"]
    with os.fdopen(side) as asked:
        monkeypatch.setattr("sys.stdin", asked)
        assert main(["scaffold", "winkel", *place]) == 1
    told = capsys.readouterr()
    assert "shows the key" not in told.out
    assert told.err == (
        "error: environment variable WINKEL_PASSWORD is not set; set it to the password, and start again:\n"
        "  export WINKEL_PASSWORD='…'\n"
        f"  python -m cdp_assets scaffold winkel --host {sshd.host} --port {sshd.port} --user 'some one'"
        " --password-env WINKEL_PASSWORD\n"
    )
    assert list(folder.iterdir()) == []
    os.close(terminal)


def test_a_protected_key_opens_with_the_passphrase_that_is_named(server, sshd, tmp_path, monkeypatch, capsys):
    place, known, folder = server
    key, public = a_key_pair(tmp_path, "ssh-ed25519", passphrase="open sesame")
    sshd.authorize(public)
    words = [str(key.file) if word == str(sshd.private_key_path) else word for word in place]
    monkeypatch.delenv("WINKEL_KEY_PASSPHRASE", raising=False)
    assert main(["scaffold", "winkel", *words, *known]) == 1
    told = capsys.readouterr().err
    assert "WINKEL_KEY_PASSPHRASE is not set; set it to the passphrase, and start again:" in told
    assert told.endswith(f" --key {key.file} --passphrase-env WINKEL_KEY_PASSPHRASE\n")
    monkeypatch.setenv("WINKEL_KEY_PASSPHRASE", "open sesame")
    assert main(["scaffold", "winkel", *words, *known]) == 0
    assert "passphrase: {env: WINKEL_KEY_PASSPHRASE}" in (folder / "winkel" / "defs.yaml").read_text()


def test_folders_are_named_where_no_file_is(server, sshd, capsys):
    place, known, _ = server
    (sshd.root / "drafted" / "deeper" / "in").mkdir(parents=True)
    (sshd.root / "drafted" / "deeper" / ".ssh").mkdir()
    deeper = str(sshd.root / "drafted" / "deeper")
    assert main(["scaffold", "winkel", *place, *known, "--directory", deeper]) == 1
    told = (
        f"kinds there: none; folders there: .ssh, in; --directory {deeper}/in looks there, and may be given for each\n"
    )
    assert capsys.readouterr().err.endswith(told)


def test_an_input_that_ends_at_a_question_writes_nothing(server, sshd, monkeypatch, capsys):
    place, known, folder = server
    folder.rmdir()
    terminal, side = pty.openpty()
    # Ctrl-D at the question for the folder with the files.
    os.write(terminal, b"\x04")
    words = [word for word in place if word not in {"--directory", str(sshd.root / "drafted")}]
    with os.fdopen(side) as asked:
        monkeypatch.setattr("sys.stdin", asked)
        assert main(["scaffold", "winkel", *words, *known]) == 1
    told = "error: the input ended before every question was answered; nothing was written\n"
    assert capsys.readouterr().err == told
    assert not folder.exists()
    os.close(terminal)
