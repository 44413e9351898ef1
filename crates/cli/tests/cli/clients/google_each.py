"""Google's official client against a connection of each protocol."""

from google import genai
from google.genai import errors, types
from pydantic import BaseModel

from told import EMBEDDERS, GATEWAY, PROMPT, TARGETS, TOKEN, count, finish, refuses, uncounted

TOOL = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="price",
            description="The last price of a symbol",
            parameters=types.Schema(
                type="OBJECT", properties={"symbol": types.Schema(type="STRING")}, required=["symbol"]
            ),
        )
    ]
)


class Signal(BaseModel):
    side: str
    confidence: float


def config(**more):
    return types.GenerateContentConfig(
        max_output_tokens=200,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        **more,
    )


def counted(usage):
    thoughts = usage.thoughts_token_count or 0
    count(usage.prompt_token_count, (usage.candidates_token_count or 0) + thoughts)


def content(client, model):
    answer = client.models.generate_content(model=model, contents=PROMPT, config=config())
    assert answer.text, answer
    counted(answer.usage_metadata)
    return answer.text


def stream(client, model, expected):
    pieces, usage = [], None
    for chunk in client.models.generate_content_stream(model=model, contents=PROMPT, config=config()):
        pieces.append(chunk.text or "")
        usage = chunk.usage_metadata or usage
    assert "".join(pieces) == expected, (pieces, expected)
    counted(usage)


def tools(client, model):
    answer = client.models.generate_content(model=model, contents=PROMPT, config=config(tools=[TOOL]))
    [call] = answer.function_calls
    assert call.name == "price" and "symbol" in call.args, answer
    counted(answer.usage_metadata)
    result = types.Part.from_function_response(name="price", response={"price": 1.1702})
    asked = types.Content(role="user", parts=[types.Part(text=PROMPT)])
    history = [asked, answer.candidates[0].content, types.Content(role="user", parts=[result])]
    after = client.models.generate_content(model=model, contents=history, config=config(tools=[TOOL]))
    assert after.text, after
    counted(after.usage_metadata)


def parsed(client, model):
    wish = config(response_mime_type="application/json", response_schema=Signal)
    answer = client.models.generate_content(model=model, contents=PROMPT, config=wish)
    assert isinstance(answer.parsed, Signal), answer
    counted(answer.usage_metadata)


def tokens(client, model):
    assert client.models.count_tokens(model=model, contents=PROMPT).total_tokens > 0
    uncounted()


def embeddings(client, model):
    answer = client.models.embed_content(model=model, contents=["buy the euro", "sell the yen"])
    assert [len(one.values) for one in answer.embeddings] == [64, 64], answer
    # The client keeps the tokens to itself: the Demo counts one for four letters.
    count(3 + 3, 0)


def refusals(client):
    ask = lambda client, model: client.models.generate_content(model=model, contents=PROMPT)
    assert refuses(errors.ClientError, lambda: ask(client, "gemini-99")).code == 404
    other = connected("sk-other")
    assert refuses(errors.ClientError, lambda: ask(other, TARGETS[0])).code == 401


def connected(key):
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=GATEWAY))


def main():
    client = connected(TOKEN)
    names = {model.name for model in client.models.list()}
    assert {f"models/{target}" for target in TARGETS} <= names, names
    for model in TARGETS:
        text = content(client, model)
        stream(client, model, text)
        tools(client, model)
        parsed(client, model)
        tokens(client, model)
    for model in EMBEDDERS:
        embeddings(client, model)
    refusals(client)
    finish()


main()
