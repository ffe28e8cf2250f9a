"""A network between the daemon and its broker, with a network's faults."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

Result = TypeVar("Result")
CHUNK = 65_536
WAIT_S = 20.0
SLOW_S = 0.3


class Proxy:
    """Passes TCP connections on to a port of the loopback interface, until something is done to them.

    Attributes:
        delay_s: how long each piece of data is held back.
    """

    host = "127.0.0.1"

    def __init__(self, target: int) -> None:
        self.port = 0
        self.delay_s = 0.0
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._flowing = self._do(_event())
        self.heal()
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()
        self._do(_cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def heal(self) -> None:
        """Pass everything on, at once."""
        self.delay_s = 0.0
        self._do(self._listen())

    def refuse(self) -> None:
        """Cut all connections and refuse new ones."""
        self._do(self._close())
        self.cut()

    def cut(self) -> None:
        """Reset all connections; new ones are passed on."""
        self._do(self._abort())

    def half_close(self) -> None:
        """Tell both sides of all connections that no more comes, but keep listening to them."""
        self._do(self._write_eof())

    def slow_down(self) -> None:
        """Hold everything back for a while."""
        self.delay_s = SLOW_S

    def swallow(self) -> None:
        """Keep connections and accept new ones, but pass nothing on: as when a router has forgotten them."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def _do(self, coroutine: Coroutine[None, None, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(WAIT_S)

    async def _listen(self) -> None:
        self._flowing.set()
        if not self._server:
            self._server = await asyncio.start_server(self._serve, self.host, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server:
            self._server.close()
            self._server = None

    async def _abort(self) -> None:
        for writer in list(self._writers):
            handle: socket.socket = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):  # no lingering: a reset
                handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            writer.transport.abort()

    async def _write_eof(self) -> None:
        for writer in list(self._writers):
            with contextlib.suppress(OSError):
                writer.write_eof()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(self.host, self._target)
        except OSError:
            writer.close()
            return
        try:
            await asyncio.gather(self._pass_on(reader, far_writer), self._pass_on(far_reader, writer))
        finally:
            for each in (writer, far_writer):
                each.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while data := await reader.read(CHUNK):
                await self._flowing.wait()
                await asyncio.sleep(self.delay_s)
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except (OSError, RuntimeError):
            writer.transport.abort()
        finally:
            self._writers.discard(writer)


async def _event() -> asyncio.Event:
    return asyncio.Event()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
