"""The official Anthropic client against a connection of each protocol."""

import anthropic

from told import GATEWAY, PROMPT, TARGETS, TOKEN, count, finish, refuses, uncounted

MESSAGES = [{"role": "user", "content": PROMPT}]
TOOL = {
    "name": "price",
    "description": "The last price of a symbol",
    "input_schema": {"type": "object", "properties": {"symbol": {"type": "string"}}, "required": ["symbol"]},
}


def counted(usage):
    count(usage.input_tokens, usage.output_tokens)


def message(client, model):
    answer = client.messages.create(model=model, max_tokens=200, system="Be brief.", messages=MESSAGES)
    assert answer.model == model and answer.content[0].text and answer.stop_reason == "end_turn", answer
    counted(answer.usage)
    return answer.content[0].text


def stream(client, model, expected):
    with client.messages.stream(model=model, max_tokens=200, system="Be brief.", messages=MESSAGES) as events:
        assert "".join(events.text_stream) == expected
        counted(events.get_final_message().usage)


def tools(client, model):
    answer = client.messages.create(model=model, max_tokens=200, messages=MESSAGES, tools=[TOOL])
    [call] = [block for block in answer.content if block.type == "tool_use"]
    assert answer.stop_reason == "tool_use" and call.name == "price" and "symbol" in call.input, answer
    counted(answer.usage)
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "1.1702"}
    history = [*MESSAGES, {"role": "assistant", "content": answer.content}, {"role": "user", "content": [result]}]
    after = client.messages.create(model=model, max_tokens=200, messages=history, tools=[TOOL])
    assert after.content[0].type == "text", after
    counted(after.usage)


def tokens(client, model):
    assert client.messages.count_tokens(model=model, messages=MESSAGES).input_tokens > 0
    uncounted()


def refusals(client):
    ask = lambda client, model: client.messages.create(model=model, max_tokens=9, messages=MESSAGES)
    refuses(anthropic.NotFoundError, lambda: ask(client, "claude-99"))
    refuses(anthropic.AuthenticationError, lambda: ask(client.with_options(api_key="sk-ant-other"), TARGETS[0]))


def main():
    with anthropic.Anthropic(base_url=GATEWAY, api_key=TOKEN, max_retries=0) as client:
        assert {*TARGETS} <= {model.id for model in client.models.list(limit=3)}
        for model in TARGETS:
            text = message(client, model)
            stream(client, model, text)
            tools(client, model)
            tokens(client, model)
        refusals(client)
    finish()


main()
