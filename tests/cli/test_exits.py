import errno

import pytest
import rich_click as click

from commercekit.cli.exits import ExitCode, Failed, NotReachable, exit_code_of, run_cli
from commercekit.errors import ConfigurationError, Conflict, NotFound, Unavailable


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Failed("no"), 1),
        (NotFound("no"), 1),
        (Conflict("no"), 1),
        (ConfigurationError("no"), 3),
        (NotReachable("no"), 4),
        (Unavailable("no"), 4),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), 4),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_kind_of_error_has_its_code(error, code):
    assert exit_code_of(error) == code


def ends_with(error):
    def command(**_options):
        raise error

    return command


def test_an_error_is_one_sentence_on_the_error_stream(capsys):
    assert run_cli(ends_with(NotFound("There is no order 7."))) == 1
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "commercekit: There is no order 7.\n")


def test_a_bug_is_named_without_its_traceback(capsys, monkeypatch):
    monkeypatch.delenv("COMMERCEKIT_TRACEBACK", raising=False)
    assert run_cli(ends_with(KeyError("x"))) == 1
    err = capsys.readouterr().err
    assert (
        err == "commercekit: KeyError: 'x'. This is a bug; COMMERCEKIT_TRACEBACK=1 shows where.\n"
    )


def test_a_bug_shows_its_traceback_when_asked_to(monkeypatch):
    monkeypatch.setenv("COMMERCEKIT_TRACEBACK", "1")
    with pytest.raises(KeyError):
        run_cli(ends_with(KeyError("x")))


def test_an_interrupted_command_ends_with_130(capsys):
    assert run_cli(ends_with(KeyboardInterrupt())) == 130
    assert run_cli(ends_with(click.Abort())) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_missing_file_is_named(capsys):
    assert run_cli(ends_with(FileNotFoundError(errno.ENOENT, "No such file", "a.csv"))) == 1
    assert capsys.readouterr().err == "commercekit: a.csv: No such file\n"


def test_a_command_may_choose_its_code():
    assert run_cli(lambda **_: 1) == 1
    assert run_cli(lambda **_: None) == ExitCode.OK
