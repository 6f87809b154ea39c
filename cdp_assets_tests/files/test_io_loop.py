"""What a connection is handed by the loop: every byte in order, in pieces, and nothing once it has hung up."""

from __future__ import annotations

import asyncio
import os
import random
from multiprocessing import get_context

import pytest

from cdp_assets.files.io_loop import io_loop

SENT = random.Random(0).randbytes(3_000_000)
PIECE = 34 * 1024


class Receiver(asyncio.Protocol):
    """Hangs up after so many bytes."""

    def __init__(self, enough: int) -> None:
        self.enough = enough
        self.pieces: list[bytes] = []
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.pieces.append(data)
        if sum(map(len, self.pieces)) >= self.enough:
            self.transport.abort()

    def connection_lost(self, exc):
        self.lost.set_result(exc)


async def _receive(enough: int) -> Receiver:
    async def send(_reader, writer):
        writer.write(SENT)
        writer.close()

    server = await asyncio.start_server(send, "127.0.0.1", 0)
    async with server:
        address = server.sockets[0].getsockname()
        _, receiver = await asyncio.get_running_loop().create_connection(lambda: Receiver(enough), *address)
        await asyncio.wait_for(receiver.lost, 10)
    return receiver


def received(enough: int) -> Receiver:
    return asyncio.run_coroutine_threadsafe(_receive(enough), io_loop()).result(20)


def test_every_byte_comes_once_and_in_order_in_small_pieces():
    pieces = received(len(SENT) + 1).pieces
    assert b"".join(pieces) == SENT
    assert max(map(len, pieces)) == PIECE


@pytest.mark.parametrize("enough", [1, 100_000])
def test_who_hangs_up_is_told_nothing_more(enough):
    pieces = received(enough).pieces
    assert sum(map(len, pieces[:-1])) < enough


def test_a_process_has_one_loop():
    assert io_loop() is io_loop()


def _in_a_fork(answers):
    answers.put(asyncio.run_coroutine_threadsafe(asyncio.sleep(0, os.getpid()), io_loop()).result(10))


def test_a_fork_has_a_loop_of_its_own():
    io_loop()
    context = get_context("fork")
    answers = context.SimpleQueue()
    child = context.Process(target=_in_a_fork, args=[answers])
    child.start()
    child.join(20)
    assert child.exitcode == 0
    assert answers.get() == child.pid
