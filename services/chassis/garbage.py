"""How often Python looks for garbage."""

import gc


def collect_seldom() -> None:
    """Call it once, when everything is imported.

    A batch of 2,000 events makes many objects and no cycles. By default they are searched for cycles, with every
    module beside them, so often that it takes a quarter of a consumer's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
