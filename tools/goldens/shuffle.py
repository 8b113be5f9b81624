"""Prints the order of an epoch as data/batcher.h defines it, for tests/data/batcher_test.cpp: python3 shuffle.py N SEED EPOCH."""
import sys

M = 2**64 - 1


def mix(x):  # SplitMix64's step and finaliser
    x = (x + 0x9E3779B97F4A7C15) & M
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & M
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & M
    return x ^ (x >> 31)


assert mix(0) == 0xE220A8397B1DCDAF
n, seed, epoch = map(int, sys.argv[1:4])
key, count, order = mix(seed) ^ mix(mix(epoch + 1)), 0, list(range(n))
for i in range(n - 1, 0, -1):
    bound = i + 1
    while True:
        product = mix(key ^ mix(count)) * bound
        count += 1
        if (product & M) >= (2**64 - bound) % bound:
            break
    j = product >> 64
    order[i], order[j] = order[j], order[i]
print(", ".join(map(str, order)))
