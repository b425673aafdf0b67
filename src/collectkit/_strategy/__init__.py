"""What `strategy` pushed down: the bundle's type, the look at one account, the reading of files, the verification."""
