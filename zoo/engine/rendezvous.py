"""Processes that meet before TensorFlow's own wait, which has no end and cannot be interrupted."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from zoo_registry.errors import ConfigError, TrainingError

_MOMENT = 0.2  # seconds
_ANSWER = 5.0  # seconds for a process that has connected to say who it is
_NAME, _GO = 8, b"g"  # bytes of a rank, and what is sent when all are there


def meet(addresses: Sequence[str], rank: int, patience: float, check: Callable[[], None] = lambda: None) -> None:
    """Return when the processes at all ``addresses`` (host:port) have called this, each with its own ``rank``.

    They meet at the first address, which is free again then. Raises TrainingError where some do not come within
    ``patience`` seconds, ConfigError where the first address cannot be used, and what ``check`` raises meanwhile.
    """
    end = time.monotonic() + patience

    def wait(missing: Sequence[int]) -> None:
        check()
        if time.monotonic() > end:
            told = ", ".join(f"{number} ({addresses[number]})" for number in missing)
            raise TrainingError(
                f"--distribute: process {rank} waited {patience:.0f} s for process {told}; start the same command on"
                f" each, and let all reach {addresses[0]}"
            )

    if rank:
        _go_to(addresses, rank, wait)
    else:
        _receive(addresses, wait)


def _receive(addresses: Sequence[str], wait: Callable[[Sequence[int]], None]) -> None:
    port = int(addresses[0].rpartition(":")[2])
    there: dict[int, socket.socket] = {}
    with ExitStack() as stack:
        try:
            both = socket.has_dualstack_ipv6()
            family = socket.AF_INET6 if both else socket.AF_INET
            server = stack.enter_context(socket.create_server(("", port), family=family, dualstack_ipv6=both))
        except OSError as error:
            raise ConfigError(
                f"--distribute: process 0 cannot use {addresses[0]} ({error.strerror}); name a free port of this host"
            ) from error
        server.settimeout(_MOMENT)
        while missing := [number for number in range(1, len(addresses)) if number not in there]:
            wait(missing)
            try:
                peer = stack.enter_context(server.accept()[0])
                peer.settimeout(_ANSWER)
                name = peer.recv(_NAME, socket.MSG_WAITALL).decode("ascii", "replace").strip()
            except OSError:  # nobody yet, or somebody who says nothing
                continue
            if name.isdecimal() and int(name) in missing:
                there[int(name)] = peer
        for peer in there.values():
            peer.sendall(_GO)
        for peer in there.values():
            peer.recv(1)  # it hangs up first, so that the port is free at once


def _go_to(addresses: Sequence[str], rank: int, wait: Callable[[Sequence[int]], None]) -> None:
    host, _, port = addresses[0].rpartition(":")
    while True:
        wait([0])
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER) as peer:
                peer.sendall(str(rank).rjust(_NAME).encode())
                peer.settimeout(_MOMENT)
                while True:
                    try:
                        answer = peer.recv(1)
                    except TimeoutError:
                        wait([0])
                        continue
                    if answer == _GO:
                        return
                    break  # it has ended, and may come again
        except OSError:  # it is not there yet
            pass
        time.sleep(_MOMENT)
