"""The terms and the arithmetic behind `collectkit.policy`; import from there."""
