import type { App } from "../../backend";
import type { State } from "../../presentation";

export function appState({ state }: App): State {
  return state === "active"
    ? { text: "Active", icon: "okc", tone: "ok" }
    : { text: "Revoked", icon: "minus", tone: "off" };
}
