"""The parts of :class:`memex.testing.StoreBatteries`."""
