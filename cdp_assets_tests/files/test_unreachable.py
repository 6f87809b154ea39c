"""Servers that are not there, do not answer, or speak something else: told in bounded time."""

import socket
import threading
import time

import pytest

from cdp_assets.errors import RemoteDownError, RemoteError
from cdp_assets_tests.support.logins import refusal
from cdp_assets_tests.support.proxy import Proxy


def test_nobody_listening_is_down(sshd):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        message = refusal(sshd.server_config(port=probe.getsockname()[1]), RemoteDownError)
    assert "cannot be reached: Connection refused; check host and port" in message


def test_an_unknown_host_name_is_down(sshd):
    assert "cannot be reached" in refusal(sshd.server_config(host="no-such-host.invalid"), RemoteDownError)


@pytest.mark.parametrize("after_bytes", [0, 100, 2500])
def test_a_server_silent_in_banner_key_exchange_or_later_is_given_up_in_time(sshd, after_bytes):
    with Proxy(sshd.port, "stall", after_bytes) as proxy:
        began = time.monotonic()
        message = refusal(sshd.server_config(port=proxy.port, connect_timeout_s=1, keepalive_s=0.5), RemoteDownError)
    assert message.startswith(f"127.0.0.1:{proxy.port}")
    if after_bytes < 2500:
        assert " did not answer within 1 s; check host and port" in message
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
