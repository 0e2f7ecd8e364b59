"""The most frequent words of a text: {"text": "...", "top": 3}."""

import collections
import re


def handler(event, context):
    words = re.findall(r"\w+", event["text"].lower())
    print(f"{len(words)} words")  # goes to the log
    return dict(collections.Counter(words).most_common(event.get("top", 10)))
