"""Memory for a client of an SDK that a program has already: its calls are remembered in threads.

Nothing of the SDK is patched. The client is wrapped; a call on the wrapper is made by the SDK's own
resource, on a stand-in of the client whose ``post`` puts the thread's window in the place of the
caller's messages and reads the answer as it passes. The caller gets the SDK's own objects.
"""
