// What programs need that traders run as they are, or that can set nothing but an address. Pure.
import type { Sample } from "./kit/Code.svelte";
import { baseUrl, rootUrl } from "./snippets";

/** One for each program; the token stays a variable wherever the program can read one. */
export function botSnippets(gateway: string, app: string, model: string, token: string | null): Sample[] {
  const url = baseUrl(gateway);
  return [
    { id: "mql5", label: "MQL5", code: mql5(url, model) },
    { id: "langchain", label: "LangChain", code: langchain(url, model) },
    { id: "litellm", label: "LiteLLM", code: litellm(url, model) },
    { id: "tradingagents", label: "TradingAgents", code: tradingAgents(url, model) },
    { id: "ai-hedge-fund", label: "ai-hedge-fund", code: aiHedgeFund(url) },
    { id: "freqtrade", label: "freqtrade", code: freqtrade(url, model) },
    { id: "url", label: "URL only", code: urlOnly(rootUrl(gateway), app, token) },
  ];
}

/** Programs that run on somebody else's servers, which cannot see this computer. */
export const CANNOT =
  "Cannot work: TradingView alerts, ChatGPT actions, Zapier and other hosted services, and Cursor. They run elsewhere, or refuse the addresses of this computer.";

const mql5 = (url: string, model: string) => `// Tools > Options > Expert Advisors: allow WebRequest for
// ${url.replace(/\/v1$/, "")}
input string PatchbayToken = "";

string Ask(string prompt) {
  string head = "Content-Type: application/json\\r\\nAuthorization: Bearer " + PatchbayToken;
  string body = "{\\"model\\":\\"${model}\\",\\"messages\\":"
    + "[{\\"role\\":\\"user\\",\\"content\\":\\"" + prompt + "\\"}]}";
  char data[], answer[];
  string headers;
  StringToCharArray(body, data, 0, StringLen(body), CP_UTF8);
  int status = WebRequest("POST", "${url}/chat/completions", head, 60000, data, answer, headers);
  return status == 200 ? CharArrayToString(answer, 0, WHOLE_ARRAY, CP_UTF8) : "";
}`;

const langchain = (url: string, model: string) => `import os
from langchain_openai import ChatOpenAI

llm = ChatOpenAI(
    base_url="${url}",
    api_key=os.environ["PATCHBAY_TOKEN"],
    model="${model}",
    default_headers={"X-Patchbay-Feature": "signal-scan"},
)
print(llm.invoke("Long or short?").content)`;

const litellm = (url: string, model: string) => `import os
import litellm

answer = litellm.completion(
    model="openai/${model}",
    api_base="${url}",
    api_key=os.environ["PATCHBAY_TOKEN"],
    messages=[{"role": "user", "content": "Long or short?"}],
)
print(answer.choices[0].message.content)`;

const tradingAgents = (url: string, model: string) => `export TRADINGAGENTS_LLM_BACKEND_URL=${url}
export OPENAI_API_KEY=$PATCHBAY_TOKEN

# or in code:
config = DEFAULT_CONFIG.copy()
config["llm_provider"] = "openai"
config["backend_url"] = "${url}"
config["deep_think_llm"] = "${model}"
config["quick_think_llm"] = "${model}"`;

const aiHedgeFund = (url: string) => `# in its .env file
OPENAI_API_BASE=${url}
OPENAI_API_KEY=the token of this app

# It offers a fixed list of models. Give the one you pick there
# (gpt-4.1, say) to a connection, or make it an alias of yours.`;

const freqtrade = (url: string, model: string) => `# freqtrade calls no model itself: this belongs in the strategy
import os
from openai import OpenAI

class Advised(IStrategy):
    patchbay = OpenAI(base_url="${url}", api_key=os.environ["PATCHBAY_TOKEN"])

    def confirm_trade_entry(self, pair, order_type, amount, rate, **kwargs) -> bool:
        answer = self.patchbay.chat.completions.create(
            model="${model}",
            messages=[{"role": "user", "content": f"Buy {pair} at {rate}? yes or no"}],
        )
        return "yes" in answer.choices[0].message.content.lower()`;

const urlOnly = (root: string, app: string, token: string | null) => `# for programs that can set an address and no key
${root}/b/${encodeURIComponent(app)}-${token ?? "TOKEN"}/v1`;
