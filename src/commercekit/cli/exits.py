"""Exit codes, and how an error leaves the command line: one sentence, never a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import rich_click as click

from commercekit.errors import CommerceKitError, ConfigurationError, Unavailable

__all__ = ["EXIT_CODES_HELP", "ExitCode", "Failed", "NotReachable", "exit_code_of", "run_cli"]


_TRACEBACK = "COMMERCEKIT_TRACEBACK"


class ExitCode(IntEnum):
    """What a script learns from a command."""

    OK = 0
    FAILED = 1
    """Understood and not done: refused, a step did not hold, an invariant is broken."""
    USAGE = 2
    CONFIGURATION = 3
    NOT_REACHABLE = 4
    INTERRUPTED = 130


EXIT_CODES_HELP = (
    "Exit codes: 0 done · 1 refused or failed · 2 wrong usage · 3 wrong configuration · "
    "4 database or shop not reachable · 130 interrupted."
)


class Failed(CommerceKitError):
    """The command did what it could, and the answer is no."""


class NotReachable(CommerceKitError):
    """The other side does not answer."""


def exit_code_of(error: BaseException) -> ExitCode:
    """The code for an error that a command let through."""
    if isinstance(error, ConfigurationError):
        return ExitCode.CONFIGURATION
    if isinstance(error, NotReachable | Unavailable | ConnectionError):
        return ExitCode.NOT_REACHABLE
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return ExitCode.INTERRUPTED
    return ExitCode.FAILED


def run_cli(command: Callable[..., Any]) -> int:
    """Run ``command`` and give the exit code; says what went wrong on the error stream."""
    try:
        result = command(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo(err=True)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # the reader of our output left: that is its right
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except CommerceKitError as error:
        _say(error.detail)
        return exit_code_of(error)
    except OSError as error:
        _say(f"{error.filename or 'The system'}: {error.strerror or error}")
        return exit_code_of(error)
    except Exception as error:
        if os.environ.get(_TRACEBACK):
            raise
        _say(f"{type(error).__name__}: {error}. This is a bug; {_TRACEBACK}=1 shows where.")
        return ExitCode.FAILED
    return result if isinstance(result, int) else ExitCode.OK


def _say(sentence: str) -> None:
    click.echo(f"commercekit: {sentence}", err=True)
