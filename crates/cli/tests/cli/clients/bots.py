"""The traffic of two bots as they make it, replayed: TradingAgents' team of analysts that call tools and debate, and
ai-hedge-fund's agents that want JSON by a schema. Both stand on LangChain and know an address and a key."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field

from told import GATEWAY, TARGETS, TOKEN, count, finish

# An alias, or a model at one connection: the bots do not care.
MODEL = TARGETS[0]


def counted(message):
    usage = message.usage_metadata
    count(usage["input_tokens"], usage["output_tokens"])
    return message


@tool
def get_stock_data(symbol: str, start_date: str, end_date: str) -> str:
    """Retrieve stock price data (OHLCV) for a given ticker symbol."""
    return "Date,Open,Close\n2026-12-08,101.2,103.4"


@tool
def get_indicators(symbol: str, indicator: str, curr_date: str, look_back_days: int = 30) -> str:
    """Retrieve technical indicators for a given ticker symbol."""
    return "rsi: 61.2"


def trading_agents():
    """Set by TRADINGAGENTS_LLM_BACKEND_URL; answers through the Responses API, as its OpenAI client does."""
    backend = os.environ["TRADINGAGENTS_LLM_BACKEND_URL"]
    quick = ChatOpenAI(model=MODEL, base_url=backend, api_key=os.environ["OPENAI_API_KEY"], use_responses_api=True)
    deep = ChatOpenAI(model=MODEL, base_url=backend, api_key=os.environ["OPENAI_API_KEY"])
    prompt = ChatPromptTemplate.from_messages(
        [
            ("system", "You are a helpful AI assistant, collaborating with other assistants. Tools: {tool_names}.\n{role}"),
            MessagesPlaceholder(variable_name="messages"),
        ]
    )
    reports = []
    for role in ("Market analyst.", "News analyst.", "Fundamentals analyst."):
        tools = [get_stock_data, get_indicators]
        chain = prompt.partial(role=role, tool_names=", ".join(one.name for one in tools)) | quick.bind_tools(tools)
        history = [HumanMessage("NVDA")]
        while True:
            answer = counted(chain.invoke({"messages": history}))
            history.append(answer)
            if not answer.tool_calls:
                break
            by_name = {one.name: one for one in tools}
            for call in answer.tool_calls:
                args = {name: value for name, value in call["args"].items()}
                history.append(ToolMessage(by_name[call["name"]].invoke(args), tool_call_id=call["id"]))
        reports.append(answer.text if isinstance(answer.text, str) else answer.text())
    for side in ("bull", "bear", "bull", "bear"):
        counted(quick.invoke(f"You are a {side} analyst. Reports: {reports}. Make your case."))
    decision = counted(deep.invoke([SystemMessage("You are the risk judge."), HumanMessage(f"Decide. {reports}")]))
    assert decision.content


class Decision(BaseModel):
    signal: Literal["bullish", "bearish", "neutral"]
    confidence: float = Field(description="Confidence 0-100")
    reasoning: str


def ai_hedge_fund():
    """Its agents run side by side, each wants its signal in a shape: `json_mode` or a schema, whichever the model knows."""
    llm = ChatOpenAI(model=MODEL, api_key=os.environ["OPENAI_API_KEY"], base_url=os.environ["OPENAI_API_BASE"])
    template = ChatPromptTemplate.from_messages(
        [("system", "You are {agent}. Return JSON only."), ("human", "Analysis data for {ticker}: {data}")]
    )

    def analyst(agent):
        asked = template.invoke({"agent": agent, "ticker": "AAPL", "data": '{"score": 7}'})
        shaped = llm.with_structured_output(Decision, method="json_schema", include_raw=True).invoke(asked)
        assert isinstance(shaped["parsed"], Decision), shaped
        return shaped["raw"]

    agents = ["Warren Buffett", "Ben Graham", "Cathie Wood", "Michael Burry", "Charlie Munger", "Bill Ackman"]
    with ThreadPoolExecutor(max_workers=6) as pool:
        for raw in pool.map(analyst, agents):
            counted(raw)


os.environ["TRADINGAGENTS_LLM_BACKEND_URL"] = os.environ["OPENAI_API_BASE"] = f"{GATEWAY}/v1"
os.environ["OPENAI_API_KEY"] = TOKEN
trading_agents()
ai_hedge_fund()
finish()
