// The rows of the palette: what there is to do, to see and to set, right now.
import { connectionState } from "../presentation";
import type { IconName } from "../kit/icon";
import { screens } from "../screens";
import { sections } from "../screens/settings/sections";
import { apps } from "../stores/apps.svelte";
import { catalog } from "../stores/catalog.svelte";
import { checks } from "../stores/checks.svelte";
import { connections } from "../stores/connections.svelte";
import { models } from "../stores/models.svelte";
import { profiles } from "../stores/profiles.svelte";
import { router } from "../stores/router.svelte";
import { session } from "../stores/session.svelte";
import { views } from "../stores/views.svelte";
import { actions } from "./actions";
import { fuzzy, type Match } from "./fuzzy";

export type Command = {
  id: string;
  group: "Actions" | "Go to" | "Views" | "Connections" | "Profiles" | "Providers" | "Models" | "Apps" | "Settings";
  title: string;
  detail: string;
  icon: IconName;
  keys: string;
  run: () => void;
};
export type Found = Command & { match: Match };

/** Commands that match, grouped; the last used come first among equals. */
export function find(query: string, used: string[]): Found[] {
  const found = all().flatMap((command) => {
    const match = fuzzy(query, command.title);
    return match ? [{ ...command, match }] : [];
  });
  const recency = ({ id }: Found) => (used.includes(id) ? used.length - used.indexOf(id) : 0);
  const rank = (one: Found) => one.match.score + recency(one) * 2;
  found.sort((a, b) => rank(b) - rank(a));
  return grouped(found.slice(0, AT_MOST));
}

const AT_MOST = 40;

function grouped(found: Found[]): Found[] {
  const order = [...new Set(found.map(({ group }) => group))];
  return order.flatMap((group) => found.filter((one) => one.group === group));
}

function all(): Command[] {
  return [
    ...acts(),
    ...tests(),
    ...places(),
    ...saved(),
    ...conns(),
    ...recipes(),
    ...bots(),
    ...settings(),
    ...provs(),
    ...offers(),
  ];
}

function acts(): Command[] {
  return actions
    .filter(({ id }) => id !== "palette")
    .map(({ id, title, icon, keys, run }) => {
      const resumes = id === "stop" && session.stopped;
      return {
        id,
        group: "Actions",
        title: resumes ? "Resume traffic" : id === "shortcuts" ? "Keyboard shortcuts" : title,
        detail: id === "test-all" ? `${connections.list.length} connections` : "",
        icon: resumes ? "play" : icon,
        keys,
        run,
      };
    });
}

function tests(): Command[] {
  return connections.list.map((connection) => ({
    id: `test ${connection.key}`,
    group: "Actions",
    title: `Test ${connection.name}`,
    detail: connectionState(connection, connections.list).text,
    icon: "bolt",
    keys: "",
    run: () => {
      router.open("connections", connection.key, { tab: "test" });
      void checks.test(connection.key);
    },
  }));
}

function places(): Command[] {
  return screens.map(({ id, label, icon, key }) => ({
    id: `go ${id}`,
    group: "Go to",
    title: `Open ${label}`,
    detail: "",
    icon,
    keys: `G ${key.toUpperCase()}`,
    run: () => router.goto(id),
  }));
}

function saved(): Command[] {
  return views.list.map((view) => ({
    id: `view ${view.name}`,
    group: "Views",
    title: view.name,
    detail: view.shows.screen === "explore" ? "Explore" : "Usage",
    icon: "star",
    keys: "",
    run: () => views.open(view),
  }));
}

function conns(): Command[] {
  return connections.list.map(({ key, name, provider_name }) => ({
    id: `connection ${key}`,
    group: "Connections",
    title: name,
    detail: `${provider_name}, ${key}`,
    icon: "plug",
    keys: "",
    run: () => router.open("connections", key),
  }));
}

function recipes(): Command[] {
  return profiles.list.map(({ name, model_name }) => ({
    id: `profile ${name}`,
    group: "Profiles",
    title: name,
    detail: model_name,
    icon: "sliders",
    keys: "",
    run: () => router.open("profiles", name),
  }));
}

function provs(): Command[] {
  return catalog.providers.map(({ slug, name, built_in }) => ({
    id: `provider ${slug}`,
    group: "Providers",
    title: name,
    detail: built_in ? "" : "your own",
    icon: "layers",
    keys: "",
    run: () => router.open("models", slug),
  }));
}

function offers(): Command[] {
  return models.offered.map(({ id, model, provider_name }) => ({
    id: `model ${id}`,
    group: "Models",
    title: model,
    detail: provider_name,
    icon: "brain",
    keys: "",
    run: () => router.open("models", id),
  }));
}

function bots(): Command[] {
  return apps.list.map(({ name, feature }) => ({
    id: `app ${name}`,
    group: "Apps",
    title: name,
    detail: feature ?? "",
    icon: "apps",
    keys: "",
    run: () => router.open("apps", name),
  }));
}

function settings(): Command[] {
  return sections.flatMap(({ id, label, icon, rows }) =>
    rows.map((row) => ({
      id: `setting ${row}`,
      group: "Settings",
      title: row,
      detail: label,
      icon,
      keys: "",
      run: () => router.open("settings", id),
    })),
  );
}
