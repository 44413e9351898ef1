"""What every script here shares: where to call, what it was told of tokens, and that refusals have the right class."""

import json
import os

PROMPT = "Is EURUSD a buy? Answer in one sentence."
GATEWAY = os.environ["GATEWAY"]
TOKEN = os.environ["TOKEN"]
# One model at a connection of each protocol.
TARGETS = os.environ["TARGETS"].split(",")
EMBEDDERS = os.environ["EMBEDDERS"].split(",")

_told = {"calls": 0, "input_tokens": 0, "output_tokens": 0}


def count(input_tokens, output_tokens):
    _told["calls"] += 1
    _told["input_tokens"] += input_tokens
    _told["output_tokens"] += output_tokens


def uncounted():
    """A call whose tokens the client is not told, or that has none."""
    _told["calls"] += 1


def refuses(expected, call):
    try:
        call()
    except expected as error:
        return error
    raise AssertionError(f"{expected.__name__} was expected")


def finish():
    print(json.dumps(_told))
