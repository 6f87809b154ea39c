"""A mail server on the loopback that keeps what it is given."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage


class _Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self._say("220 ready")
        while line := self.rfile.readline().strip():
            verb = line[:4].upper()
            if verb == b"DATA":
                self._say("354 go on")
                self.server.kept.append(self._message())  # type: ignore[attr-defined]
                self._say("250 kept")
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def _message(self) -> EmailMessage:
        lines = iter(self.rfile.readline, b".\r\n")
        message = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message


class MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.kept: list[EmailMessage] = []

    @property
    def address(self) -> str:
        """For apprise."""
        port = self.server_address[1]
        return f"mailto://127.0.0.1:{port}/?mode=insecure&from=cdp@example.com&to=ops@example.com"

    def mails(self) -> list[tuple[str, str]]:
        """Subject and text of each."""
        found = []
        for message in self.kept:
            body = message.get_body(("plain",))
            assert body is not None
            found.append((str(message["Subject"]), body.get_content()))
        return found


@contextmanager
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
