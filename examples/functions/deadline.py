"""Approximates pi for as long as it is given, leaving half a second to answer."""

import random


def handler(event, context):
    wanted = event.get("samples", 10_000_000) if isinstance(event, dict) else 10_000_000
    inside = samples = 0
    while samples < wanted and context.get_remaining_time_in_millis() > 500:
        for _ in range(10_000):
            inside += random.random() ** 2 + random.random() ** 2 < 1
        samples += 10_000
    return {"pi": 4 * inside / max(samples, 1), "samples": samples}
