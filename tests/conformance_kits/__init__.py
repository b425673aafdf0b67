"""What the conformance tests run on: kits for our own adapters, and stores that are broken on purpose."""
