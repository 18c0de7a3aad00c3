"""A process, named so that it cannot be taken for a later one with its number."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import psutil

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclasses.dataclass(frozen=True)
class ProcessIdentity:
    """A process that cannot be mistaken for a later one with the same number.

    Attributes:
        pid: Process number.
        started: When it started. With `boot`, in ticks of the kernel since then, which no change
            of the clock moves; without, in seconds since 1970, as psutil tells it.
        boot: Linux's name of the boot; None elsewhere, and where an earlier version wrote it.
    """

    pid: int
    started: float
    boot: str | None = None

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity:
        """The process that has that number now.

        Raises:
            psutil.NoSuchProcess: None has.
        """
        try:
            return cls(pid, float(_stat(pid)[1]), _boot())
        except OSError:
            return cls(pid, psutil.Process(pid).create_time())

    @classmethod
    def current(cls) -> ProcessIdentity:
        """This process."""
        return cls.of(os.getpid())

    def is_alive(self) -> bool:
        """Whether that very process runs. One that ended and waits for its parent does not."""
        try:
            if self.boot is not None:
                state, started = _stat(self.pid)
                return state not in "ZX" and (float(started), _boot()) == (self.started, self.boot)
            process = psutil.Process(self.pid)
            # psutil adds the time of boot, which moves with the clock a little.
            return (
                abs(process.create_time() - self.started) < 2
                and process.status() != psutil.STATUS_ZOMBIE
            )
        except (psutil.Error, OSError, ValueError, OverflowError):
            return False

    def send_signal(self, signal: int) -> None:
        """Signals that very process, and no other one.

        Raises:
            psutil.NoSuchProcess: It has ended.
            psutil.AccessDenied: It belongs to another user.
        """
        # psutil looks once more whether it is the same, right before it signals.
        process = psutil.Process(self.pid)
        if not self.is_alive():
            raise psutil.NoSuchProcess(self.pid)
        process.send_signal(signal)


def _stat(pid: int) -> tuple[str, str]:
    """State and start of a process on Linux, see proc_pid_stat(5)."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    # The program's name in front may hold spaces and brackets.
    fields = text.rpartition(")")[2].split()
    return fields[0], fields[19]


def _boot() -> str:
    return _BOOT.read_text(encoding="ascii").strip()
