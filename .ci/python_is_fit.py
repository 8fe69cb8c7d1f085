"""Say in one sentence what keeps this Python from making the virtual environment.

It runs under whatever `python3` is, so it uses nothing that an old Python does not know.
"""

import sys


def complaint():
    """The sentence, or nothing when all is well."""
    if sys.version_info < (3, 11):
        sentence = (
            "CommerceKit needs Python 3.11 or later and {} is {}.{};"
            " name another one, as in `make PYTHON=python3.12`."
        )
        return sentence.format(sys.executable, *sys.version_info[:2])
    for name in ("venv", "ensurepip"):
        try:
            __import__(name)
        except ImportError:
            sentence = (
                "{} lacks the module {}, which Debian and Ubuntu keep in a package of its own:"
                " `apt-get install python3-venv`."
            )
            return sentence.format(sys.executable, name)
    return None


if __name__ == "__main__":
    sys.exit(complaint())
