"""The servers that tests start: install what is missing, or keep them up for a developer.

``python .ci/services.py need``  before the tests: with root and apt it installs Debian's packages,
                                 otherwise one sentence names them and the exit code is 1
``python .ci/services.py keep``  PostgreSQL, RabbitMQ and a cache until Ctrl-C, and the settings to paste
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

PACKAGES: Mapping[str, tuple[str, ...]] = {
    # package: any of these programs says that it is there
    "rabbitmq-server": ("rabbitmq-server",),
    "redis-server": ("valkey-server", "redis-server"),
    "haproxy": ("haproxy",),
}
_FOLDERS = os.pathsep.join(
    [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/usr/lib/rabbitmq/bin"]
)
_POLICY = Path("/usr/sbin/policy-rc.d")
_MARK = (
    "# CommerceKit's tests start servers of their own; nothing is started while they are installed."
)


def main(arguments: list[str]) -> int:
    """What the first argument says."""
    if arguments == ["need"]:
        return need()
    if arguments == ["keep"]:
        return keep()
    print(__doc__)
    return 2


def missing() -> list[str]:
    """Debian's packages for the programs that this machine lacks."""
    return [
        package
        for package, programs in PACKAGES.items()
        if not any(shutil.which(program, path=_FOLDERS) for program in programs)
    ]


def need(
    *,
    is_root: bool = os.geteuid() == 0,
    apt: str | None = shutil.which("apt-get"),
    run: Callable[[list[str]], bool] | None = None,
    policy: Path = _POLICY,
) -> int:
    """Nothing at all where all is there."""
    packages = missing()
    if not packages:
        return 0
    names = " ".join(packages)
    if not is_root or apt is None:
        print(
            f"The tests need servers that this machine lacks: on Debian and Ubuntu, as root, "
            f"`apt-get install {names}`.",
            file=sys.stderr,
        )
        return 1
    print(f"Installing {names}, which the tests start ...")
    run = run or _run
    install = [apt, "install", "--yes", "--quiet", "--no-install-recommends", *packages]
    with starting_nothing(policy):
        # The lists may be fresh, and asking for them again takes longer than all the rest.
        done = run(install) or (run([apt, "update", "--quiet"]) and run(install))
    if done and not missing():
        return 0
    print(
        f"The servers that the tests need could not be installed; `apt-get install {names}` says why.",
        file=sys.stderr,
    )
    return 1


@contextlib.contextmanager
def starting_nothing(policy: Path = _POLICY) -> Iterator[None]:
    """Debian starts a server as soon as it is installed, unless this file forbids it.

    A policy that the machine has already is put back afterwards, one that a killed run left is not.
    """
    before = policy.read_text() if policy.exists() else None
    mode = policy.stat().st_mode if before is not None else 0
    policy.write_text(f"#!/bin/sh\n{_MARK}\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        if before is None or _MARK in before:
            policy.unlink(missing_ok=True)
        else:
            policy.write_text(before)
            policy.chmod(mode)


def _run(command: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    outcome = subprocess.run(  # noqa: S603 - apt-get, with packages of our own list
        command, env=environment, stdout=subprocess.DEVNULL, check=False
    )
    return outcome.returncode == 0


def keep() -> int:
    """Start the three, print what to paste, and wait to be told to stop."""
    from commercekit.testing import CacheServer, MissingPrograms, RabbitServer, TestServer

    # Told before anything runs, so that nothing is left behind whenever it comes. SIGINT, too: what a
    # script starts in the background ignores it otherwise.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with contextlib.ExitStack() as stack:
        try:
            postgres = TestServer(f"services-{secrets.token_hex(4)}")
            stack.callback(postgres.close)
            postgres.start()
            dsn = postgres.create("shop", [])
            rabbit = stack.enter_context(RabbitServer())
            cache = stack.enter_context(CacheServer())
            print(
                f"PostgreSQL, {rabbit.version} and {cache.version} are up. "
                "Ctrl-C stops them, and all they hold is gone then.\n"
                "Paste this into commercekit.toml:\n\n"
                f'[database]\ndsn = "{dsn}"\n\n'
                f'[bus]\nurl = "{rabbit.url}"\n\n'
                f'[cache]\nurl = "{cache.url}"\n',
                flush=True,
            )
            while True:
                # A signal that comes just before the wait begins does not end it: hence short ones.
                time.sleep(0.2)
        except MissingPrograms as error:
            print(error, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("Stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
