"""Random streams by the cipher in plain integers, as its paper writes it down: one pair of words at a time."""

import numpy as np

ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
WORD = 2**32


def threefry(key, counter):
    """Encrypt two words in twenty rounds, a key injected after every fourth."""
    schedule = (*key, key[0] ^ key[1] ^ 0x1BD11BDA)
    left, right = ((c + k) % WORD for c, k in zip(counter, key, strict=True))
    for done in range(20):
        left = (left + right) % WORD
        turn = ROTATIONS[done % 8]
        right = ((right << turn) % WORD | right >> (32 - turn)) ^ left
        if done % 4 == 3:
            block = done // 4 + 1
            left = (left + schedule[block % 3]) % WORD
            right = (right + schedule[(block + 1) % 3] + block) % WORD
    return left, right


def split(state, *, shape):
    *key, calls = map(int, state)
    rows = [(*threefry(key, (place, calls)), 0) for place in range(1, shape[0] + 1)]
    return np.array(rows, dtype="int64").reshape(-1, 3)


REFERENCES = {"random.split": split}
