"""Ends a command on Ctrl-C or SIGTERM so that everything unfinished is removed."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_RETRY_SECONDS = 0.01
_CHECK_SECONDS = 0.2


@contextlib.contextmanager
def removing_unfinished_work() -> Iterator[None]:
    """Turns Ctrl-C and SIGTERM into SystemExit, so that `finally` blocks run.

    The exit code is 130 after Ctrl-C and 143 after SIGTERM, as in a shell. A second signal is
    ignored while unfinished work is removed. The block must run in the main thread; in another one
    nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    interruption = _Interruption()
    interruption.start()
    try:
        yield
    except Exception as error:
        interruption.raise_instead_of(error)
        raise
    finally:
        interruption.stop()


class _Interruption:
    """Raises SystemExit in the main thread, wherever a signal finds it, until it takes effect.

    Python ignores an exception in a destructor or a callback, and code of others may catch it. It
    is then raised again soon after.
    """

    def __init__(self) -> None:
        self._exit: SystemExit | None = None
        self._number = 0  # of the signal
        self._handlers: dict[int, Any] = {}
        self._report_ignored = sys.unraisablehook

    def start(self) -> None:
        for each in _SIGNALS:
            handler = signal.getsignal(each)
            # What is ignored stays so (nohup), and what is not Python's cannot be restored.
            if handler not in (signal.SIG_IGN, None):
                self._handlers[each] = signal.signal(each, self._end)
        sys.unraisablehook = self._raise_again

    def stop(self) -> None:
        """Restores the handlers; ignores further signals if the process is ending."""
        for each, handler in self._handlers.items():
            signal.signal(each, handler if self._exit is None else signal.SIG_IGN)
        sys.unraisablehook = self._report_ignored

    def raise_instead_of(self, error: Exception) -> None:
        """Raises SystemExit if there was a signal: code of others, such as pybind11, may replace
        the exit by an error of its own."""
        if self._number:
            raise SystemExit(128 + self._number) from error

    def _end(self, number: int, frame: FrameType | None) -> None:
        # Asked again until the process ends: code that catches the exit looks like a `finally`
        # block while it does so.
        self._raise_after(_CHECK_SECONDS)
        if self._exit is None:
            self._number, self._exit = number, SystemExit(128 + number)
        elif self._takes_effect():
            return
        raise self._exit

    def _takes_effect(self) -> bool:
        """Whether the main thread is in a `finally` block or the like because of the exit."""
        error = sys.exception()
        while error is not None and error is not self._exit:
            error = error.__context__
        return error is not None

    def _raise_after(self, seconds: float) -> None:
        """Sends the signal again, which interrupts a wait of the main thread too."""
        main = threading.main_thread().ident
        assert main is not None, "it runs"
        timer = threading.Timer(seconds, lambda: signal.pthread_kill(main, self._number))
        timer.daemon = True
        timer.start()

    def _raise_again(self, ignored: "sys.UnraisableHookArgs") -> None:
        if self._exit is None or ignored.exc_value is not self._exit:
            self._report_ignored(ignored)
            return
        self._exit = None
        self._raise_after(_RETRY_SECONDS)  # when the destructor has ended
