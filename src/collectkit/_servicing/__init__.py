"""The arithmetic behind `collectkit.servicing`; import from there."""
