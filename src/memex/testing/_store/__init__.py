"""The parts of :class:`memex.testing.StoreContract`, one promise a module."""
