"""What everything else is made of: errors, checks, money, dates, facts, and the arithmetic over them.

The floors inside this package, top first, stand in `pyproject.toml` as an import-linter contract.
"""
