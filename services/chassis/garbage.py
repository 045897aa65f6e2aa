"""How often Python looks for garbage."""

import gc
from itertools import count

LOOKS_UNTIL_ALL = 50
"""Some minutes for a service."""

_looks = count(1)


def collect_seldom() -> None:
    """Call it once, when everything is imported.

    A batch of 2,000 events makes many objects and no cycles. By default they are searched for cycles, with every
    module beside them, so often that it takes a quarter of a consumer's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def collect_after_a_look() -> None:
    """Call it when Kafka's logs have been looked back at.

    What aiokafka fetched and nobody took lies in cycles, megabytes of few objects: Python, which counts objects, would
    not look for it for hours. Those looked through once before are young enough, but for what another look needs just
    then and leaves when it is older: now and then all are.
    """
    gc.collect(2 if next(_looks) % LOOKS_UNTIL_ALL == 0 else 1)
