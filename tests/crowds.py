"""A compiled function called from several threads at a time, each of which keeps every result."""

import threading

import numpy as np


def spoilt(call, given, times):
    """Return the positions of inputs whose results were others in a thread of their own, or changed later."""
    expected = [[r.copy() for r in call(g)] for g in given]
    wrong = []

    def work(k):
        kept = [call(given[k]) for _ in range(times)]
        wrong.extend(k for results in kept if not all(map(np.array_equal, results, expected[k])))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(given))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return wrong
