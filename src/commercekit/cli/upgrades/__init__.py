"""What an upgrade of the core breaks, read from source text alone.

``reading`` turns an installed core, a source tree or a wheel into a ``PublicApi``; ``changes`` compares two;
``using`` finds what a plugin uses, with file and line; ``judging`` says what of that would break.
"""
