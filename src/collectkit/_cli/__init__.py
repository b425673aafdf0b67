"""What the command line pushed down: files, the run, the worklist, and how things are said to people."""
