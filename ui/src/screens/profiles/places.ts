// Where the steps of a chain lead, as the screen shows them.
import type { SpecTarget, Target } from "../../backend";
import { connectionState, type State } from "../../presentation";
import { catalog } from "../../stores/catalog.svelte";
import { connections } from "../../stores/connections.svelte";
import { playground } from "../../stores/playground.svelte";

export type Place = {
  name: string;
  tile: string;
  color: number;
  state: State | null;
  /** tries there before the next step */
  tries: number;
};

/** A step's place; a plain one where it is gone. */
export function placeOf(target: SpecTarget | undefined): Place {
  const connection = connections.find(target?.connection ?? "");
  if (connection) {
    const { name, tile, color, max_retries } = connection;
    return { name, tile, color, state: connectionState(connection, connections.list), tries: max_retries + 1 };
  }
  const provider = catalog.providers.find(({ slug }) => slug === target?.provider);
  const members = connections.ofProvider(target?.provider ?? "");
  if (provider) {
    const tries = members.reduce((sum, { max_retries }) => sum + max_retries + 1, 0);
    return { name: `${provider.name}, any`, tile: provider.tile, color: provider.color, state: null, tries };
  }
  return { name: target?.connection ?? target?.provider ?? "nowhere", tile: "?", color: 6, state: null, tries: 0 };
}

/** What is known of the price of a step: that of its model at its connection, or at the first of its provider. */
export function offerOf({ connection, provider, model }: SpecTarget): Target | null {
  const key = connection ?? connections.ofProvider(provider ?? "")[0]?.key ?? "";
  return playground.targets.find((target) => target.connection === key && target.model === model) ?? null;
}

/** Everything that a step may lead to: connections first, then providers with more than one. */
export function placeOptions(): { value: string; label: string }[] {
  const own = connections.list.map(({ key, name }) => ({ value: `connection:${key}`, label: name }));
  const shared = catalog.providers.filter(({ slug }) => connections.ofProvider(slug).length > 1);
  return [...own, ...shared.map(({ slug, name }) => ({ value: `provider:${slug}`, label: `Any of ${name}` }))];
}

export const placeValue = ({ connection, provider }: SpecTarget): string =>
  connection === null ? `provider:${provider ?? ""}` : `connection:${connection}`;

export function atPlace(value: string, model: string): SpecTarget {
  const [kind, name = ""] = value.split(/:(.*)/s);
  return kind === "provider"
    ? { connection: null, provider: name, model }
    : { connection: name, provider: null, model };
}

/** The models that can be had at a place. */
export function modelsAt(value: string): string[] {
  const { connection, provider } = atPlace(value, "");
  const keys = connection === null ? connections.ofProvider(provider ?? "").map(({ key }) => key) : [connection];
  const found = playground.targets.filter((target) => keys.includes(target.connection)).map(({ model }) => model);
  return [...new Set(found)];
}
