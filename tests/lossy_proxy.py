"""A TCP proxy on this host that cuts connections between a request and its answer, when it is told to."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class LossyProxy:
    """Passes bytes on to a port; ``port`` is its own, ``lost`` counts the answers that it swallowed."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._marker, self._left = b"", 0
        self._open: list[socket.socket] = []
        self.lost = 0
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def lose_answers_to(self, marker: bytes, times: int) -> None:
        """Pass the next requests that hold ``marker`` on, and cut their connection when the answer comes."""
        self._marker, self._left = marker, times

    def go_away(self) -> None:
        """Cut every connection, and take no more until ``come_back``."""
        self.close()
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def come_back(self) -> None:
        """Take connections again, at the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        # A thread that waits in accept() would take one more from a socket that is only closed.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._open += [client, server]
                losing = threading.Event()
                for source, sink, to_server in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._pass, args=(source, sink, to_server, losing), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, to_server: bool, losing: threading.Event) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if to_server and self._left and self._marker in data:
                    self._left -= 1
                    losing.set()
                if not to_server and losing.is_set():
                    self.lost += 1
                    break
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def lossy_proxy(target: int) -> Iterator[LossyProxy]:
    """A proxy to ``target``, a port of this host."""
    proxy = LossyProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
