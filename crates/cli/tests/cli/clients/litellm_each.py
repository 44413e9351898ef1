"""LiteLLM in each protocol that it speaks, against a connection of each protocol."""

import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm  # noqa: E402

from told import EMBEDDERS, GATEWAY, PROMPT, TARGETS, TOKEN, count, finish, refuses  # noqa: E402

litellm.suppress_debug_info = True
MESSAGES = [{"role": "user", "content": PROMPT}]
TOOL = {
    "type": "function",
    "function": {
        "name": "price",
        "parameters": {"type": "object", "properties": {"symbol": {"type": "string"}}, "required": ["symbol"]},
    },
}


def counted(usage):
    count(usage.prompt_tokens, usage.completion_tokens)


def each(speaking, base, model):
    asked = dict(model=f"{speaking}/{model}", api_base=base, api_key=TOKEN, max_tokens=200, num_retries=0)
    answer = litellm.completion(messages=MESSAGES, **asked)
    assert answer.choices[0].message.content, answer
    counted(answer.usage)
    pieces, usage = [], None
    for chunk in litellm.completion(messages=MESSAGES, stream=True, stream_options={"include_usage": True}, **asked):
        pieces += [choice.delta.content or "" for choice in chunk.choices]
        usage = getattr(chunk, "usage", None) or usage
    assert "".join(pieces) == answer.choices[0].message.content, pieces
    counted(usage)
    called = litellm.completion(messages=MESSAGES, tools=[TOOL], **asked)
    assert called.choices[0].message.tool_calls[0].function.name == "price", called
    counted(called.usage)


def main():
    for model in TARGETS:
        each("openai", f"{GATEWAY}/v1", model)
        each("anthropic", GATEWAY, model)
    for model in EMBEDDERS:
        made = litellm.embedding(
            model=f"openai/{model}", api_base=f"{GATEWAY}/v1", api_key=TOKEN, input=["buy the euro", "sell the yen"]
        )
        assert len(made.data) == 2, made
        count(made.usage.prompt_tokens, 0)
    wrong = lambda: litellm.completion(
        model="openai/gpt-99", api_base=f"{GATEWAY}/v1", api_key=TOKEN, messages=MESSAGES, num_retries=0
    )
    refuses(litellm.NotFoundError, wrong)
    finish()


main()
