"""Another node of the shop: a process of its own, with another hash seed, asked the same questions."""

from __future__ import annotations

import atexit
import importlib.util
import os
import pickle
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from select import select
from typing import IO, Any, Final

import msgspec

__all__ = ["TwinError", "as_bytes", "ask_twins"]

_SEEDS: Final = ("1", "2")
_PATIENCE = 100.0
_LENGTH = struct.Struct("!I")
_twins: dict[str, subprocess.Popen[bytes]] = {}

Asked = tuple[Callable[..., Any], tuple[Any, ...]]
"""A method of the provider, and what it is given."""


class TwinError(Exception):
    """A provider cannot be asked in another process; the message says why."""


def as_bytes(answer: Any) -> bytes:
    """An answer in the one form in which equal answers are equal bytes."""
    return msgspec.json.encode(answer, order="sorted")


def ask_twins(asked: Sequence[Asked]) -> list[list[bytes]]:
    """What each of two other nodes answers, last question first, given in the order of ``asked``.

    The provider travels there as a pickle, so that its class must stand in a module; raises
    :class:`TwinError` when it cannot, or when it does not arrive.
    """
    # Backwards: what a provider remembers of one question shows in the answer to the next.
    try:
        parcel = pickle.dumps((_homes(asked), pickle.dumps(list(reversed(asked)))))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TwinError(str(error)) from error
    answers = []
    for seed in _SEEDS:
        answer = _exchange(_twin(seed), seed, parcel)
        if not isinstance(answer, list):
            raise TwinError(str(answer))
        answers.append(list(reversed(answer)))
    return answers


def _twin(seed: str) -> subprocess.Popen[bytes]:
    twin = _twins.get(seed)
    if twin is None or twin.poll() is not None:
        # By its file: the package around it imports every kind there is, and a shop's half with it.
        code = f"import runpy, sys; sys.path[:] = {sys.path!r}; runpy.run_path({__file__!r})['serve']()"
        twin = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        if not _twins:
            atexit.register(_part)
        _twins[seed] = twin
    return twin


def _exchange(twin: subprocess.Popen[bytes], seed: str, parcel: bytes) -> Any:
    if twin.stdin is None or twin.stdout is None:  # pragma: no cover - both are pipes
        message = "a process without pipes"
        raise TwinError(message)
    try:
        _write(twin.stdin, parcel)
        ready, _, _ = select([twin.stdout], [], [], _PATIENCE)
        answer = _read(twin.stdout) if ready else None
    except OSError:
        answer = None
    if answer is None:
        _twins.pop(seed, None)
        _end(twin)
        return "the process that was to answer ended, or took more than a minute and a half"
    return pickle.loads(answer)  # noqa: S301 - from our own child


def _part() -> None:
    while _twins:
        _end(_twins.popitem()[1])


def _end(twin: subprocess.Popen[bytes]) -> None:
    for pipe in (twin.stdin, twin.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:
                continue
    twin.kill()
    twin.wait()


def _write(pipe: IO[bytes], content: bytes) -> None:
    pipe.write(_LENGTH.pack(len(content)) + content)
    pipe.flush()


def _read(pipe: IO[bytes]) -> bytes | None:
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    return pipe.read(length)


def serve() -> None:
    """In the twin: answer until nobody asks any more."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a provider prints is no answer
    while (parcel := _read(sys.stdin.buffer)) is not None:
        _write(answers, pickle.dumps(_answer(parcel)))


def _homes(asked: Sequence[Asked]) -> dict[str, str]:
    """The modules and files of the providers' classes: pytest imports tests by path, not by name."""
    names = {
        base.__module__ for ask, _ in asked for base in type(getattr(ask, "__self__", ask)).__mro__
    }
    files = {name: getattr(sys.modules.get(name), "__file__", None) for name in sorted(names)}
    return {name: file for name, file in files.items() if file is not None}


def _move_in(name: str, file: str) -> None:
    """Import a module by its name where that leads to ``file``, and from the file where it does not."""
    if name in sys.modules:
        return
    try:
        found = importlib.util.find_spec(name)
    except ImportError:
        found = None
    if found is not None and found.origin == file:
        importlib.import_module(name)
        return
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is not None and spec.loader is not None:
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)


def _answer(parcel: bytes) -> list[bytes] | str:
    try:
        homes, asked = pickle.loads(parcel)  # noqa: S301 - from our parent
        for name, file in homes.items():
            _move_in(name, file)
        return [_told(ask, given) for ask, given in pickle.loads(asked)]  # noqa: S301 - likewise
    except Exception as error:  # noqa: BLE001 - whatever a provider does not survive
        return f"{error!r}"


def _told(ask: Callable[..., Any], given: tuple[Any, ...]) -> bytes:
    try:
        return as_bytes(ask(*given))
    except Exception as error:  # noqa: BLE001 - an answer too
        return f"raised {error!r}".encode()
