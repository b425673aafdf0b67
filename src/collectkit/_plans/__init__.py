"""The arithmetic behind `collectkit.plans`; import from there."""
