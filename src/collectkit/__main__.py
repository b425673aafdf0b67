"""`python -m collectkit` is the `collectkit` command."""

from collectkit.cli import main

if __name__ == "__main__":
    main()
