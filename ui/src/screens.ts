import type { Component } from "svelte";
import type { IconName } from "./kit/icon";
import Activity from "./screens/activity/Activity.svelte";
import Alerts from "./screens/alerts/Alerts.svelte";
import Apps from "./screens/apps/Apps.svelte";
import Connections from "./screens/connections/Connections.svelte";
import Models from "./screens/models/Models.svelte";
import Overview from "./screens/overview/Overview.svelte";
import Profiles from "./screens/profiles/Profiles.svelte";
import Playground from "./screens/playground/Playground.svelte";
import Settings from "./screens/settings/Settings.svelte";
import Usage from "./screens/usage/Usage.svelte";

export type Screen = {
  /** first part of the address, and `nav-<id>` for tests */
  id: string;
  label: string;
  icon: IconName;
  /** the heading it stands under in the sidebar; "" is the top */
  group: "" | "Observe" | "Set up";
  /** G, then this letter */
  key: string;
  component: Component;
};

/** Every screen there is, in the order of the sidebar. A screen exists once it has a row here. */
export const screens: Screen[] = [
  { id: "overview", label: "Overview", icon: "overview", group: "", key: "o", component: Overview },
  { id: "connections", label: "Connections", icon: "plug", group: "", key: "c", component: Connections },
  { id: "models", label: "Providers & models", icon: "layers", group: "", key: "m", component: Models },
  { id: "profiles", label: "Profiles", icon: "sliders", group: "", key: "p", component: Profiles },
  { id: "playground", label: "Playground", icon: "play", group: "", key: "l", component: Playground },
  { id: "usage", label: "Usage", icon: "chart", group: "Observe", key: "u", component: Usage },
  { id: "activity", label: "Activity", icon: "list", group: "Observe", key: "a", component: Activity },
  { id: "alerts", label: "Alerts & audit", icon: "bell", group: "Observe", key: "e", component: Alerts },
  { id: "apps", label: "Apps", icon: "apps", group: "Set up", key: "b", component: Apps },
  { id: "settings", label: "Settings", icon: "gear", group: "Set up", key: "s", component: Settings },
];
