"""The parts of :class:`memex.testing.WireBackendContract`, one promise a module."""
