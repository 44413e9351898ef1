// What can be done from anywhere: the keys of the frame and the actions of the palette come from this one list.
import type { IconName } from "../kit/icon";
import { screens } from "../screens";
import { EXPLORE } from "../stores/explore-query";
import { checks } from "../stores/checks.svelte";
import { type Bindings, isMac } from "../stores/keyboard.svelte";
import { overlays } from "../stores/overlays.svelte";
import { preferences } from "../stores/preferences.svelte";
import { router } from "../stores/router.svelte";
import { session } from "../stores/session.svelte";
import { syncs } from "../stores/syncs.svelte";

export type Action = {
  id: string;
  title: string;
  icon: IconName;
  /** as the keyboard store knows it; "" for none */
  combo: string;
  /** as people read it */
  keys: string;
  run: () => void;
};

// Option and an arrow move by words in the fields of a Mac.
const [BACK, FORWARD] = isMac ? ["Ctrl+[", "Ctrl+]"] : ["Alt+ArrowLeft", "Alt+ArrowRight"];

export const actions: Action[] = [
  action("palette", "Search or run a command", "search", "Ctrl+K", () => overlays.show("palette")),
  action("settings", "Settings", "gear", "Ctrl+,", () => router.goto("settings")),
  action("add-connection", "Add connection", "plus", "Ctrl+N", () => overlays.addConnection()),
  action("import", "Import connections", "dl", "", () => overlays.show("import")),
  action("add-provider", "Add provider", "plus", "", () => overlays.show("add-provider")),
  action("update-lists", "Update lists of models", "refresh", "", () => void syncs.readAll()),
  action("explore", "Explore usage", "chart", "", () => router.open("usage", EXPLORE, router.at("usage").query)),
  action("test-all", "Test all connections", "bolt", "Shift+T", () => void checks.testAll()),
  action("stop", "Stop all traffic, asks first", "stop", "Ctrl+Shift+.", stopOrResume),
  action("sidebar", "Narrow the sidebar", "cols", "Ctrl+B", () => preferences.flipSidebar()),
  action("theme", "Dark or light", "eye", "Ctrl+Shift+L", () => preferences.flipTheme()),
  action("back", "Back", "left", BACK, () => history.back()),
  action("forward", "Forward", "right", FORWARD, () => history.forward()),
  action("shortcuts", "This list", "cmd", "?", () => overlays.show("shortcuts")),
];

export const bindings: Bindings = Object.fromEntries([
  ...actions.filter(({ combo }) => combo).map(({ combo, run }) => [combo, run]),
  ...screens.map(({ id, key }) => [`g ${key}`, () => router.goto(id)]),
]);

export function stopOrResume() {
  if (session.stopped) void session.resumeTraffic();
  else overlays.show("stop");
}

function action(id: string, title: string, icon: IconName, combo: string, run: () => void): Action {
  return {
    id,
    title,
    icon,
    combo,
    keys: combo.replaceAll("+", " ").replace("ArrowLeft", "←").replace("ArrowRight", "→"),
    run,
  };
}
