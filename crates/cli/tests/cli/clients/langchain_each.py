"""LangChain's OpenAI client against a connection of each protocol. It stops asking for usage once a base URL is set."""

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

from told import EMBEDDERS, GATEWAY, PROMPT, TARGETS, TOKEN, count, finish


@tool
def price(symbol: str) -> str:
    """The last price of a symbol."""
    return "1.1702"


class Signal(BaseModel):
    """A trading signal."""

    side: str
    confidence: float


def counted(message):
    usage = message.usage_metadata
    count(usage["input_tokens"], usage["output_tokens"])


def each(model, **more):
    llm = ChatOpenAI(base_url=f"{GATEWAY}/v1", api_key=TOKEN, model=model, max_retries=0, max_tokens=200, **more)
    answer = llm.invoke(PROMPT)
    assert answer.content, answer
    counted(answer)
    whole = None
    for chunk in ChatOpenAI(
        base_url=f"{GATEWAY}/v1", api_key=TOKEN, model=model, max_tokens=200, stream_usage=True, **more
    ).stream(PROMPT):
        whole = chunk if whole is None else whole + chunk
    counted(whole)

    asked = [HumanMessage(PROMPT)]
    called = llm.bind_tools([price]).invoke(asked)
    [call] = called.tool_calls
    assert call["name"] == "price", called
    counted(called)
    after = llm.bind_tools([price]).invoke([*asked, called, ToolMessage("1.1702", tool_call_id=call["id"])])
    assert after.content, after
    counted(after)

    for method in ("json_schema", "function_calling"):
        shaped = llm.with_structured_output(Signal, method=method, include_raw=True).invoke(PROMPT)
        assert isinstance(shaped["parsed"], Signal), (model, method, shaped)
        counted(shaped["raw"])


def main():
    for model in TARGETS:
        each(model)
        each(model, use_responses_api=True)
    for model in EMBEDDERS:
        vectors = OpenAIEmbeddings(base_url=f"{GATEWAY}/v1", api_key=TOKEN, model=model, check_embedding_ctx_length=False)
        assert [len(one) for one in vectors.embed_documents(["buy the euro", "sell the yen"])] == [64, 64]
        # It keeps the tokens to itself: the Demo counts one for four letters.
        count(3 + 3, 0)
    finish()


main()
