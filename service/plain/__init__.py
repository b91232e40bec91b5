"""The state of a graph of objects as plain data, and back: nothing in it names a class to be made.

:func:`dump` walks an object beside a fresh one of the same make; :func:`restore` lays the outcome over
another fresh one. So every class, function and default comes from the fresh object, and only values from
what was stored: it can't run code. What has no counterpart is refused, with its path and class.

The bytes depend on neither hash order nor memory addresses: sets are sorted, dicts keep their order, a
thing met again is named by the path on which it was met first. Large containers are cut into parts of 256
entries under keys that stay, so that a small change leaves most parts as they were.

Do: walk. Do not: know a model, a metric or a topic.
"""

from service.plain.dump import State, dump, outline
from service.plain.kind import CannotKeep
from service.plain.restore import restore

__all__ = ["CannotKeep", "State", "dump", "outline", "restore"]
