"""The pytest plugin: a database of its own for every test."""
