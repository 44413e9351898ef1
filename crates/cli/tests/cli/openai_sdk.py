"""A bot that knows nothing of Patchbay: it is told an address and a key by OpenAI's own variables.

Prints what it was told of tokens as one JSON object.
"""

import asyncio
import json

import openai

PROMPT = [{"role": "user", "content": "Is EURUSD a buy? Answer in one sentence."}]
told = {"calls": 0, "input_tokens": 0, "output_tokens": 0, "reasoning_tokens": 0}


def count(usage):
    told["calls"] += 1
    told["input_tokens"] += usage.prompt_tokens
    told["output_tokens"] += usage.completion_tokens
    told["reasoning_tokens"] += usage.completion_tokens_details.reasoning_tokens


def refuses(expected, code, call):
    try:
        call()
    except expected as error:
        assert error.code == code, error
        return error
    raise AssertionError(f"{expected.__name__} was expected")


def models(client):
    ids = [model.id for model in client.models.list()]
    assert "demo-fast" in ids and "demo_fast/demo-fast" in ids, ids
    assert client.models.retrieve("demo-fast").id == "demo-fast"
    refuses(openai.NotFoundError, "model_not_found", lambda: client.models.retrieve("gpt-99"))


def plain(client):
    raw = client.chat.completions.with_raw_response.create(model="demo-fast", messages=PROMPT)
    answer = raw.parse()
    assert raw.headers["x-patchbay-connection"] == "demo_fast"
    assert answer.model == "demo-fast" and answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.tool_calls is None
    assert answer._request_id == raw.headers["x-patchbay-call"]
    count(answer.usage)
    return answer.choices[0].message.content


def options(client):
    answer = client.chat.completions.create(
        model="demo_deep/demo-deep",
        messages=[{"role": "system", "content": "Answer in JSON."}, *PROMPT],
        response_format={"type": "json_object"},
        temperature=0.2,
        max_completion_tokens=400,
        seed=7,
        stop=["never"],
        extra_headers={"X-Patchbay-Feature": "signals"},
    )
    json.loads(answer.choices[0].message.content)
    assert answer.model == "demo_deep/demo-deep"
    count(answer.usage)
    short = client.chat.completions.create(model="demo-fast", messages=PROMPT, max_tokens=3)
    assert short.choices[0].finish_reason == "length" and short.usage.completion_tokens == 3
    count(short.usage)


def streamed(client, text):
    pieces, usage = [], None
    with client.chat.completions.create(
        model="demo-fast", messages=PROMPT, stream=True, stream_options={"include_usage": True}
    ) as stream:
        for chunk in stream:
            pieces += [choice.delta.content or "" for choice in chunk.choices]
            usage = chunk.usage or usage
    assert "".join(pieces) == text
    count(usage)


def stream_without_usage(client, text):
    pieces = []
    for chunk in client.chat.completions.create(model="demo-fast", messages=PROMPT, stream=True):
        assert chunk.choices and chunk.usage is None, chunk
        pieces.append(chunk.choices[0].delta.content or "")
    assert "".join(pieces) == text
    # It is not told, but the same question has the same answer.
    count(client.chat.completions.create(model="demo-fast", messages=PROMPT).usage)
    told["calls"] += 1


async def many(count_of):
    async with openai.AsyncOpenAI() as client:
        asked = [client.chat.completions.create(model="demo-fast", messages=PROMPT) for _ in range(count_of)]
        for answer in await asyncio.gather(*asked):
            count(answer.usage)


def refusals(client):
    ask = client.chat.completions.create
    error = refuses(openai.NotFoundError, "model_not_found", lambda: ask(model="gpt-99", messages=PROMPT))
    assert "/v1/models" in error.message, error.message
    refuses(openai.NotFoundError, "model_not_found", lambda: ask(model="gpt-99", messages=PROMPT, stream=True))
    stranger = client.with_options(api_key="sk-proj-somebody-elses")
    for call in (stranger.models.list, lambda: stranger.chat.completions.create(model="demo-fast", messages=PROMPT)):
        refuses(openai.AuthenticationError, "invalid_api_key", call)


def main():
    with openai.OpenAI(max_retries=0) as client:
        models(client)
        text = plain(client)
        options(client)
        streamed(client, text)
        before = told["input_tokens"], told["output_tokens"]
        stream_without_usage(client, text)
        told["input_tokens"] += told["input_tokens"] - before[0]
        told["output_tokens"] += told["output_tokens"] - before[1]
        asyncio.run(many(12))
        refusals(client)
    print(json.dumps(told))


main()
