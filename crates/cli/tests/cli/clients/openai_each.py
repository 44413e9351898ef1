"""The official OpenAI client against a connection of each protocol."""

import json

import openai
from pydantic import BaseModel

from told import EMBEDDERS, GATEWAY, PROMPT, TARGETS, TOKEN, count, finish, refuses

MESSAGES = [{"role": "user", "content": PROMPT}]
TOOL = {
    "type": "function",
    "function": {
        "name": "price",
        "description": "The last price of a symbol",
        "parameters": {
            "type": "object",
            "properties": {"symbol": {"type": "string"}},
            "required": ["symbol"],
            "additionalProperties": False,
        },
    },
}


class Signal(BaseModel):
    side: str
    confidence: float


def counted(usage):
    count(usage.prompt_tokens, usage.completion_tokens)


def chat(client, model):
    answer = client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=200)
    assert answer.model == model and answer.choices[0].message.content, answer
    counted(answer.usage)
    return answer.choices[0].message.content


def stream(client, model, expected):
    pieces, usage = [], None
    with client.chat.completions.create(
        model=model, messages=MESSAGES, max_tokens=200, stream=True, stream_options={"include_usage": True}
    ) as events:
        for event in events:
            pieces += [choice.delta.content or "" for choice in event.choices]
            usage = event.usage or usage
    assert "".join(pieces) == expected, (model, pieces, expected)
    counted(usage)


def tools(client, model):
    asked = dict(model=model, tools=[TOOL], max_tokens=200)
    answer = client.chat.completions.create(messages=MESSAGES, **asked)
    [call] = answer.choices[0].message.tool_calls
    assert call.function.name == "price" and "symbol" in json.loads(call.function.arguments), call
    assert answer.choices[0].finish_reason == "tool_calls", answer
    counted(answer.usage)
    result = {"role": "tool", "tool_call_id": call.id, "content": "1.1702"}
    after = client.chat.completions.create(messages=[*MESSAGES, answer.choices[0].message, result], **asked)
    assert after.choices[0].message.content and not after.choices[0].message.tool_calls, after
    counted(after.usage)
    with client.chat.completions.stream(
        messages=MESSAGES, stream_options={"include_usage": True}, **asked
    ) as events:
        final = events.get_final_completion()
    assert final.choices[0].message.tool_calls[0].function.name == "price", final
    counted(final.usage)


def parsed(client, model):
    answer = client.chat.completions.parse(model=model, messages=MESSAGES, response_format=Signal, max_tokens=200)
    assert isinstance(answer.choices[0].message.parsed, Signal), answer
    counted(answer.usage)


def responses(client, model):
    answer = client.responses.create(model=model, input=PROMPT, max_output_tokens=200)
    assert answer.output_text and answer.status == "completed", answer
    count(answer.usage.input_tokens, answer.usage.output_tokens)
    with client.responses.stream(model=model, input=PROMPT, max_output_tokens=200) as events:
        final = events.get_final_response()
    assert final.output_text == answer.output_text, (model, final.output_text, answer.output_text)
    count(final.usage.input_tokens, final.usage.output_tokens)
    tool = {"type": "function", "strict": True, **TOOL["function"]}
    called = client.responses.create(model=model, input=PROMPT, tools=[tool], max_output_tokens=200)
    assert [item.name for item in called.output if item.type == "function_call"] == ["price"], called
    count(called.usage.input_tokens, called.usage.output_tokens)


def embeddings(client, model):
    answer = client.embeddings.create(model=model, input=["buy the euro", "sell the yen"])
    assert [len(one.embedding) for one in answer.data] == [64, 64], answer
    count(answer.usage.prompt_tokens, 0)


def refusals(client):
    ask = lambda client, model: client.chat.completions.create(model=model, messages=MESSAGES)
    error = refuses(openai.NotFoundError, lambda: ask(client, "gpt-99"))
    assert error.code == "model_not_found", error
    refuses(openai.AuthenticationError, lambda: ask(client.with_options(api_key="sk-other"), TARGETS[0]))
    bad = lambda: client.chat.completions.create(model=TARGETS[0], messages="hi")
    refuses(openai.BadRequestError, bad)


def main():
    with openai.OpenAI(base_url=f"{GATEWAY}/v1", api_key=TOKEN, max_retries=0) as client:
        assert {*TARGETS} <= {model.id for model in client.models.list()}
        for model in TARGETS:
            text = chat(client, model)
            stream(client, model, text)
            tools(client, model)
            parsed(client, model)
            responses(client, model)
        for model in EMBEDDERS:
            embeddings(client, model)
        refusals(client)
    finish()


main()
