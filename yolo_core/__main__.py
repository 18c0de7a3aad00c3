"""`python -m yolo_core COMMAND`: train, runs, command, anchors, ...; `--help` lists them all.

Installed, the same is called `detector-debugger`; without a command it opens the dashboard.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from yolo_core import __version__
from yolo_core.data.kept import keep_beside

# Set before anything imports TensorFlow: its start-up notes are not about the training.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


class _Parser(argparse.ArgumentParser):
    """Refuses bad input with one line that begins with "error: "."""

    def error(self, message: str) -> NoReturn:
        print(f"error: {message} (see {self.prog} --help)", file=sys.stderr)
        sys.exit(2)


def console() -> int:
    """The command `detector-debugger`; returns as `main` does."""
    arguments = sys.argv[1:]
    about = ("-h", "--help", "--version")
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in about):
        arguments = ["dashboard", *arguments]
    return main(arguments, program="detector-debugger")


def main(arguments: Sequence[str] | None = None, *, program: str = "python -m yolo_core") -> int:
    """Runs one command.

    Args:
        arguments: The command and what follows it; by default what this process was called with.
        program: What it was called by.

    Returns:
        The exit code: 0 when it worked, 1 when a training failed, 2 for bad input, 130 when
        Ctrl-C ended it before it had done anything.
    """
    try:
        from yolo_core.cli import (
            anchors,
            before,
            changes,
            command,
            compare,
            darknet,
            dashboard,
            data,
            detect,
            doctor,
            evaluate,
            explain,
            export,
            fork,
            inspect,
            overfit,
            pulls,
            runs,
            survey,
            train,
        )

        parser = _Parser(
            prog=program,
            description="Train anchor-based detectors and see what their losses do.",
        )
        parser.add_argument("--version", action="version", version=__version__)
        commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
        for module in (
            train,
            runs,
            command,
            changes,
            pulls,
            fork,
            inspect,
            explain,
            survey,
            evaluate,
            detect,
            export,
            compare,
            anchors,
            data,
            before,
            doctor,
            overfit,
            darknet,
            dashboard,
        ):
            module.add_parser(commands)
        parsed = parser.parse_args(arguments)
        if getattr(parsed, "checkpoints", None):
            keep_beside(parsed.checkpoints)
        return parsed.run_command(parsed)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if (error.name or "yolo_core").startswith("yolo_core"):
            raise
        print(
            f"error: This needs {error.name}, which is not installed; "
            "pip install 'detector-debugger[dashboard]' brings all that the commands need.",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output has seen enough; nothing is left to flush either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"error: {error.filename or 'A file'}: {error.strerror}.", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
