// Finding a model among the targets. Pure.
import type { Profile, Target } from "../../backend";

/** A row of the list: a profile, a known target, or the text as it was typed. */
export type Option = { id: string; target: Target | null; profile: Profile | null };

const AT_MOST = 60;

/** Profiles and targets that match the words, recently used ones first; then what was typed, if it is none of them. */
export function optionsFor(targets: Target[], profiles: Profile[], words: string, recent: string[]): Option[] {
  const typed = words.trim();
  const parts = typed.toLowerCase().split(/\s+/);
  const found = targets.filter((target) => {
    const text = `${target.id} ${target.connection_name}`.toLowerCase();
    return parts.every((part) => text.includes(part));
  });
  const rank = ({ id, usable }: Target) =>
    (recent.includes(id) ? recent.indexOf(id) : recent.length) + (usable ? 0 : 1000);
  const options: Option[] = found
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, AT_MOST)
    .map((target) => ({ id: target.id, target, profile: null }));
  const recipes = profiles
    .filter(({ name, model_name }) => parts.every((part) => `${name} ${model_name}`.toLowerCase().includes(part)))
    .map((profile) => ({ id: profile.name, target: null, profile }));
  const known = targets.some(({ id }) => id === typed) || profiles.some(({ name }) => name === typed);
  const asTyped = typed && !known && !/\s/.test(typed) ? [{ id: typed, target: null, profile: null }] : [];
  return [...recipes, ...options, ...asTyped];
}
