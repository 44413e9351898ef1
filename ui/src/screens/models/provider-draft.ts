// A provider of the user's own, before it is one. Pure.
import type { KeyNeed, Protocol, ProviderDraft } from "../../backend";

export const KEY_NEEDS: { value: KeyNeed; label: string }[] = [
  { value: "required", label: "Required" },
  { value: "optional", label: "If the server wants one" },
  { value: "none", label: "None" },
];

/** What the form holds, as typed. */
export type Typed = {
  name: string;
  protocol: Protocol;
  baseUrl: string;
  key: KeyNeed;
  defaultModel: string;
  models: string;
};

export const BLANK: Typed = {
  name: "",
  protocol: "openai",
  baseUrl: "",
  key: "optional",
  defaultModel: "",
  models: "",
};

export type DraftProblems = Partial<Record<"name" | "baseUrl", string>>;

/** What can be told before the engine is asked. */
export function problemsOf({ name, baseUrl }: Typed): DraftProblems {
  const problems: DraftProblems = {};
  if (!name.trim()) problems.name = "Give it a name";
  if (baseUrl.trim() && !/^https?:\/\/\S+$/.test(baseUrl.trim())) {
    problems.baseUrl = "Start the URL with https://, or http:// for a server on this machine";
  }
  return problems;
}

export function draftOf({ name, protocol, baseUrl, key, defaultModel, models }: Typed): ProviderDraft {
  return {
    name: name.trim(),
    slug: null,
    protocol,
    also: [],
    base_url: baseUrl.trim() || null,
    key,
    key_prefix: null,
    keys_page: null,
    key_check: null,
    default_model: defaultModel.trim() || null,
    supported_models: linesOf(models),
    max_concurrent_requests: null,
    default_timeout_s: null,
    supports_streaming: null,
    quirks: null,
  };
}

/** Model ids as they are typed: one a line, or with commas between. */
export function linesOf(text: string): string[] {
  const names = text.split(/[\n,]/).map((name) => name.trim());
  return [...new Set(names.filter(Boolean))];
}
