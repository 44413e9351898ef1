// What a prompt was sent with, as a profile.
import type { PlaygroundRequest, Spec } from "../../backend";
import { playground } from "../../stores/playground.svelte";
import { profiles } from "../../stores/profiles.svelte";
import { EMPTY } from "../../stores/profile-form";

/** Whether a profile can be made of what is asked: it needs a place and a model. */
export const canSave = (model: string): boolean => baseOf(model) !== null;

/** The profile that was asked, or the model at its connection, with what was set by hand on top. */
export function specFor(request: PlaygroundRequest): Spec | null {
  const { model, system, temperature_centi, max_tokens, response_format, tools, tool_choice } = request;
  const base = baseOf(model);
  if (!base) return null;
  return {
    ...base,
    ...(system !== null && { system_prompt: system }),
    ...(temperature_centi !== null && { temperature: temperature_centi / 100 }),
    ...(max_tokens !== null && { max_tokens }),
    ...(response_format !== null && { response_format }),
    ...(tools.length > 0 && { tool_configurations: tools, tool_choice }),
  };
}

function baseOf(model: string): Spec | null {
  const profile = profiles.list.find(({ name }) => name === model);
  if (profile) return profile.spec;
  const target = playground.targets.find(({ id }) => id === model);
  if (!target) return null;
  return { ...EMPTY, targets: [{ connection: target.connection, provider: null, model: target.model }] };
}
