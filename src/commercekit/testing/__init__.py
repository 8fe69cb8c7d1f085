"""For those who test plugins and shops: a pytest plugin, a clock to turn, races to stage.

Installed with ``commercekit[testing]``; pytest finds :mod:`commercekit.testing.plugin` by itself.
"""
