"""The parts of :class:`memex.testing.FileStoreContract`."""
