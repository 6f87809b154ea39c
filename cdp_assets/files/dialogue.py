"""What is said in one log-in: what the server asks for, what we answer, and how it takes the answer.

asyncssh tells its client which method comes next, but not whether the last answer was wrong or was right and is
not enough. That shows in what the server asks for next: a refused method is offered again, an accepted one is not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import asyncssh

from cdp_assets.config.connections import Server
from cdp_assets.files.credentials import Credentials
from cdp_assets.files.remote import shown
from cdp_assets.files.secrets import secret_label

_KEY, _PASSWORD, _QUESTIONS = "publickey", "password", "keyboard-interactive"
_NAMES = {_KEY: "private key", _PASSWORD: "password", _QUESTIONS: "password (keyboard-interactive)"}
_SETTINGS = {_KEY: "private_key", _PASSWORD: "password", _QUESTIONS: "password"}
_PASSWORD_WORDS = ("pass", "kennwort", "wachtwoord", "contrase", "senha")
_LONGEST_QUESTION = 300
_CODE_WORDS = ("one-time", "onetime", "otp", "token", "new", "retype")
_TOO_MANY_REFUSALS = re.compile(r"too many .*(auth|log.?in|password)|auth\w* fail", re.IGNORECASE)
"""How servers say that they hang up because too many log-ins were refused; not "too many connections"."""


class Dialogue:
    """Gives each secret once, so that a wrong one counts once at the server; then tells what came of it."""

    def __init__(self, server: Server, credentials: Credentials) -> None:
        self._server = server
        self._credentials = credentials
        self._key_is_left = credentials.key is not None
        self._password_is_left = credentials.password is not None
        self._tried: list[str] = []
        self._accepted: list[str] = []
        self._asked: list[str] = []
        """Methods the server has asked for since it last accepted one."""
        self._question = ""
        """What the server asked that no setting answers."""
        self._awaits_questions = False
        self._asks_nothing = False
        """Keyboard-interactive is offered, but nothing stands behind it: an sshd without PAM is like that."""
        self._outstanding: str | None = None

    def was_hung_up_on(self, error: asyncssh.Error) -> bool:
        """Whether a lost connection is the server's answer to a secret; some say no in this way.

        With words it is. Without, it is taken for one after a password, which must not be tried too often. Words
        about too many refusals are one at any time.
        """
        if _TOO_MANY_REFUSALS.search(error.reason):
            return True
        if isinstance(error, asyncssh.ConnectionLost):
            return self._outstanding in {_PASSWORD, _QUESTIONS}
        return self._outstanding is not None

    def key(self, offered: Sequence[str]) -> asyncssh.SSHKey | None:
        """The key, the first time it is asked for; `offered` are the methods the server takes now."""
        self._hear(_KEY, offered)
        if not self._key_is_left:
            return None
        self._key_is_left = False
        self._give(_KEY)
        return self._credentials.key

    def password(self, offered: Sequence[str]) -> str | None:
        """The password, unless it was given before."""
        self._hear(_PASSWORD, offered)
        return self._password_for(_PASSWORD)

    def lets_the_server_ask(self, offered: Sequence[str]) -> bool:
        """Whether to begin with questions: only with a password left, as a question may send somebody a code.

        A server that was let ask and refused without a question is not let ask again: every time counts as a
        refused log-in there, and the password is still left for the next method.
        """
        self._hear(_QUESTIONS, offered)
        self._asks_nothing = self._asks_nothing or self._awaits_questions
        if self._asks_nothing:
            self._asked.remove(_QUESTIONS)
        self._awaits_questions = self._password_is_left and not self._asks_nothing
        return self._awaits_questions

    def answers(self, questions: Sequence[tuple[str, bool]]) -> list[str] | None:
        """The answers to one round of questions; None where one needs a person."""
        if not questions:
            return []
        self._awaits_questions = False
        texts = [text for text, _ in questions]
        if len(texts) == 1 and _is_for_the_password(texts[0]):
            password = self._password_for(_QUESTIONS)
            if password is not None:
                return [password]
        self._question = shown(" ".join(" ".join(texts).split()))[:_LONGEST_QUESTION]
        return None

    def refusal(self, reason: str = "") -> str:
        """The message for a log-in that failed; `reason` is what the server said when it hung up."""
        server = self._server
        tried = ", ".join(self._named(method) for method in self._tried) or "nothing"
        head = f"Authentication failed for {server.username}@{server.host}:{server.port} (tried: {tried}): "
        if self._question:
            return head + self._about_a_question()
        if reason:
            return f"{head}the server hung up: {shown(reason)}; {self._about_refused() or self._about_too_few_tries()}"
        if not self._tried:
            return head + self._about_nothing_tried()
        refused = [method for method in self._tried if method not in self._accepted]
        if self._accepted and not refused:
            return head + self._about_a_missing_factor()
        accepted = f"the server accepted the {self._list(self._accepted)}; " if self._accepted else ""
        return head + accepted + self._about_refused()

    def _hear(self, method: str, offered: Sequence[str]) -> None:
        """The server asks for a method: what does that say about the last answer?"""
        given, self._outstanding = self._outstanding, None
        # asyncssh takes methods off `offered` as it passes them over, but asks us about each of ours first.
        if given is not None and given != method and given not in offered:
            self._accepted.append(given)
            self._asked.clear()
        if method not in self._asked:
            self._asked.append(method)

    def _give(self, method: str) -> None:
        self._tried.append(method)
        self._outstanding = method

    def _password_for(self, method: str) -> str | None:
        if not self._password_is_left:
            return None
        self._password_is_left = False
        self._give(method)
        return self._credentials.password

    def _about_a_question(self) -> str:
        return (
            f"the server asks {self._question!r}, which only a person can answer (a second factor, or a new "
            "password); ask its operator for an account that logs in without"
        )

    def _about_nothing_tried(self) -> str:
        if not self._asked:
            return "the server offers neither private key nor password; ask its operator how to log in"
        given = " and ".join(_NAMES[m] for m, has in self._given().items() if has)
        return (
            f"the server asks for {self._list(self._asked)} first, and the connection gives {given} only; add "
            f"{self._settings()}, and keep the rest if the operator wants both"
        )

    def _about_a_missing_factor(self) -> str:
        accepted = self._list(self._accepted)
        return (
            f"second factor missing: the server accepted the {accepted} and asks for {self._list(self._asked)} "
            f"as well; add {self._settings()}"
        )

    def _about_refused(self) -> str:
        told = []
        if _KEY in self._tried and _KEY not in self._accepted:
            told.append(
                "the private key was not accepted: its public key must be among the account's authorized keys"
                f"{self._old_kind()}"
            )
        if any(method in self._tried and method not in self._accepted for method in (_PASSWORD, _QUESTIONS)):
            ref = self._server.password
            where = f" in {secret_label(ref)}" if ref is not None else ""
            told.append(f"the password was not accepted: check the one{where}, and that the account is not locked")
        return "; ".join(told)

    def _about_too_few_tries(self) -> str:
        return (
            "it did so before it took a secret; ask its operator to allow more attempts (`MaxAuthTries`), or to "
            "offer only methods that work"
        )

    def _old_kind(self) -> str:
        key = self._credentials.key
        if key is None or key.get_algorithm() != "ssh-dss":
            return ""
        return ", and the server must take ssh-dss keys, which newer ones no longer do"

    def _given(self) -> dict[str, bool]:
        return {_KEY: self._credentials.key is not None, _PASSWORD: self._credentials.password is not None}

    def _settings(self) -> str:
        return " or ".join(dict.fromkeys(f"`{_SETTINGS[method]}`" for method in self._asked))

    def _list(self, methods: Sequence[str]) -> str:
        return " or ".join(_NAMES[method] for method in methods)

    def _named(self, method: str) -> str:
        key = self._credentials.key
        if method != _KEY or key is None:
            return _NAMES[method]
        return f"{_NAMES[method]} {key.get_algorithm()} {key.get_fingerprint()}"


def _is_for_the_password(question: str) -> bool:
    text = question.lower()
    return any(word in text for word in _PASSWORD_WORDS) and not any(word in text for word in _CODE_WORDS)
