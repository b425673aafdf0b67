"""What `collectkit.wording` is made of; import from there."""
