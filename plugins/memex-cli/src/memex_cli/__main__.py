"""``python -m memex_cli``: the ``memex`` program where its script is not on the path."""

from memex_cli.main import main

main()
