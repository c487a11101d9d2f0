"""The process of a scripted relay: forked, since Python and its modules take longer to start than most tests last."""

from __future__ import annotations

import gc
import os
import select
import signal
import sys
import traceback
from typing import NoReturn, Sequence

from support.scripted_relay import server as scripted_relay


class RelayProcess:
    """server.py with these arguments. `trace` is what it prints; it ends when this process does."""

    def __init__(self, arguments: Sequence[str]) -> None:
        its_input, self._input = os.pipe()
        trace, its_output = os.pipe()
        self.trace = os.fdopen(trace, encoding="utf-8")
        sys.stdout.flush()
        sys.stderr.flush()
        self._pid = os.fork()
        if self._pid == 0:
            _become_relay(arguments, its_input, its_output)
        os.close(its_input)
        os.close(its_output)
        self._descriptor = os.pidfd_open(self._pid)

    def send(self, number: int) -> None:
        signal.pidfd_send_signal(self._descriptor, number)

    def stop(self, limit: float) -> None:
        """Returns when it is gone. `limit`: seconds."""
        self.send(signal.SIGTERM)
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        if not poll.poll(1000 * limit):
            self.send(signal.SIGKILL)
            raise TimeoutError(f"the relay's process {self._pid} did not end in {limit:.0f} s")
        os.waitpid(self._pid, 0)
        os.close(self._descriptor)
        os.close(self._input)


def _become_relay(arguments: Sequence[str], its_input: int, its_output: int) -> NoReturn:
    """In the child, which has nothing of its parent but standard error: no pipe that somebody waits for the end of."""
    status = 1
    try:
        os.dup2(its_input, 0)
        os.dup2(its_output, 1)
        gc.freeze()    # an object of the parent may not close a descriptor that is another one by now
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
        status = scripted_relay.main(arguments)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)
