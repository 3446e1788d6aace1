"""The parts of the scripted server in :mod:`memex.testing.wire`."""
